"""How much of a payment finance may take, or let go, by hand."""

from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.errors import AmountExceeded, CurrencyMismatch
from domain.money import Money
from domain.orders.by_hand import (
    CapturePayment,
    Room,
    VoidPayment,
    capture_by_hand_key,
    is_by_hand,
    taken_by_hand,
    to_capture,
    to_void,
    void_by_hand_key,
)
from domain.payments import Entry, EntryKind, Phase, capture_key, void_key

WHY = "by telephone"
amounts = st.integers(0, 5_000)
rooms = st.builds(
    Room, currency=st.just("USD"), free=amounts, needed=amounts, spare=st.integers(-5_000, 5_000)
)


def usd(amount: int) -> Money:
    return Money(amount=amount, currency="USD")


def remaining(refused: AmountExceeded) -> int:
    return int(refused.extensions["remaining"]["amount"])


@given(room=rooms, amount=st.integers(1, 6_000))
def test_a_capture_is_within_what_is_reserved_and_needed(room: Room, amount: int) -> None:
    """Payments R3; a refusal names the most that is accepted."""

    def take(amount: int) -> int:
        return to_capture(CapturePayment(amount=usd(amount), reason=WHY), room)

    try:
        assert take(amount) == amount
        assert amount <= room.free
        assert amount <= room.needed
    except AmountExceeded as refused:
        most = remaining(refused)
        assert amount > most
        assert not most or take(most) == most
        assert most + 1 > room.free or most + 1 > room.needed
        with pytest.raises(AmountExceeded):
            take(most + 1)


@pytest.mark.parametrize(("free", "needed"), [(900, 500), (500, 900)])
def test_a_capture_without_an_amount_is_of_all_that_may_be_taken(free: int, needed: int) -> None:
    room = Room("USD", free=free, needed=needed, spare=free - needed)
    assert to_capture(CapturePayment(reason=WHY), room) == 500


@given(free=amounts, others=amounts, needed=amounts, amount=st.integers(1, 6_000))
def test_a_void_leaves_what_goods_need_unless_told_otherwise(
    free: int, others: int, needed: int, amount: int
) -> None:
    """Payments R2: what other payments keep reserved counts, too."""
    room = Room("USD", free=free, needed=needed, spare=free + others - needed)

    def drop(amount: int, although: bool = False) -> int:
        asked = VoidPayment(amount=usd(amount), reason=WHY, although_needed=although)
        return to_void(asked, room)

    try:
        assert drop(amount) == amount
        assert amount <= free
        assert free + others - amount >= needed
    except AmountExceeded as refused:
        most = remaining(refused)
        assert amount > most
        assert not most or drop(most) == most
        assert most + 1 > free or free + others - (most + 1) < needed
        with pytest.raises(AmountExceeded):
            drop(most + 1)
    if amount <= free:
        assert drop(amount, although=True) == amount
    else:
        with pytest.raises(AmountExceeded):
            drop(amount, although=True)


def test_a_void_without_an_amount_is_of_all_that_is_reserved_and_never_quietly_of_less() -> None:
    room = Room("USD", free=900, needed=500, spare=400)
    with pytest.raises(AmountExceeded, match="although_needed"):
        to_void(VoidPayment(reason=WHY), room)
    assert to_void(VoidPayment(reason=WHY, although_needed=True), room) == 900


def test_a_refusal_names_what_is_reserved_and_what_is_needed() -> None:
    room = Room("USD", free=900, needed=500, spare=400)
    with pytest.raises(AmountExceeded, match=r"9\.00 USD .* reserved, .* needs 5\.00 USD"):
        to_capture(CapturePayment(amount=usd(901), reason=WHY), room)


def test_another_currency_nothing_and_no_reason_are_malformed() -> None:
    room = Room("USD", free=900, needed=500, spare=400)
    euros = Money(amount=1, currency="EUR")
    with pytest.raises(CurrencyMismatch):
        to_capture(CapturePayment(amount=euros, reason=WHY), room)
    with pytest.raises(CurrencyMismatch):
        to_void(VoidPayment(amount=euros, reason=WHY), room)
    with pytest.raises(ValidationError):
        CapturePayment(amount=usd(0), reason=WHY)
    with pytest.raises(ValidationError):
        CapturePayment.model_validate({"reason": " "})


def test_what_is_by_hand_is_known_by_its_key() -> None:
    """Captures of shipments, and voids of the order's own, are not."""
    payment, request = uuid4(), uuid4()
    capture, void = EntryKind.CAPTURE, EntryKind.VOID
    assert is_by_hand(capture, capture_by_hand_key(payment, request), payment)
    assert is_by_hand(void, void_by_hand_key(payment, request), payment)
    assert not is_by_hand(capture, capture_by_hand_key(uuid4(), request), payment)
    assert not is_by_hand(capture, capture_key(uuid4(), str(request)), payment)
    assert not is_by_hand(void, void_key(payment, "remainder/rest"), payment)


def test_what_was_taken_by_hand_is_what_succeeded_and_was_not_taken_back() -> None:
    payment = uuid4()

    def entries(amount: int, *phases: Phase) -> list[Entry]:
        key = capture_by_hand_key(payment, uuid4())
        return [
            Entry(kind=EntryKind.CAPTURE, phase=each, key=key, amount=amount) for each in phases
        ]

    asked, done = Phase.REQUESTED, Phase.SUCCEEDED
    ledger = [
        *entries(1, asked),
        *entries(20, asked, done),
        *entries(300, asked, Phase.FAILED),
        *entries(4_000, asked, done, Phase.REVERSED),
        Entry(kind=EntryKind.CAPTURE, phase=done, key=capture_key(uuid4()), amount=50_000),
    ]
    assert taken_by_hand(ledger, payment) == 20
