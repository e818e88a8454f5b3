"""Cancelling some units of an order: which units can be, and which reservations they free.

Nothing of the rest is worked out anew: a line keeps its price, discount and tax per unit, and the
order its shipping, unless nothing is sent at all.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from pydantic import Field, TypeAdapter

from domain.errors import IllegalMove, NotFound, QuantityExceeded
from domain.ids import LineId
from domain.lifecycle import check_running
from domain.orders.status import RUNNING, CancelReason, LineCounters, OrderKind, OrderStatus
from domain.value import Actor, Value


class CancelLine(Value):
    """Units of an order's line that are not to be sent."""

    order_line_id: LineId
    """Which goods, by the `id` that the order shows."""
    quantity: int = Field(strict=True, ge=1, le=1_000_000)
    """How many units; at most what has not left and is not cancelled."""


class LineCancellation(Value):
    """A request to cancel some units, as the order keeps it while labels are taken back."""

    reason: CancelReason
    actor: Actor
    lines: tuple[CancelLine, ...]


LINE_CANCELLATIONS = TypeAdapter(tuple[LineCancellation, ...])
"""The requests that an order keeps, oldest first."""


@dataclass(frozen=True)
class Promise:
    """Units that are reserved for a line, and the shipment that is to take them along, if any.

    Or units that wait for stock, without a reservation.
    """

    reservation_id: UUID | None
    line_id: UUID
    quantity: int
    shipment_id: UUID | None = None
    labelled: bool = False
    """Whether that shipment has a label, under which they may leave at any time."""


def wanted(requests: Iterable[LineCancellation]) -> Counter[UUID]:
    """Return how many units of each line these requests are about."""
    units: Counter[UUID] = Counter()
    for request in requests:
        for line in request.lines:
            units[line.order_line_id] += line.quantity
    return units


def check_units(
    status: OrderStatus,
    lines: Mapping[UUID, LineCounters],
    requests: Sequence[LineCancellation],
    *,
    cancelling: bool,
) -> None:
    """Raise unless the units of the newest of these requests can still be cancelled.

    ``cancelling`` is whether the whole order is. Raises IllegalMove for an order that has ended, is
    being cancelled or has left altogether, NotFound for a line of another order, and
    QuantityExceeded with what remains of each line, the older requests taken off.
    """
    check_running("order", status, RUNNING)
    if cancelling:
        raise IllegalMove("the order is being cancelled", current_status=status, allowed=[])
    if not any(line.open for line in lines.values()):
        raise IllegalMove("all goods have left", current_status=status, allowed=[])
    *before, asked = requests
    taken = wanted(before)
    left = {id_: max(0, line.open - taken[id_]) for id_, line in lines.items()}
    for each in asked.lines:
        if each.order_line_id not in left:
            raise NotFound(f"the order has no line {each.order_line_id}")
    exceeded = [
        {"pointer": f"/lines/{position}/quantity", "message": f"at most {left[id_]}"}
        for position, each in enumerate(asked.lines)
        if each.quantity > left[id_ := each.order_line_id]
    ]
    if exceeded:
        raise QuantityExceeded(
            "more units than have not left and are not cancelled",
            errors=exceeded,
            remaining_lines=[
                {"order_line_id": str(each.order_line_id), "units": left[each.order_line_id]}
                for each in asked.lines
            ],
        )


def check_divisible(
    kind: OrderKind, lines: Mapping[UUID, LineCounters], requests: Sequence[LineCancellation]
) -> None:
    """Raise IllegalMove when a replacement would be sent in part.

    Its return is settled by the whole: goods of it that are not sent would be neither replaced nor
    paid back.
    """
    if kind is OrderKind.REPLACEMENT and not leaves_nothing(lines, requests):
        raise IllegalMove(
            "a replacement is sent as a whole: cancel all of it, and its return is decided anew",
            current_status=str(kind),
            allowed=[],
        )


def leaves_nothing(
    lines: Mapping[UUID, LineCounters], requests: Iterable[LineCancellation]
) -> bool:
    """Whether after these requests nothing was sent and nothing is to be: the order is over."""
    units = wanted(requests)
    return all(line.shipped == 0 and units[id_] >= line.open for id_, line in lines.items())


def take(units: Mapping[UUID, int], promises: Iterable[Promise]) -> list[tuple[Promise, int]]:
    """Return from which promises units of each line are taken, and how many; first come first.

    Those under a label are passed over, so it may be fewer than are wanted.
    """
    left = dict(units)
    taken = []
    for promise in promises:
        quantity = 0 if promise.labelled else min(left.get(promise.line_id, 0), promise.quantity)
        if quantity:
            left[promise.line_id] -= quantity
            taken.append((promise, quantity))
    return taken


def in_the_way(units: Mapping[UUID, int], promises: Sequence[Promise]) -> list[UUID]:
    """Return the shipments that must not get, or keep, a label before so many units are free.

    As few as possible, those without a label first: their labels may be about to be bought.
    """
    unplanned = [promise for promise in promises if promise.shipment_id is None]
    left = Counter(units)
    left.subtract(_counted(take(units, unplanned)))
    planned = sorted(
        (promise for promise in promises if promise.shipment_id is not None),
        key=lambda promise: promise.labelled,
    )
    chosen = []
    for shipment in dict.fromkeys(promise.shipment_id for promise in planned):
        parts = [promise for promise in planned if promise.shipment_id == shipment]
        if shipment and any(left[part.line_id] > 0 for part in parts):
            chosen.append(shipment)
            left.subtract(_counted((part, part.quantity) for part in parts))
    return chosen


def _counted(taken: Iterable[tuple[Promise, int]]) -> Counter[UUID]:
    units: Counter[UUID] = Counter()
    for promise, quantity in taken:
        units[promise.line_id] += quantity
    return units
