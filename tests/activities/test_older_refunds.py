"""What a release before refunds were documents has begun ends here, and as a document."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import pytest

from activities.tasks import accept_answer
from domain.access import Role
from domain.ids import RefundId
from domain.tasks import Decision
from gateways.failures import PartnerFailure
from gateways.payments.sandbox import SANDBOX_PAYMENTS
from tests.activities import older
from tests.activities.bench import Bench
from tests.activities.crossing import questions
from tests.activities.test_ends_of_facts import told
from tests.activities.test_ends_of_money import moved_by_the_provider

TOTAL = older.GOODS + older.POSTAGE


async def refund(bench: Bench, shipment: UUID) -> Mapping[str, Any]:
    [row] = await bench.shop.rows(
        "SELECT id, status, amount, shipping_amount, requested_by FROM refunds"
        " WHERE shipment_id = :id",
        id=shipment,
    )
    return row


async def counted(bench: Bench, order: UUID) -> int:
    query = "SELECT sum(refunded_amount)::int FROM order_lines WHERE order_id = :id"
    return int(await bench.shop.one(query, id=order))


@pytest.mark.parametrize("sent", [False, True], ids=["never sent", "answer lost"])
async def test_a_refund_that_was_under_way_moves_once_and_becomes_a_document(
    bench: Bench, sent: bool
) -> None:
    order, answer, _ = await older.under_way(bench)
    crash = "timeout_after_success" if sent else "timeout_before"
    await bench.payments.fault(crash, "refund", delay_seconds=0.01)
    with pytest.raises(PartnerFailure):
        await bench.take("refund_shipment", answer)
    assert (await bench.take("refund_shipment", answer, attempt=2)).settled
    made = await refund(bench, answer.shipment_id)
    assert (made["status"], made["amount"], made["shipping_amount"]) == (
        "succeeded",
        TOTAL,
        older.POSTAGE,
    )
    assert (await bench.moved(order))["refund"] == (1, TOTAL)
    assert await counted(bench, order) == older.GOODS
    assert await bench.broken() == []


async def test_a_refund_that_fails_days_later_is_finances_question_about_a_document(
    bench: Bench,
) -> None:
    """RET-09: what had been counted as given back is not; the retry moves it once more."""
    order, shipment, intent = await older.given_back(bench)
    settlement = {"key": intent.key, "outcome": "failed"}
    operation = await bench.payments.ask("POST", "/sandbox/operations/settle", settlement)
    row = await told(bench, moved_by_the_provider(operation), SANDBOX_PAYMENTS.webhooks)
    assert row["state"] == "applied"
    assert await counted(bench, order) == 0
    made = await refund(bench, shipment)
    assert (made["status"], made["amount"]) == ("failed", TOTAL)
    assert set(await questions(bench, made["id"])) == {"refund_failed"}
    assert await bench.broken() == []

    query = "SELECT id FROM tasks WHERE document_id = :id"
    await _answer(bench, await bench.shop.one(query, id=made["id"]), "retry")
    assert await bench.take("submit_refund", RefundId(made["id"])) == "succeeded"
    assert await counted(bench, order) == older.GOODS
    assert await bench.broken() == []


@pytest.mark.parametrize("choice", ["retry", "given_otherwise"])
async def test_an_open_question_about_a_refund_that_came_back_ends(
    bench: Bench, choice: str
) -> None:
    order, shipment, task = await older.came_back(bench)
    await _answer(bench, task, choice)
    if choice == "retry":
        made = await refund(bench, shipment)
        assert made["requested_by"] == "person"
        assert await bench.take("submit_refund", RefundId(made["id"])) == "succeeded"
    assert await counted(bench, order) == (older.GOODS if choice == "retry" else 0)
    assert not (await bench.take("settle_shipment", shipment)).refunding
    assert await bench.broken() == []


async def test_a_run_that_was_told_to_try_again_has_it_done_once(bench: Bench) -> None:
    order, shipment = await older.told_to_try_again(bench)
    assert (await bench.take("settle_shipment", shipment)).refunding
    for attempt in (1, 2):
        assert not (await bench.take("repeat_refund", shipment, attempt)).refunding
    made = await refund(bench, shipment)
    assert await bench.take("submit_refund", RefundId(made["id"])) == "succeeded"
    assert (await bench.moved(order))["refund"][0] == 2
    assert await counted(bench, order) == older.GOODS
    assert await bench.broken() == []


async def test_a_further_try_that_was_under_way_becomes_a_document(bench: Bench) -> None:
    order, shipment = await older.told_to_try_again(bench, begun=True)
    assert not (await bench.take("repeat_refund", shipment)).refunding
    made = await refund(bench, shipment)
    assert (made["status"], made["amount"]) == ("succeeded", TOTAL)
    assert await counted(bench, order) == older.GOODS
    assert await bench.broken() == []


async def _answer(bench: Bench, task: Any, choice: str) -> None:
    decision = Decision(task_id=task, choice=choice, actor="person")
    async with bench.shop.books.begin() as db:
        await accept_answer(db, decision, Role.FINANCE)
