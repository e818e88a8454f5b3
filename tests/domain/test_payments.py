"""A payment's amounts are computed from its entries, whatever order the facts came in."""

from itertools import permutations
from random import Random
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.orders.status import LineCounters
from domain.payments import (
    UNCONFIRMED,
    Entry,
    EntryKind,
    PaymentAmounts,
    PaymentStatus,
    Phase,
    add_up,
    authorization_key,
    capture_due,
    capture_key,
    lower_capture,
    payment_status,
    refund_key,
    requirement_met,
    to_renew,
    void_key,
)
from tests.domain.examples import some

A, C, V, R = EntryKind.AUTHORIZATION, EntryKind.CAPTURE, EntryKind.VOID, EntryKind.REFUND
NOTHING = add_up([])


def entry(kind: EntryKind, phase: Phase, amount: int = 100, key: str = "1") -> Entry:
    return Entry(kind=kind, phase=phase, key=f"{kind}/{key}", amount=amount)


@st.composite
def ledgers(draw: st.DrawFn) -> list[Entry]:
    """Requests with some of their outcomes; the amount under a key never changes."""
    keys = draw(
        st.dictionaries(
            st.tuples(st.sampled_from(EntryKind), st.integers(1, 3)),
            st.tuples(st.integers(1, 1000), st.sets(st.sampled_from(Phase), min_size=1)),
            max_size=8,
        )
    )
    return [
        entry(kind, phase, amount, str(number))
        for (kind, number), (amount, phases) in keys.items()
        for phase in phases
    ]


def sums(amounts: PaymentAmounts) -> dict[str, object]:
    return amounts.model_dump(exclude={"failed", "action_required"})


@some
@given(ledgers(), st.randoms(use_true_random=False))
def test_any_order_and_repetition_of_entries_adds_up_to_the_same(
    ledger: list[Entry], random: Random
) -> None:
    again = ledger + random.choices(ledger, k=5) if ledger else []
    random.shuffle(again)
    assert sums(add_up(again)) == sums(add_up(ledger))


@pytest.mark.parametrize("order", [*permutations([Phase.REQUESTED, Phase.FAILED, Phase.SUCCEEDED])])
def test_a_success_outweighs_every_other_word_under_its_key(order: tuple[Phase, ...]) -> None:
    paid = add_up(entry(A, phase) for phase in order)
    assert (paid.authorized, paid.in_flight, paid.failed) == (100, 0, False)


def test_what_is_asked_and_not_answered_is_in_flight() -> None:
    asked = add_up([entry(A, Phase.REQUESTED)])
    assert (asked.authorized, asked.in_flight, asked.action_required) == (0, 100, False)
    challenged = add_up([entry(A, Phase.REQUESTED), entry(A, Phase.ACTION_REQUIRED)])
    assert (challenged.in_flight, challenged.action_required) == (100, True)
    # What happens to other money meanwhile changes nothing about that.
    other = [entry(C, Phase.REQUESTED, 30), entry(C, Phase.SUCCEEDED, 30)]
    still = add_up([entry(A, Phase.REQUESTED), entry(A, Phase.ACTION_REQUIRED), *other])
    assert still.action_required
    declined = add_up([entry(A, Phase.REQUESTED), entry(A, Phase.FAILED)])
    assert (declined.in_flight, declined.failed) == (0, True)


def test_nothing_is_in_flight_once_it_succeeded() -> None:
    paid = add_up([entry(A, Phase.REQUESTED), entry(A, Phase.SUCCEEDED)])
    assert (paid.authorized, paid.in_flight) == (100, 0)


def test_only_the_last_attempt_says_whether_paying_failed() -> None:
    first, second = entry(A, Phase.FAILED, key="1"), entry(A, Phase.SUCCEEDED, key="2")
    assert not add_up([first, second]).failed
    assert add_up([second, first]).failed


def test_captures_and_voids_use_up_what_was_authorized() -> None:
    done = Phase.SUCCEEDED
    paid = add_up([entry(A, done, 100), entry(C, done, 60), entry(V, done, 40), entry(R, done, 25)])
    assert (paid.authorized, paid.captured, paid.voided) == (0, 60, 40)
    assert (paid.refunded, paid.refundable) == (25, 35)


@some
@given(st.integers(0, 200), st.integers(0, 200), st.integers(0, 400))
def test_an_order_may_be_confirmed_when_reserved_and_taken_cover_its_total(
    authorized: int, captured: int, total: int
) -> None:
    paid = NOTHING.model_copy(update={"authorized": authorized, "captured": captured})
    assert requirement_met(total, paid) == (authorized + captured >= total)


def test_a_capture_above_the_authorization_leaves_nothing_missing() -> None:
    """T08: what was captured covers itself, so no other card is asked for nothing."""
    paid = NOTHING.model_copy(update={"authorized": -100, "captured": 4500})
    assert requirement_met(4500, paid)
    assert not requirement_met(4501, paid)


@pytest.mark.parametrize(
    ("total", "billable", "paid", "status"),
    [
        (0, 0, {}, PaymentStatus.NOT_REQUIRED),
        (0, 0, {"captured": 1}, PaymentStatus.NOT_REQUIRED),
        (100, 100, {}, PaymentStatus.UNPAID),
        (100, 100, {"failed": True}, PaymentStatus.FAILED),
        (100, 100, {"authorized": 100}, PaymentStatus.AUTHORIZED),
        (100, 100, {"authorized": 100, "failed": True}, PaymentStatus.AUTHORIZED),
        (100, 100, {"authorized": 60, "captured": 40}, PaymentStatus.PARTIALLY_CAPTURED),
        (100, 100, {"captured": 100}, PaymentStatus.CAPTURED),
        (100, 40, {"captured": 40}, PaymentStatus.CAPTURED),
        (100, 40, {"captured": 41}, PaymentStatus.OVERCAPTURED),
        (100, 100, {"captured": 100, "refunded": 30}, PaymentStatus.PARTIALLY_REFUNDED),
        (100, 0, {"captured": 100, "refunded": 100}, PaymentStatus.REFUNDED),
        (100, 0, {"captured": 100, "refunded": 30}, PaymentStatus.OVERCAPTURED),
    ],
)
def test_payment_status_is_the_first_line_that_fits(
    total: int, billable: int, paid: dict[str, object], status: PaymentStatus
) -> None:
    assert payment_status(total, billable, NOTHING.model_copy(update=paid)) is status


parcels = st.lists(st.integers(1, 20), min_size=1, max_size=8)


@some
@given(st.integers(0, 10**9), parcels)
def test_captures_of_any_partition_into_shipments_equal_the_line_total(
    total: int, shipments: list[int]
) -> None:
    shipped = taken = 0
    for units in shipments:
        line = LineCounters(
            quantity=sum(shipments),
            cancelled=0,
            shipped=shipped,
            delivered=0,
            written_off=0,
            total_amount=total,
        )
        due = capture_due(line, units)
        assert due >= 0
        shipped += units
        taken += due
        assert taken <= total
    assert taken == total


def test_keys_at_the_provider_name_the_step_and_never_the_attempt() -> None:
    keys = [
        authorization_key("P"),
        capture_key("S"),
        capture_key("S", "decision"),
        void_key("P", "cancelled"),
        refund_key("S", "one"),
        refund_key("S", "other"),
    ]
    assert len(set(keys)) == len(keys)
    assert keys[:2] == ["authorize/P", "capture/S"]


def test_a_capture_that_took_less_is_spread_over_its_shares_and_more_is_on_no_line() -> None:
    mug, lamp = uuid4(), uuid4()
    planned = {mug: 600, lamp: 300}
    assert lower_capture(500, planned, 100) == ({mug: 300, lamp: 150}, 50)
    assert lower_capture(1000, planned, 100) == (planned, 100)
    assert lower_capture(1300, planned, 100) == (planned, 100)
    assert lower_capture(1, planned, 100) == ({mug: 1, lamp: 0}, 0)


@pytest.mark.parametrize("end", [Phase.FAILED, Phase.SUCCEEDED])
def test_dropping_what_the_customer_may_have_confirmed_leaves_nothing(end: Phase) -> None:
    """Never less than nothing: another payment's money is not counted against it."""
    payment = uuid4()
    key, drop = authorization_key(payment), void_key(payment, UNCONFIRMED)
    ledger = [
        Entry(kind=kind, phase=phase, key=name, amount=100)
        for kind, name, phases in (
            (A, key, [Phase.REQUESTED, Phase.ACTION_REQUIRED, end]),
            (V, drop, [Phase.REQUESTED, Phase.SUCCEEDED]),
        )
        for phase in phases
    ]
    assert (add_up(ledger).authorized, add_up(ledger).in_flight) == (0, 0)
    other = entry(A, Phase.SUCCEEDED, 70)
    assert add_up([*ledger, other]).authorized == 70


def test_money_that_its_customer_has_to_confirm_is_shown_as_that() -> None:
    asked = add_up([entry(A, Phase.REQUESTED), entry(A, Phase.ACTION_REQUIRED)])
    assert payment_status(100, 100, asked) is PaymentStatus.ACTION_REQUIRED


@pytest.mark.parametrize(
    ("needed", "lasting", "left", "amount"),
    [
        (3800, 0, 3800, 3800),
        (1300, 0, 3800, 1300),
        (3800, 2500, 3800, 1300),
        (3800, 0, 1300, 1300),
        (3800, 3800, 3800, 0),
        (1300, 2500, 3800, 0),
    ],
)
def test_so_much_is_renewed_as_is_needed_for_longer_and_no_more_than_is_left(
    needed: int, lasting: int, left: int, amount: int
) -> None:
    assert to_renew(needed, lasting, left) == amount
