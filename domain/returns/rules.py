"""Which units may come back, who decides, and whether the postage goes back with them.

Days are calendar days in UTC.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from domain.errors import NotFound, QuantityExceeded, WindowClosed
from domain.items import Tracking
from domain.money import Money, share, split
from domain.orders.placing import Service
from domain.policy import Policy, ShippingRefund
from domain.returns.requests import InspectedUnits, ReturnParts
from domain.returns.status import (
    BEARS_LABEL,
    MENDED,
    MERCHANT_FAULT,
    ReturnKind,
    ShipBack,
)


@dataclass(frozen=True)
class Delivery:
    """Units that reached the customer on one day."""

    on: date
    units: int


@dataclass(frozen=True)
class SoldLine:
    """A line of an order, as far as its units can come back."""

    id: UUID
    order_id: UUID
    sku: str
    sold: int
    """Units that were neither cancelled nor written off."""
    delivered: int
    coming_back: int
    """On returns that are asked for or authorized, and not here yet."""
    returned: int
    """Arrived on returns."""
    deliveries: tuple[Delivery, ...]
    """The oldest first."""
    window_days: int | None = None
    """The item's own return window; None when it has none."""
    fee_rate: Decimal = Decimal(0)
    """The item's restocking fee, as a share of its money."""
    undelivered: int = 0
    """Of those that come back or have arrived, those that never were delivered."""
    tracking: str = Tracking.NONE
    """Whether its units have serials."""

    @property
    def taken(self) -> int:
        """The delivered units that are on a return."""
        return self.coming_back + self.returned - self.undelivered

    @property
    def left(self) -> int:
        """The delivered units that are on no return."""
        return max(0, self.delivered - self.taken)

    def left_of_each(self) -> list[Delivery]:
        """Return the deliveries of the units that are left.

        Units of one line are alike: those that went first count as returned first, so that what is
        left has the latest window.
        """
        taken = self.taken
        rest = []
        for delivery in self.deliveries:
            kept = max(0, delivery.units - taken)
            taken = max(0, taken - delivery.units)
            if kept:
                rest.append(Delivery(delivery.on, kept))
        return rest


@dataclass(frozen=True)
class Window:
    """How many units of a line may come back today, and until when."""

    units: int
    days: int
    """Days from the delivery; 0: never."""
    until: date | None
    """The last day, inclusive; None when it is not known yet, or there is none."""
    closed_on: date | None = None
    """The last day of those that may come no more, or of the latest of them; None without any."""


def window_of(
    line: SoldLine, kind: ReturnKind, lines: Collection[SoldLine], policy: Policy, today: date
) -> Window:
    """Return how long the units of a line that are left may come back (returns R2).

    From the delivery of the unit, by the item's own days or those of the setting; for a withdrawal
    from that of the order's last unit, of which ``lines`` are all, whatever the item says. What was
    not delivered comes back by itself, and nobody can ask for it; under warranty the claim decides.
    """
    if kind is ReturnKind.UNDELIVERABLE:
        return Window(0, 0, None)
    if kind is ReturnKind.WARRANTY:
        return Window(line.left, 0, None)
    left = line.left_of_each()
    if kind is ReturnKind.WITHDRAWAL:
        if any(each.delivered < each.sold for each in lines):
            return Window(line.left, policy.withdrawal_days, None)
        last = max((one.on for each in lines for one in each.deliveries), default=None)
        until = last and last + timedelta(days=policy.withdrawal_days)
        if until and today <= until:
            return Window(line.left, policy.withdrawal_days, until)
        return Window(0, policy.withdrawal_days, until, until)
    days = policy.return_window_days if line.window_days is None else line.window_days
    if not days:
        return Window(0, days, None)
    window = timedelta(days=days)
    units = sum(one.units for one in left if today <= one.on + window)
    ends = [one.on + window for one in left]
    closed = max((end for end in ends if end < today), default=None)
    return Window(units, days, max(ends, default=None), closed)


class NotReturnable(StrEnum):
    """Why no unit of a line can come back."""

    NOT_DELIVERED = "not_delivered"
    """None has reached the customer."""
    ALL_BACK = "all_back"
    """Every delivered unit is on a return, or came back."""
    NON_RETURNABLE = "non_returnable"
    """A final sale: its window is 0 days."""
    WINDOW_CLOSED = "window_closed"
    """The last day for those that are left is over."""


def why_none(line: SoldLine, window: Window) -> NotReturnable | None:
    """Say why no unit of a line can come back; None where some can."""
    if min(line.left, window.units):
        return None
    if not line.delivered or not line.deliveries:
        return NotReturnable.NOT_DELIVERED
    if not line.left:
        return NotReturnable.ALL_BACK
    return NotReturnable.NON_RETURNABLE if window.until is None else NotReturnable.WINDOW_CLOSED


def check_units(
    asked: ReturnParts, sold: Mapping[UUID, SoldLine], policy: Policy, today: date, *, late: bool
) -> None:
    """Raise NotFound, QuantityExceeded or WindowClosed unless all that is asked may come back.

    ``late`` units may come back after their window (returns R1, R2).
    """
    for position, wanted in enumerate(asked.lines):
        line = sold.get(wanted.order_line_id)
        if line is None:
            raise NotFound(f"the order has no line {wanted.order_line_id}")
        pointer = f"/lines/{position}/quantity"
        if wanted.quantity > line.left:
            raise QuantityExceeded(
                f"{line.left} delivered units of {line.sku} can still be returned",
                errors=[{"pointer": pointer, "message": "more than remain"}],
                remaining_units=line.left,
            )
        others = [each for each in sold.values() if each.order_id == line.order_id]
        window = window_of(line, asked.kind, others, policy, today)
        if wanted.quantity > window.units and not late:
            raise WindowClosed(
                f"of {line.sku} {window.units} can come back today"
                + (f"; the last day was {window.closed_on}" if window.closed_on else ""),
                errors=[{"pointer": pointer, "message": "outside the return window"}],
                remaining_units=window.units,
                closed_on=window.closed_on and window.closed_on.isoformat(),
            )


@dataclass(frozen=True)
class Postage:
    """What an order pays for its shipping, in minor units of its currency."""

    service: str
    currency: str
    net: int
    tax: int

    @property
    def gross(self) -> int:
        """With its tax."""
        return self.net + self.tax


@dataclass(frozen=True)
class Accepted:
    """Accepted units of one order, on all of its returns."""

    units: int
    faulty: int
    """Those that came back for the merchant's fault."""


def shipping_due(
    accepted: Accepted, sold: int, kind: ReturnKind, policy: Policy, paid: Postage
) -> int:
    """Return how much of an order's shipping goes back in all with its last units (returns R9).

    All of it when every unit came back for the merchant's fault. When everything was withdrawn in
    time, and by the setting when everything came back for whatever reason, no more than the
    standard delivery costs: who chose a dearer one bears the difference (2011/83/EU, 13 (2)). A
    warranty is on the goods: their delivery has been rendered.
    """
    if kind is ReturnKind.WARRANTY:
        return 0
    if accepted.faulty >= sold:
        return paid.gross
    withdrawn = kind is ReturnKind.WITHDRAWAL
    wanted = withdrawn or policy.refund_shipping_on is ShippingRefund.FULL_WITHDRAWAL
    return _standard(paid, policy) if wanted and accepted.units >= sold else 0


def _standard(paid: Postage, policy: Policy) -> int:
    """Return what of the shipping the standard delivery would have cost, with its share of tax."""
    rate = policy.shipping_rates.get(paid.currency, {}).get(Service.GROUND)
    if paid.service == Service.GROUND or rate is None or rate >= paid.net:
        return paid.gross
    return share(paid.gross, rate, paid.net, 0)


def is_faulty(reason: str | None) -> bool:
    """Whether a reason is the merchant's fault."""
    return reason in MERCHANT_FAULT


def fee_rate_of(line: SoldLine, kind: ReturnKind, reason: str | None) -> Decimal:
    """Return the share of a line's money that is kept as its restocking fee (returns R9).

    Nothing is kept of what comes back for the merchant's fault, nor of a withdrawal.
    """
    free = kind is not ReturnKind.STANDARD or is_faulty(reason)
    return Decimal(0) if free else line.fee_rate


def label_fee_of(asked: ReturnParts, fee: int) -> int:
    """Return what of ``fee`` is kept, once, when the goods come under a label of ours (returns R5).

    All of it where every line comes back because the customer changed its mind or took the wrong
    size. Where anything comes for another reason the label was needed for that; and a withdrawal
    costs no more than sending back, which a fee need not be (2011/83/EU, 14 (1)).
    """
    if asked.ship_back is not ShipBack.LABEL or asked.kind is ReturnKind.WITHDRAWAL:
        return 0
    return fee if all(line.reason in BEARS_LABEL for line in asked.lines) else 0


def one_by_one(lines: Iterable[InspectedUnits]) -> Iterator[tuple[int, InspectedUnits]]:
    """Yield inspected units with their position, apart where each is mended by a work of its own.

    Those that have serials: each is known by its own. What is deducted of them is shared out to the
    cent.
    """
    for position, units in enumerate(lines):
        if units.disposition not in MENDED or len(units.serials) < 2:
            yield position, units
            continue
        whole = units.deduction.amount.amount if units.deduction else 0
        parts = split(whole, [1] * len(units.serials))
        for serial, part in zip(units.serials, parts, strict=True):
            deduction = None
            if units.deduction and part:
                amount = Money(amount=part, currency=units.deduction.amount.currency)
                deduction = units.deduction.model_copy(update={"amount": amount})
            one = {"quantity": 1, "serials": (serial,), "deduction": deduction}
            yield position, units.model_copy(update=one)
