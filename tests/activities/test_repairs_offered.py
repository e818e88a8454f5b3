"""What is offered for goods that were not repaired, by their terms; and who is asked when late."""

from typing import Any

import pytest
from sqlalchemy import text

from activities.work_orders.releasing import cancel_work_order
from db.documents import WORK_ORDERS
from domain.answers import RepairAnswer
from domain.claims.judging import instead_of_repair
from domain.ids import ReturnId
from domain.returns.status import Disposition
from domain.warranties.terms import Settlement
from domain.work_orders.requests import CancelWork
from tests.activities.at_bench import planned
from tests.activities.bench import Bench
from tests.activities.claimed import approve, file, return_of, under_warranty
from tests.activities.serial_returns import inspect, line_of, receive
from tests.aging import sweep
from tests.units import serials, stock_saws


async def in_repair(bench: Bench, *ways: str) -> tuple[ReturnId, Any]:
    """Have goods on a claim come in to be repaired; return their return and work order."""
    warranty = await under_warranty(bench, settle_by=list(ways))
    claim = await file(bench, warranty)
    await approve(bench, claim, Settlement.REPAIR)
    back = await return_of(bench, claim)
    await comes(bench, back)
    await bench.take("settle_return", back)
    query = "SELECT id FROM work_orders WHERE return_id = :id"
    return back, await bench.shop.one(query, id=back)


async def comes(bench: Bench, back: ReturnId) -> None:
    line = await line_of(bench, back)
    await receive(bench, back, line, units=1)
    await inspect(bench, back, line, Disposition.REPAIR, units=1)


@pytest.mark.parametrize(
    ("ways", "offered", "preferred"),
    [
        (("repair", "refund"), ["refund", "send_back"], "refund"),
        (("repair", "replacement"), ["replace", "send_back"], "replace"),
        (("refund", "repair", "replacement"), ["replace", "refund", "send_back"], "refund"),
        (("repair",), ["send_back"], "send_back"),
    ],
)
async def test_a_failed_repair_offers_what_else_the_terms_settle_by(
    bench: Bench, ways: tuple[str, ...], offered: list[str], preferred: str
) -> None:
    """Warranties R10: the claim offers the next resolution in settle_by to support."""
    back, work = await in_repair(bench, *ways)
    async with bench.shop.books.begin() as db:
        found = await WORK_ORDERS.lock(db, work)
        await cancel_work_order(db, found, CancelWork(reason="no parts"), actor="planner")
    await bench.take("settle_return", back)
    [asked] = await bench.shop.rows(
        "SELECT choices, facts FROM tasks WHERE document_id = :id AND kind = 'repair_failed'",
        id=back,
    )
    assert (asked["choices"], asked["facts"]["preferred"]) == (offered, preferred)


async def test_a_late_repair_for_a_claim_is_asked_of_support_and_other_work_of_the_planner(
    bench: Bench,
) -> None:
    """Warranties 4: repair done, 10 days; its customer is support's."""
    _, repair = await in_repair(bench, "repair", "replacement")
    [serial] = serials(1)
    await stock_saws(bench.shop, serial)
    other = await planned(bench.shop, serial)
    async with bench.shop.books.begin() as db:
        late = text("UPDATE work_orders SET due_on = current_date - 2 WHERE id = ANY (:ids)")
        await db.execute(late, {"ids": [repair, other]})
    await sweep(bench)
    query = "SELECT role FROM tasks WHERE document_id = :id AND kind = 'work_overdue'"
    assert await bench.shop.one(query, id=repair) == "support"
    assert await bench.shop.one(query, id=other) == "planner"


def test_no_money_is_offered_for_what_nothing_was_paid_for() -> None:
    assert instead_of_repair([Settlement.REPAIR, Settlement.REFUND], unpaid=True) == [
        RepairAnswer.SEND_BACK
    ]
