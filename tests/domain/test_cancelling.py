"""Cancelling some units: what remains to be paid, what may be cancelled, what stands in the way."""

from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import IllegalMove, NotFound, QuantityExceeded
from domain.ids import LineId, new_id
from domain.orders.cancelling import (
    CancelLine,
    LineCancellation,
    Promise,
    check_divisible,
    check_units,
    in_the_way,
    leaves_nothing,
    take,
)
from domain.orders.status import CancelReason, LineCounters, OrderKind, OrderStatus, billable
from domain.payments import capture_due, shipping_due
from tests.domain.examples import some

LINE, OTHER = new_id(), new_id()


def line(quantity: int, total: int = 0, *, cancelled: int = 0, shipped: int = 0) -> LineCounters:
    return LineCounters(
        quantity=quantity,
        cancelled=cancelled,
        shipped=shipped,
        delivered=0,
        written_off=0,
        total_amount=total,
    )


def request(**units: int) -> LineCancellation:
    ids = {"line": LINE, "other": OTHER, "foreign": new_id()}
    lines = tuple(
        CancelLine(order_line_id=LineId(ids[name]), quantity=quantity)
        for name, quantity in units.items()
    )
    return LineCancellation(reason=CancelReason.CUSTOMER_REQUEST, actor="customer", lines=lines)


def check(lines: dict[UUID, LineCounters], *requests: LineCancellation, **how: Any) -> None:
    status = how.pop("status", OrderStatus.CONFIRMED)
    check_units(status, lines, requests, cancelling=how.pop("cancelling", False))


def test_the_rest_keeps_its_discount_and_its_shipping() -> None:
    """RET-08: 5 × 5.50 less 2.75, shipping 0.50; cancel 2, then the other 3."""
    assert billable([line(5, 2475)], 50) == 2525
    assert billable([line(5, 2475, cancelled=2)], 50) == 1535
    assert billable([line(5, 2475, cancelled=5)], 50) == 0


def test_half_a_cent_is_owed_for_what_is_kept_as_it_is_taken_for_what_leaves() -> None:
    assert billable([line(2, 1001, cancelled=1)], 0) == capture_due(line(2, 1001), 1) == 501


@st.composite
def stories(draw: st.DrawFn) -> tuple[list[tuple[int, int]], list[tuple[int, bool, int]]]:
    """Lines (quantity, total), and what happens to how many of their units: sent or cancelled."""
    lines = draw(st.lists(st.tuples(st.integers(1, 9), st.integers(0, 9999)), min_size=1))
    step = st.tuples(st.integers(0, len(lines) - 1), st.booleans(), st.integers(1, 9))
    return lines, draw(st.lists(step, max_size=30))


@some
@given(stories(), st.integers(0, 999))
def test_whatever_is_cancelled_when_what_is_taken_in_the_end_is_what_is_owed_to_the_cent(
    story: tuple[list[tuple[int, int]], list[tuple[int, bool, int]]], shipping: int
) -> None:
    lines = [line(quantity, total) for quantity, total in story[0]]
    taken = dropped = 0
    for which, sent, units in [*story[1], *((at, False, 99) for at in range(len(lines)))]:
        before, each = billable(lines, shipping), lines[which]
        units = min(units, each.open)
        if units and sent:
            taken += capture_due(each, units) + shipping_due(lines, shipping)
            lines[which] = each.model_copy(update={"shipped": each.shipped + units})
        else:
            lines[which] = each.model_copy(update={"cancelled": each.cancelled + units})
        dropped += before - billable(lines, shipping)
    assert taken == billable(lines, shipping)
    assert taken + dropped == sum(total for _, total in story[0]) + shipping


def test_more_units_than_remain_are_refused_with_what_remains_of_each_line() -> None:
    lines = {LINE: line(5, shipped=1), OTHER: line(2)}
    with pytest.raises(QuantityExceeded) as refused:
        check(lines, request(line=2), request(line=3, other=2))
    assert refused.value.extensions["remaining_lines"] == [
        {"order_line_id": str(LINE), "units": 2},
        {"order_line_id": str(OTHER), "units": 2},
    ]
    [error] = refused.value.extensions["errors"]
    assert error["pointer"] == "/lines/0/quantity"
    check(lines, request(line=2), request(line=2, other=2))


def test_units_of_another_order_are_not_found() -> None:
    with pytest.raises(NotFound):
        check({LINE: line(1)}, request(foreign=1))


@pytest.mark.parametrize(
    ("counters", "how"),
    [
        (line(2, shipped=2), {}),
        (line(2), {"cancelling": True}),
        (line(2), {"status": OrderStatus.COMPLETED}),
        (line(2), {"status": OrderStatus.CANCELLED}),
    ],
    ids=["all has left", "cancelled as a whole", "completed", "cancelled"],
)
def test_units_of_an_order_that_is_over_are_not_cancelled(
    counters: LineCounters, how: dict[str, Any]
) -> None:
    with pytest.raises(IllegalMove):
        check({LINE: counters}, request(line=1), **how)


@pytest.mark.parametrize(
    ("lines", "over"),
    [
        ({LINE: line(2)}, True),
        ({LINE: line(3)}, False),
        ({LINE: line(3, cancelled=1)}, True),
        ({LINE: line(3, shipped=1)}, False),
        ({LINE: line(2), OTHER: line(1)}, False),
        ({LINE: line(2), OTHER: line(1, cancelled=1)}, True),
    ],
)
def test_with_its_last_units_an_order_is_over_unless_something_was_sent(
    lines: dict[UUID, LineCounters], over: bool
) -> None:
    assert leaves_nothing(lines, [request(line=2)]) is over


def test_a_replacement_is_cancelled_as_a_whole_or_not_at_all() -> None:
    lines = {LINE: line(2)}
    check_divisible(OrderKind.STANDARD, lines, [request(line=1)])
    check_divisible(OrderKind.REPLACEMENT, lines, [request(line=2)])
    with pytest.raises(IllegalMove):
        check_divisible(OrderKind.REPLACEMENT, lines, [request(line=1)])


def promise(quantity: int, shipment: UUID | None = None, *, labelled: bool = False) -> Promise:
    return Promise(new_id(), LINE, quantity, shipment, labelled)


def test_goods_on_no_pick_list_are_given_up_first_and_labels_are_taken_back_last() -> None:
    unplanned, pending, booked = new_id(), new_id(), new_id()
    shelf = promise(2)
    listed, labelled = promise(2, pending), promise(2, booked, labelled=True)
    promises = [shelf, labelled, listed]
    assert in_the_way({LINE: 2}, promises) == []
    assert in_the_way({LINE: 3}, promises) == [pending]
    assert in_the_way({LINE: 5}, promises) == [pending, booked]
    assert take({LINE: 3}, promises) == [(shelf, 2), (listed, 1)]
    assert take({LINE: 9, unplanned: 1}, promises) == [(shelf, 2), (listed, 2)]


def test_no_more_labels_are_taken_back_than_are_in_the_way() -> None:
    large, small = new_id(), new_id()
    promises = [promise(5, large, labelled=True), promise(1, small, labelled=True)]
    assert in_the_way({LINE: 5}, promises) == [large]
    assert in_the_way({LINE: 6}, promises) == [large, small]
    assert in_the_way({OTHER: 1}, promises) == []
