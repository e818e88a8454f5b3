"""What a person or a step may ask of a running order, and what the run learns from each step."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from pydantic import Field

from domain.errors import AlreadyExists, IllegalMove
from domain.ids import OrderId, ShipmentId
from domain.orders.status import (
    MOVES,
    RUNNING,
    CancelReason,
    HoldReason,
    LineCounters,
    OrderStatus,
)
from domain.payments import PaymentAmounts, requirement_met
from domain.value import Name, Text, Value


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
    actor: Name


class Progress(Value):
    """Where an order is, read under its lock: all that its run needs to go on."""

    status: OrderStatus
    standing: Standing = Standing.UNPAID
    held: bool = False
    payment_due_at: datetime
    to_book: tuple[ShipmentId, ...] = ()
    authorized_amount: int = 0
    """Minor units still reserved at the provider."""
    cancellation: Cancellation | None = None
    """What was asked of a running order and is not done yet."""


class CancelOrder(Value):
    """The body of a cancellation."""

    reason: CancelReason = CancelReason.CUSTOMER_REQUEST


class PlaceHold(Value):
    """The body of a hold."""

    reason: HoldReason = HoldReason.MANUAL
    note: Text = ""


class PayOrder(Value):
    """Another attempt to pay, with the token of a card."""

    token: Name = Field(description="The payment provider's name for the card.")


class HoldPlacement(Value):
    """A request to stop an order; the id makes a repeat the same hold."""

    order_id: OrderId
    hold_id: UUID
    reason: HoldReason
    note: Text
    actor: Name


class HoldRelease(Value):
    """A request to let an order go on."""

    order_id: OrderId
    hold_id: UUID
    actor: Name


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
    if status not in RUNNING:
        raise IllegalMove(
            f"the order is {status}",
            current_status=str(status),
            allowed=sorted(str(state) for state in MOVES[status]),
        )


def check_cancellable(status: OrderStatus, lines: Sequence[LineCounters]) -> None:
    """Raise IllegalMove when an order has ended or its goods have left."""
    check_running(status)
    if any(line.shipped for line in lines):
        raise too_late_to_cancel(status)


def too_late_to_cancel(status: OrderStatus) -> IllegalMove:
    """Return the refusal of a cancellation that meets goods on their way."""
    return IllegalMove(
        "the goods have left; they can be returned once they arrive",
        current_status=str(status),
        allowed=[],
        alternatives=["return", "reroute"],
    )


def already_held(reason: HoldReason) -> AlreadyExists:
    """Return the refusal of a second open hold of the same reason."""
    return AlreadyExists(f"the order is already on hold for {reason}")


def expiry_reason(standing: Standing) -> CancelReason:
    """Return why an order ends whose payment window passed."""
    declined = standing is Standing.DECLINED
    return CancelReason.PAYMENT_FAILED if declined else CancelReason.PAYMENT_EXPIRED
