"""Which units may come back and until when, what has to be shown, and who decides."""

from datetime import date, timedelta
from uuid import UUID, uuid4

import pytest

from domain.errors import Malformed, NotFound, QuantityExceeded, WindowClosed
from domain.ids import LineId, OrderId
from domain.policy import Policy
from domain.returns.requests import RequestReturn, ReturnLine, ReturnParts
from domain.returns.rules import (
    Delivery,
    SoldLine,
    check_units,
    window_of,
)
from domain.returns.status import ReturnKind, ReturnReason
from domain.returns.verdicts import check_evidence, decide

ORDER = OrderId(uuid4())
DAY = date(2026, 3, 1)
LAST = DAY + timedelta(days=30)
POLICY = Policy()
STANDARD, WITHDRAWAL = ReturnKind.STANDARD, ReturnKind.WITHDRAWAL


def line(*deliveries: tuple[date, int], sold: int = 0, back: int = 0, coming: int = 0) -> SoldLine:
    units = sum(count for _, count in deliveries)
    return SoldLine(
        id=uuid4(),
        order_id=ORDER,
        sku="MUG",
        sold=sold or units,
        delivered=units,
        coming_back=coming,
        returned=back,
        deliveries=tuple(Delivery(on, count) for on, count in deliveries),
    )


def check(wanted: SoldLine, units: int, today: date, *, late: bool = False) -> None:
    parts = ReturnParts(order_id=ORDER, lines=(asked(wanted.id, units),))
    check_units(parts, {wanted.id: wanted}, POLICY, today, late=late)


def asked(
    line_id: UUID, units: int = 1, reason: ReturnReason = ReturnReason.CHANGED_MIND
) -> ReturnLine:
    return ReturnLine(order_line_id=LineId(line_id), quantity=units, reason=reason)


def back(*lines: ReturnLine) -> RequestReturn:
    return RequestReturn(order_id=ORDER, lines=lines)


def test_the_last_day_of_the_window_is_in_it() -> None:
    """B1: on day 31 it is closed, and the refusal names the last day."""
    mug = line((DAY, 1))
    check(mug, 1, LAST)
    with pytest.raises(WindowClosed) as refused:
        check(mug, 1, LAST + timedelta(days=1))
    assert str(LAST) in refused.value.detail
    assert refused.value.extensions["closed_on"] == str(LAST)
    assert refused.value.extensions["remaining_units"] == 0


def test_staff_may_take_goods_back_after_their_window() -> None:
    check(line((DAY, 1)), 1, LAST + timedelta(days=300), late=True)


def test_each_unit_has_the_window_of_its_own_delivery() -> None:
    """Two came on the first day and one a month later: that one can still come back."""
    later = DAY + timedelta(days=31)
    mug = line((DAY, 2), (later, 1))
    check(mug, 1, later)
    with pytest.raises(WindowClosed) as refused:
        check(mug, 2, later)
    assert refused.value.extensions["remaining_units"] == 1
    assert refused.value.extensions["closed_on"] == str(LAST)


def test_units_that_came_back_are_taken_to_be_those_that_were_delivered_first() -> None:
    later = DAY + timedelta(days=31)
    check(line((DAY, 2), (later, 1), back=1, coming=1), 1, later)


def test_units_on_their_way_back_are_not_asked_back_again() -> None:
    with pytest.raises(QuantityExceeded) as refused:
        check(line((DAY, 3), back=1, coming=1), 2, DAY)
    assert refused.value.extensions["remaining_units"] == 1


def test_a_line_of_another_order_is_not_found() -> None:
    parts = ReturnParts(order_id=ORDER, lines=(asked(uuid4()),))
    with pytest.raises(NotFound):
        check_units(parts, {}, POLICY, DAY, late=False)


def test_where_the_window_is_no_days_long_nothing_comes_back() -> None:
    final = POLICY.model_copy(update={"return_window_days": 0})
    mug = line((DAY, 1))
    assert window_of(mug, STANDARD, [mug], final, DAY).units == 0


def test_broken_goods_of_value_are_shown() -> None:
    broken = asked(uuid4(), reason=ReturnReason.DEFECTIVE)
    check_evidence(back(broken), 20000, 20000)
    with pytest.raises(Malformed) as refused:
        check_evidence(back(asked(uuid4()), broken), 20001, 20000)
    assert refused.value.extensions["errors"][0]["pointer"] == "/lines/1/evidence"
    shown = broken.model_copy(update={"evidence": ("https://photos.example.com/1",)})
    check_evidence(back(shown), 20001, 20000)


@pytest.mark.parametrize(("value", "by_itself"), [(20000, True), (20001, False)])
def test_the_refund_due_decides_who_authorizes(value: int, by_itself: bool) -> None:
    """R4, up to the limit by itself; the rule and what it looked at are kept."""
    verdict = decide(back(asked(uuid4())), value, 20000, "USD")
    assert verdict.authorized is by_itself
    assert verdict.inputs == {"value": value, "limit": 20000, "currency": "USD"}


def test_who_looks_at_a_request_is_told_that_nothing_is_shown() -> None:
    broken = asked(uuid4(), reason=ReturnReason.DAMAGED_IN_TRANSIT)
    verdict = decide(back(broken), 20001, 20000, "USD")
    assert verdict.inputs["without_evidence"] == ["damaged_in_transit"]


def test_other_needs_a_comment_and_only_a_withdrawal_needs_no_reason() -> None:
    with pytest.raises(ValueError, match="comment"):
        asked(uuid4(), reason=ReturnReason.OTHER)
    bare = ReturnLine(order_line_id=LineId(uuid4()), quantity=1)
    ReturnParts(order_id=ORDER, kind=WITHDRAWAL, lines=(bare,))
    with pytest.raises(ValueError, match="reason"):
        ReturnParts(order_id=ORDER, lines=(bare,))
