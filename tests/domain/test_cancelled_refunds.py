"""What goes back for cancelled units: what stays is what the kept units cost, to the cent."""

from dataclasses import replace
from uuid import uuid4

from hypothesis import given
from hypothesis import strategies as st

from domain.money import share
from domain.refunds.cancelled import CancelledLine, cancelled
from domain.refunds.rules import PaidLine, PaidOrder, PaidPayment

LINE = uuid4()


def _line(quantity: int, total: int, captured_units: int = 0) -> CancelledLine:
    """Return a line of which nothing has gone back, paid for as a whole."""
    return CancelledLine(
        id=LINE,
        quantity=quantity,
        total_amount=total,
        cancelled=0,
        delivered=0,
        captured_units=captured_units or quantity,
        given_units=0,
        given_amount=0,
        other_units=0,
        other_amount=0,
    )


def _paid(line: CancelledLine, shipping: int = 0) -> PaidOrder:
    """Return an order of that line as it was paid."""
    captured = share(line.total_amount, line.captured_units, line.quantity, 0)
    units, amount = line.given_units + line.other_units, line.given_amount + line.other_amount
    left = PaidLine(LINE, line.captured_units, captured, units, amount, 0, line.total_amount, 0)
    refundable = captured + shipping - amount
    return PaidOrder(
        currency="USD",
        lines={LINE: left},
        payments=[PaidPayment(uuid4(), refundable)],
        shipping_left=shipping,
        shipping_amount=shipping,
        shipping_tax=0,
        refunded_shipping=0,
        refunded_shipping_tax=0,
        captured=captured + shipping,
        tax_amount=0,
        total_amount=line.total_amount + shipping,
        refunded_goodwill=0,
        refunded_goodwill_tax=0,
        refunded_tax=0,
        given_shipping=0,
    )


def test_two_of_five_and_then_the_rest_with_the_postage() -> None:
    """RET-08: 9.90, then 15.35; the discount's threshold is not asked again."""
    two = replace(_line(5, 2475), cancelled=2)
    first = cancelled([two], _paid(two, 50), postage=False)
    assert (first.amount, first.shipping, first.lines[0].units) == (990, 0, 2)
    five = replace(two, cancelled=5, given_units=2, given_amount=990)
    rest = cancelled([five], _paid(five, 50), postage=True)
    assert (rest.amount, rest.shipping, rest.lines[0].units) == (1535, 50, 3)


def test_units_that_were_not_paid_for_do_not_go_back() -> None:
    before = replace(_line(5, 2475, captured_units=3), cancelled=2)
    assert cancelled([before], _paid(before), postage=False).amount == 0
    more = replace(before, cancelled=3)
    assert cancelled([more], _paid(more), postage=False).amount == 495


def test_units_that_went_back_before_they_were_sent_do_not_go_back_twice() -> None:
    """Payments R7: money without goods, and then the goods are cancelled."""
    gone = replace(_line(5, 2475), cancelled=2, other_units=2, other_amount=990)
    assert cancelled([gone], _paid(gone), postage=False).amount == 0
    arrived = replace(gone, delivered=2)
    assert cancelled([arrived], _paid(arrived), postage=False).amount == 990


@given(
    quantity=st.integers(1, 12),
    total=st.integers(0, 5000),
    cuts=st.lists(st.integers(0, 12), min_size=1, max_size=6),
)
def test_however_units_are_cancelled_what_stays_is_the_price_of_the_kept_ones(
    quantity: int, total: int, cuts: list[int]
) -> None:
    line = _line(quantity, total)
    for cut in cuts:
        line = replace(line, cancelled=min(quantity, line.cancelled + cut))
        due = cancelled([line], _paid(line), postage=False)
        line = replace(
            line,
            given_units=line.given_units + sum(part.units for part in due.lines),
            given_amount=line.given_amount + due.amount,
        )
        kept = quantity - line.cancelled
        assert line.given_units == line.cancelled
        assert total - line.given_amount == share(total, kept, quantity, 0)
