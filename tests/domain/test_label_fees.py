"""What a label costs who sends goods back under it."""

from decimal import Decimal
from uuid import uuid4

import pytest

from domain.ids import LineId, OrderId
from domain.refunds.rules import Kept, give_back
from domain.returns.requests import ReturnLine, ReturnParts
from domain.returns.rules import label_fee_of
from domain.returns.status import MERCHANT_FAULT, ReturnKind, ReturnReason, ShipBack
from tests.domain.test_fees import order


@pytest.mark.parametrize(
    ("label_fee", "kept", "amount"), [(0, 0, 9_000), (499, 499, 8_501), (9_001, 9_000, 0)]
)
def test_a_label_is_charged_beside_the_other_fees_as_far_as_the_money_goes(
    label_fee: int, kept: int, amount: int
) -> None:
    """Returns R9: of 100.00 less 10 % for restocking 4.99 more are kept, and never below 0."""
    paid = order((1, 10_000, 0))
    [line] = paid.lines
    fees = {line: Kept(Decimal("0.1"))}
    due, limited = give_back({line: 1}, paid, shipping=0, kept=fees, label_fee=label_fee)
    assert (due.label_fee, due.fee, due.amount) == (kept, 1_000 + kept, amount)
    assert not limited


def test_a_label_is_charged_of_the_lines_by_their_money_and_not_of_the_shipping() -> None:
    paid = order((1, 3_000, 0), (1, 1_000, 0), shipping=500)
    due, _ = give_back(dict.fromkeys(paid.lines, 1), paid, shipping=500, label_fee=401)
    assert [line.fee for line in due.lines] == [301, 100]
    assert (due.amount, due.shipping) == (4_099, 500)
    due, _ = give_back(dict.fromkeys(paid.lines, 1), paid, shipping=500, label_fee=5_000)
    assert (due.amount, due.shipping, due.label_fee) == (500, 500, 4_000)


@pytest.mark.parametrize(
    ("reasons", "fee"),
    [
        (["changed_mind"], 495),
        (["wrong_size"], 495),
        (["changed_mind", "wrong_size"], 495),
        (["other"], 0),
        (["changed_mind", "other"], 0),
        (["changed_mind", "defective"], 0),
        *(([reason], 0) for reason in sorted(MERCHANT_FAULT - {ReturnReason.UNDELIVERABLE})),
    ],
)
def test_a_label_costs_who_changed_its_mind_or_took_the_wrong_size(
    reasons: list[str], fee: int
) -> None:
    """Returns R5: once for all lines, and nothing where one comes back for another reason."""
    assert label_fee_of(_sent(*reasons), 495) == fee


def test_no_label_no_fee_and_none_of_a_withdrawal() -> None:
    assert label_fee_of(_sent("changed_mind", ship_back=ShipBack.OWN), 495) == 0
    assert label_fee_of(_sent("changed_mind", ship_back=ShipBack.NONE), 495) == 0
    assert label_fee_of(_sent("changed_mind", kind=ReturnKind.WITHDRAWAL), 495) == 0


def _sent(
    *reasons: str,
    ship_back: ShipBack = ShipBack.LABEL,
    kind: ReturnKind = ReturnKind.STANDARD,
) -> ReturnParts:
    lines = tuple(
        ReturnLine(order_line_id=LineId(uuid4()), quantity=1, reason=reason, comment="?")
        for reason in map(ReturnReason, reasons)
    )
    return ReturnParts(order_id=OrderId(uuid4()), kind=kind, ship_back=ship_back, lines=lines)
