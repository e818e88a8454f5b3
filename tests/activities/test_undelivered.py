"""A parcel that comes back opens its return once, whoever says so, how often, and since when."""

from collections.abc import Mapping
from typing import Any

import pytest
from sqlalchemy import text

from activities.tasks import accept_answer
from domain.access import Role
from domain.documents import Document, Kind
from domain.ids import OrderId, ShipmentId, TaskId, following_id, new_id
from domain.shipments.outcomes import ShipmentDecision
from domain.tasks import Decision
from tests.activities.bench import Bench
from tests.activities.crossing import questions

ASK = text(
    """INSERT INTO tasks (id, kind, document_type, document_id, asker_type, asker_id, role,
        question, facts, choices, status, due_at)
    VALUES (:id, 'undeliverable', 'shipment', :shipment, 'shipment', :shipment, 'support', '?',
        '{}', '["refund", "refund_with_postage", "write_off"]', 'open', now())"""
)
"""As the release before asked about a shipment, whose run waits for the answer."""


async def back_with_us(bench: Bench) -> tuple[OrderId, ShipmentId]:
    order, shipment = await bench.sent()
    await bench.scan(shipment, "RT")
    return order, shipment


async def asked_before(bench: Bench, shipment: ShipmentId) -> TaskId:
    """Ask about a shipment as the release before did."""
    task = TaskId(new_id())
    async with bench.shop.books.begin() as db:
        await db.execute(ASK, {"id": task, "shipment": shipment})
    return task


async def returns_of(bench: Bench, shipment: ShipmentId) -> list[Mapping[str, Any]]:
    return await bench.shop.rows(
        "SELECT id, status, kind, parcel_answer, parcel_answered_by FROM returns"
        " WHERE shipment_id = :id",
        id=shipment,
    )


async def test_a_returned_parcel_opens_one_return_however_often_it_is_settled(
    bench: Bench,
) -> None:
    _, shipment = await back_with_us(bench)
    await bench.take("settle_shipment", shipment)
    await bench.scan(shipment, "RT")
    once = await bench.everything()
    assert (await bench.take("settle_shipment", shipment, attempt=2)).settled
    assert await bench.everything() == once
    [back] = await returns_of(bench, shipment)
    assert (back["kind"], back["status"]) == ("undeliverable", "authorized")
    assert back["id"] == following_id(shipment, "return", 0)
    assert await bench.broken() == []


async def test_what_the_release_before_has_asked_becomes_the_question_about_the_return(
    bench: Bench,
) -> None:
    """Its open question goes away with its cause, and the units are on a return."""
    _, shipment = await back_with_us(bench)
    task = await asked_before(bench, shipment)
    await bench.take("settle_shipment", shipment)
    status = "SELECT status FROM tasks WHERE id = :id"
    assert await bench.shop.one(status, id=task) == "cancelled"
    [back] = await returns_of(bench, shipment)
    assert set(await questions(bench, back["id"])) == {"undeliverable"}
    assert await bench.broken() == []


@pytest.mark.parametrize(
    ("choice", "step"),
    [
        ("refund", "refund_shipment"),
        ("refund_with_postage", "refund_shipment"),
        ("write_off", "write_off_shipment"),
    ],
)
async def test_an_answer_to_what_the_release_before_asked_is_that_of_the_return(
    bench: Bench, choice: str, step: str
) -> None:
    """The run that waits for it goes on as it did; no refund beside the return's is made."""
    _, shipment = await back_with_us(bench)
    task = await asked_before(bench, shipment)
    decision = Decision(task_id=task, choice=choice, actor="person")
    async with bench.shop.books.begin() as db:
        asker = await accept_answer(db, decision, Role.SUPPORT)
    assert asker == Document(Kind.SHIPMENT, shipment)
    await bench.take("decide_task", decision)
    given = ShipmentDecision(shipment_id=shipment, decision=decision)
    for attempt in (1, 2):
        answered = given if step == "refund_shipment" else shipment
        assert (await bench.take(step, answered, attempt)).settled
    [back] = await returns_of(bench, shipment)
    assert (back["status"], back["parcel_answer"]) == ("authorized", choice)
    assert await questions(bench, back["id"]) == {}
    query = "SELECT id FROM refunds WHERE shipment_id = :id"
    assert await bench.shop.rows(query, id=shipment) == []
    assert await bench.broken() == []
