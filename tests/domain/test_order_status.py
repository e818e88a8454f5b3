"""What is derived from an order's lines, and what may be asked of an order in each state."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import IllegalMove
from domain.orders.requests import (
    Standing,
    check_cancellable,
    check_payable,
    check_running,
    expiry_reason,
    standing_of,
)
from domain.orders.status import (
    RUNNING,
    STATES_OF,
    CancelReason,
    FulfillmentStatus,
    LineCounters,
    OrderStatus,
    billable,
    fulfillment_status,
    may_complete,
)
from domain.payments import add_up
from tests.domain.examples import some

F = FulfillmentStatus
NOTHING = add_up([])


def line(
    quantity: int,
    *,
    cancelled: int = 0,
    shipped: int = 0,
    delivered: int = 0,
    written_off: int = 0,
    total: int = 0,
) -> LineCounters:
    return LineCounters(
        quantity=quantity,
        cancelled=cancelled,
        shipped=shipped,
        delivered=delivered,
        written_off=written_off,
        total_amount=total,
    )


@pytest.mark.parametrize(
    ("lines", "booked", "status"),
    [
        ([line(2)], False, F.UNFULFILLED),
        ([line(2)], True, F.IN_FULFILLMENT),
        ([line(2, shipped=1)], True, F.PARTIALLY_SHIPPED),
        ([line(2, shipped=2), line(1)], True, F.PARTIALLY_SHIPPED),
        ([line(2, shipped=2)], True, F.SHIPPED),
        ([line(2, cancelled=1, shipped=1)], True, F.SHIPPED),
        ([line(2, shipped=2, delivered=1)], True, F.PARTIALLY_DELIVERED),
        ([line(2, shipped=1, delivered=1)], True, F.PARTIALLY_DELIVERED),
        ([line(2, shipped=2, delivered=2)], True, F.DELIVERED),
        ([line(2, shipped=2, delivered=1, written_off=1)], True, F.DELIVERED),
        ([line(2, cancelled=1, shipped=1, delivered=1)], True, F.DELIVERED),
        ([line(2, shipped=2, written_off=1)], True, F.SHIPPED),
        ([line(2, cancelled=2)], True, F.CANCELLED),
        ([line(2, cancelled=2), line(1)], False, F.UNFULFILLED),
    ],
)
def test_fulfillment_status_is_the_first_line_that_fits(
    lines: list[LineCounters], booked: bool, status: FulfillmentStatus
) -> None:
    assert fulfillment_status(lines, booked=booked) is status


@pytest.mark.parametrize(
    ("lines", "complete"),
    [
        ([line(1, shipped=1, delivered=1)], True),
        ([line(2, shipped=2, delivered=1, written_off=1)], True),
        ([line(2, cancelled=1, shipped=1, delivered=1)], True),
        ([line(1, shipped=1, delivered=1), line(1, cancelled=1)], True),
        ([line(1, cancelled=1)], False),
        ([line(1, shipped=1)], False),
        ([line(2, shipped=1, delivered=1)], False),
        ([line(1, shipped=1, delivered=1), line(1)], False),
    ],
)
def test_an_order_completes_when_all_is_settled_and_something_was_shipped(
    lines: list[LineCounters], complete: bool
) -> None:
    assert may_complete(lines) is complete


SETTLED = st.lists(
    st.tuples(*[st.integers(0, 3)] * 3)
    .filter(any)
    .map(
        lambda units: line(
            sum(units),
            cancelled=units[0],
            shipped=units[1] + units[2],
            delivered=units[1],
            written_off=units[2],
        )
    ),
    min_size=1,
    max_size=3,
)
"""Lines of which every unit is cancelled, delivered or written off."""


@some
@given(SETTLED, st.booleans())
def test_the_word_for_goods_that_are_settled_is_looked_for_where_such_orders_are(
    lines: list[LineCounters], booked: bool
) -> None:
    """A list by a word reads the orders in these states alone: none may be missing."""
    ended = OrderStatus.COMPLETED if may_complete(lines) else OrderStatus.CANCELLED
    states = STATES_OF[fulfillment_status(lines, booked=booked)]
    assert states >= RUNNING | {ended}
    assert (OrderStatus.CLOSED in states) == (OrderStatus.COMPLETED in states)


def test_every_word_is_looked_for_among_orders_on_their_way() -> None:
    assert set(STATES_OF) == set(F)
    assert all(states >= RUNNING for states in STATES_OF.values())


def test_nothing_is_owed_for_what_was_cancelled_and_shipping_only_while_something_is_kept() -> None:
    lines = [line(3, total=1000), line(1, total=50)]
    assert billable(lines, 500) == 1550
    lines[0] = line(3, cancelled=1, total=1000)
    assert billable(lines, 500) == 667 + 50 + 500
    assert billable([line(3, cancelled=3, total=1000), line(1, total=50)], 500) == 550
    assert billable([line(3, cancelled=3, total=1000)], 500) == 0


@some
@given(st.integers(1, 1000), st.integers(0, 10**9), st.data())
def test_what_is_owed_never_exceeds_the_total_and_never_grows_by_cancelling(
    quantity: int, total: int, data: st.DataObject
) -> None:
    less = data.draw(st.integers(0, quantity))
    more = data.draw(st.integers(less, quantity))
    owed = [billable([line(quantity, cancelled=units, total=total)], 0) for units in (less, more)]
    assert total >= owed[0] >= owed[1] >= 0


@pytest.mark.parametrize("status", OrderStatus)
def test_only_a_running_order_whose_goods_are_here_can_be_cancelled(status: OrderStatus) -> None:
    if status in RUNNING:
        check_cancellable(status, [line(2), line(1, cancelled=1)])
        with pytest.raises(IllegalMove) as late:
            check_cancellable(status, [line(2), line(2, shipped=1)])
        # Nothing that does not exist is advised.
        assert late.value.extensions.keys() == {"current_status", "allowed"}
        assert late.value.extensions["allowed"] == []
    else:
        with pytest.raises(IllegalMove) as refused:
            check_cancellable(status, [line(2)])
        assert refused.value.extensions["current_status"] == str(status)
        assert refused.value.extensions["allowed"] == []


@pytest.mark.parametrize("status", OrderStatus)
def test_an_order_that_ended_takes_no_requests(status: OrderStatus) -> None:
    if status in RUNNING:
        check_running(status)
        return
    with pytest.raises(IllegalMove, match=f"the order is {status}"):
        check_running(status)


@pytest.mark.parametrize("standing", Standing)
def test_another_payment_is_taken_only_while_none_is_there_or_on_its_way(
    standing: Standing,
) -> None:
    if standing in (Standing.UNPAID, Standing.DECLINED):
        check_payable(OrderStatus.PENDING, standing)
        return
    with pytest.raises(IllegalMove, match=str(standing)):
        check_payable(OrderStatus.PENDING, standing)


@pytest.mark.parametrize(
    ("paid", "standing"),
    [
        ({}, Standing.UNPAID),
        ({"failed": True}, Standing.DECLINED),
        ({"in_flight": 100}, Standing.IN_FLIGHT),
        ({"in_flight": 100, "failed": True}, Standing.IN_FLIGHT),
        ({"authorized": 99}, Standing.UNPAID),
        ({"authorized": 100}, Standing.SECURED),
        ({"authorized": 60, "captured": 40, "failed": True}, Standing.SECURED),
    ],
)
def test_how_the_money_of_a_pending_order_stands(
    paid: dict[str, object], standing: Standing
) -> None:
    assert standing_of(100, NOTHING.model_copy(update=paid)) is standing


def test_an_order_without_a_price_needs_no_money() -> None:
    assert standing_of(0, NOTHING) is Standing.SECURED


def test_a_passed_payment_window_says_whether_a_card_was_declined() -> None:
    assert expiry_reason(Standing.DECLINED) is CancelReason.PAYMENT_FAILED
    assert expiry_reason(Standing.UNPAID) is CancelReason.PAYMENT_EXPIRED
