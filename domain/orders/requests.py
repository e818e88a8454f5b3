"""Requests to a running order, and the progress that its run learns from each step."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Self

from pydantic import Field, model_validator

from domain import lifecycle
from domain.access import Caller, Role
from domain.addresses import Address
from domain.cards import RETURN, CardToken, ReturnUrl
from domain.errors import Forbidden, IllegalMove
from domain.ids import OrderId, ShipmentId
from domain.metadata import FORM, Metadata, check_metadata
from domain.orders.cancelling import CancelLine
from domain.orders.placing import MOST_LINES, Service
from domain.orders.status import (
    RUNNING,
    CancelReason,
    LineCounters,
    OrderStatus,
)
from domain.payments import PaymentAmounts, requirement_met
from domain.priority import URGENCY, Priority
from domain.value import Actor, Day, Text, Value


class Standing(StrEnum):
    """How the money of a pending order stands."""

    UNPAID = "unpaid"
    IN_FLIGHT = "in_flight"
    DECLINED = "declined"
    SECURED = "secured"


class Cancellation(Value):
    """A request to cancel, as the run gets it."""

    order_id: OrderId
    reason: CancelReason
    actor: Actor
    window_end: datetime | None = None
    """Of an order that was not paid in time: the end of the window as its run knew it."""


class UndoFailure(Value):
    """A step of an order's run that could not be undone, and what was said to that."""

    order_id: OrderId
    reason: Text


class Progress(Value):
    """Where an order is, read under its lock: all that its run needs to go on."""

    status: OrderStatus
    standing: Standing = Standing.UNPAID
    held: bool = False
    payment_due_at: datetime
    """When it is cancelled unless it is paid; later than the row says while a hold keeps it."""
    to_book: tuple[ShipmentId, ...] = ()
    authorized_amount: int = 0
    """Minor units still reserved at the provider."""
    unconfirmed: bool = False
    """Whether a payment waits for its customer's confirmation, of which no word may ever come."""
    cancellation: Cancellation | None = None
    """What was asked of a running order and is not done yet."""
    to_capture: bool = False
    """Whether all of its money is to be taken now, before anything of it gets a label."""
    cancelling_lines: bool = False
    """Whether some units are to be cancelled as soon as their labels are taken back."""
    short: bool = False
    """Whether it waits for stock of some units."""


CUSTOMERS_REASONS = frozenset({CancelReason.CUSTOMER_REQUEST, CancelReason.DUPLICATE})
"""Why a customer may cancel; the other reasons are for the company to give."""


HELD_FOR = timedelta(days=30)
"""How long a hold keeps an order that is not paid, counted from the oldest open one."""


class CancelOrder(Value):
    """The body of a cancellation; customers may give only `customer_request` and `duplicate`."""

    reason: CancelReason = CancelReason.CUSTOMER_REQUEST
    """Why; stays with the order."""
    # Left out of what names a request, as the release before wrote it, where there are none.
    lines: tuple[CancelLine, ...] = Field(
        default=(),
        max_length=MOST_LINES,
        exclude_if=lambda given: not given,
        description="Units that are not to be sent, each line of the order at most once; the whole"
        " order if left out. With lines an `Idempotency-Key` is needed.",
    )

    @model_validator(mode="after")
    def _names_each_line_once(self) -> Self:
        lines = [line.order_line_id for line in self.lines]
        if len(set(lines)) < len(lines):
            raise ValueError("lines must name each line of the order once")
        return self


_TURN = ("priority", "promised_on")
"""The fields that say whose turn it is where several orders wait."""


class OrderChange(Value):
    """What may change before anything of an order has a label; what is left out stays.

    Whose turn it is may change until the order has ended, and metadata at any time.
    """

    ship_to: Address | None = None
    """Where the goods go instead; replaces the whole address."""
    bill_to: Address | None = None
    """Who is billed instead; replaces the whole address."""
    shipping_service: Service | None = Field(
        default=None, description="What the customer pays stays; not for customers."
    )
    notes: Text | None = Field(default=None, description="For who packs the goods.")
    # Left out of what names a request, as the release before wrote it, where there is none.
    priority: Priority | None = Field(
        default=None,
        exclude_if=lambda given: given is None,
        description=f"Whose turn it is where several wait for stock: {URGENCY} Not for customers.",
    )
    promised_on: Day | None = Field(
        default=None,
        exclude_if=lambda given: given is None,
        description="By which other day the customer was promised the goods. Not for customers.",
    )
    metadata: Metadata | None = Field(
        default=None,
        exclude_if=lambda given: given is None,
        description=f"{FORM}. Other keys stay; null or an empty text removes one. May change at any"
        " time, also of an order that has ended. Not for customers.",
    )

    @property
    def at_any_time(self) -> bool:
        """Whether it is about nothing but metadata, which no state of an order forbids."""
        return self._only("metadata")

    @property
    def with_labels(self) -> bool:
        """Whether it is about nothing that a label says, or who packs has to know."""
        return self._only("metadata", *_TURN)

    def _only(self, *names: str) -> bool:
        given = {name for name in type(self).model_fields if getattr(self, name) is not None}
        return bool(given) and given <= set(names)


class PayOrder(Value):
    """Another attempt to pay, with the token of a card."""

    token: CardToken = Field(description="The payment provider's name for the card.")
    # Left out of what names a request, as the release before wrote it, where there is none.
    return_url: ReturnUrl | None = Field(
        default=None, exclude_if=lambda given: given is None, description=RETURN
    )


def check_fields(change: OrderChange, caller: Caller) -> None:
    """Raise Forbidden when a customer chooses another service: that is paid for when ordering.

    Metadata are not for customers either, nor whose turn it is.
    """
    check_metadata(change.metadata, caller)
    for name in _TURN:
        if caller.role is Role.CUSTOMER and getattr(change, name) is not None:
            raise Forbidden("a customer may not say whose turn it is", field=name)
    if caller.role is Role.CUSTOMER and change.shipping_service is not None:
        raise Forbidden("a customer may not change the shipping service", field="shipping_service")


def check_reason(reason: CancelReason, role: Role) -> None:
    """Raise Forbidden unless a caller of this role may give this reason for a cancellation."""
    if role is Role.CUSTOMER and reason not in CUSTOMERS_REASONS:
        raise Forbidden(
            f"a customer may not cancel with the reason {reason}",
            allowed=sorted(CUSTOMERS_REASONS),
        )


def payment_due(due_at: datetime, held_since: datetime | None) -> datetime:
    """Return until when an order waits for its money.

    A hold keeps it: the window stands still, for at most `HELD_FOR`.
    """
    return due_at if held_since is None else max(due_at, held_since + HELD_FOR)


def standing_of(total: int, paid: PaymentAmounts) -> Standing:
    """Say how the money of an order of this total (minor units) stands."""
    if requirement_met(total, paid):
        return Standing.SECURED
    if paid.in_flight:
        return Standing.IN_FLIGHT
    return Standing.DECLINED if paid.failed else Standing.UNPAID


def check_payable(status: OrderStatus, standing: Standing) -> None:
    """Raise IllegalMove unless a pending order's money is neither there nor being asked for."""
    check_running(status)
    if standing in (Standing.SECURED, Standing.IN_FLIGHT):
        raise IllegalMove(
            f"the order's payment is {standing}", current_status=str(standing), allowed=[]
        )


def check_running(status: OrderStatus) -> None:
    """Raise IllegalMove when an order has ended."""
    lifecycle.check_running("order", status, RUNNING)


def check_changeable(status: OrderStatus, cancelling: bool, labelled: Sequence[str]) -> None:
    """Raise IllegalMove unless an order runs, stays, and nothing of it has a label.

    ``labelled`` are the numbers of the shipments that have one, or have left.
    """
    check_running(status)
    if cancelling:
        raise IllegalMove("the order is being cancelled", current_status=str(status), allowed=[])
    if labelled:
        raise IllegalMove(
            f"{', '.join(labelled)} travels with a label: what is printed there cannot be changed",
            current_status=str(status),
            allowed=[],
        )


def check_cancellable(status: OrderStatus, lines: Sequence[LineCounters]) -> None:
    """Raise IllegalMove when an order has ended or its goods have left."""
    check_running(status)
    if any(line.shipped for line in lines):
        raise too_late_to_cancel(status)


def too_late_to_cancel(status: OrderStatus) -> IllegalMove:
    """Return the refusal of a cancellation that meets goods on their way."""
    return IllegalMove(
        "the goods have left and cannot be called back",
        current_status=str(status),
        allowed=[],
    )


def expiry_reason(standing: Standing) -> CancelReason:
    """Return why an order ends whose payment window passed."""
    declined = standing is Standing.DECLINED
    return CancelReason.PAYMENT_FAILED if declined else CancelReason.PAYMENT_EXPIRED
