"""Money of an order that finance takes, or lets go, by hand: how much of it may move, and how.

Amounts are in minor units of the order's currency.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self
from uuid import UUID

from pydantic import Field, model_validator

from domain.errors import AmountExceeded, CurrencyMismatch
from domain.money import Money
from domain.payments import Entry, EntryKind, Phase, add_up, capture_key, void_key
from domain.value import Name, Value

_HAND = "hand"
"""The purpose of what is dropped by hand."""


class MoveByHand(Value):
    """Money of a payment to be moved by hand, and why."""

    amount: Money | None = None
    """How much. Left out, a capture takes all that it may; a void means all that is reserved."""
    reason: Name
    """Why; for colleagues and the audit."""

    @model_validator(mode="after")
    def _is_about_something(self) -> Self:
        if self.amount is not None and self.amount.amount == 0:
            raise ValueError("amount must be more than 0")
        return self


class CapturePayment(MoveByHand):
    """Take money that is reserved, before its goods leave or where taking it was refused."""


class VoidPayment(MoveByHand):
    """Let money go that is reserved.

    Without an amount that is all of it, and refused where goods that are to be sent need some.
    """

    although_needed: bool = Field(
        default=False,
        description="Whether to let go, too, what goods that are to be sent still need: they then"
        " wait until the customer has paid again.",
    )


@dataclass(frozen=True)
class Room:
    """How much of a payment may be moved by hand."""

    currency: str
    free: int
    """What it keeps reserved that is not being taken or dropped already."""
    needed: int
    """What its order still has to take, beyond what is being taken."""
    spare: int
    """What all payments of the order keep reserved beyond what it still has to take."""


def to_capture(asked: CapturePayment, room: Room) -> int:
    """Return how much is taken: what is reserved and still to be paid (payments R3).

    Raises AmountExceeded with what is reserved and needed, and CurrencyMismatch.
    """
    most = max(0, min(room.free, room.needed))
    amount = _given(asked, room, most)
    if 0 < amount <= most:
        return amount
    raise _refused(
        f"{_money(room, room.free)} of the payment is reserved, and its order still needs"
        f" {_money(room, room.needed)}",
        most,
        room,
    )


def to_void(asked: VoidPayment, room: Room) -> int:
    """Return how much is let go: what is reserved and, unless told otherwise, not needed.

    Raises AmountExceeded with what is reserved and needed, and CurrencyMismatch.
    """
    most = room.free if asked.although_needed else min(room.free, room.spare)
    amount = _given(asked, room, room.free)
    if 0 < amount <= max(0, most):
        return amount
    told = f"{_money(room, room.free)} of the payment is reserved"
    if amount and amount <= room.free:
        told += (
            f", and its order still needs {_money(room, room.needed)};"
            " `although_needed` lets that go, too"
        )
    raise _refused(told, max(0, most), room)


def capture_by_hand_key(payment_id: UUID, request_id: UUID) -> str:
    """The provider key of a capture by hand."""
    return capture_key(payment_id, str(request_id))


def void_by_hand_key(payment_id: UUID, request_id: UUID) -> str:
    """The provider key of what is dropped by hand."""
    return void_key(payment_id, f"{_HAND}/{request_id}")


def is_by_hand(kind: EntryKind, key: str, payment_id: UUID) -> bool:
    """Whether a movement of a payment's money was asked for by hand."""
    prefixes = {
        EntryKind.CAPTURE: f"{capture_key(payment_id)}/",
        EntryKind.VOID: f"{void_key(payment_id, _HAND)}/",
    }
    return kind in prefixes and key.startswith(prefixes[kind])


def moving(entries: Iterable[Entry], *kinds: EntryKind) -> int:
    """Return what is being moved so of a payment's money, and has no outcome yet."""
    return add_up(entry for entry in entries if entry.kind in kinds).in_flight


def taken_by_hand(entries: Iterable[Entry], payment_id: UUID) -> int:
    """Return what was captured by hand of a payment, and not taken back by the provider."""
    ours = [each for each in entries if is_by_hand(each.kind, each.key, payment_id)]
    return add_up(each for each in ours if each.phase is not Phase.REQUESTED).captured


def _given(asked: MoveByHand, room: Room, most: int) -> int:
    if asked.amount is None:
        return most
    if asked.amount.currency != room.currency:
        raise CurrencyMismatch(
            f"amount is in {asked.amount.currency}, the payment in {room.currency}",
            errors=[{"pointer": "/amount/currency", "message": f"must be {room.currency}"}],
        )
    return asked.amount.amount


def _refused(told: str, most: int, room: Room) -> AmountExceeded:
    return AmountExceeded(
        told,
        errors=[{"pointer": "/amount", "message": f"at most {_money(room, most)}"}],
        remaining=_money(room, most).model_dump(),
    )


def _money(room: Room, amount: int) -> Money:
    return Money(amount=max(0, amount), currency=room.currency)
