"""A deadline that passes opens one task per cause, also of several workers; both end together."""

import asyncio

import pytest
from sqlalchemy import text

from db.deadlines import DEADLINES as TABLE
from db.deadlines import find_late, warn
from db.tasks import close_task, lock_task
from domain.access import ALLOWED, Command
from domain.holds import HOLD_OWNERS, HoldReason
from domain.orders.requests import Cancellation
from domain.orders.status import CancelReason
from domain.questions import RULES
from domain.tasks import TaskKind, TaskStatus
from tests.activities.bench import Bench
from tests.activities.lateness import (
    answer,
    events,
    hold,
    planned,
    release,
    task,
    tasks,
)
from tests.aging import (
    DAYS,
    HOURS,
    age,
    silent,
    sweep,
    sweep_once,
)

# Holds.


async def test_each_hold_of_a_day_is_a_question_for_the_owner_of_its_reason(bench: Bench) -> None:
    order = await bench.confirmed()
    holds = {reason: await hold(bench, order, reason) for reason in HoldReason}
    young = holds.pop(HoldReason.MANUAL)
    for each in holds.values():
        await age(bench, "holds", "placed_at", 24 * HOURS, id=each)
    await sweep(bench)
    for reason, each in holds.items():
        asked = await task(bench, TaskKind.HOLD_REVIEW, each)
        assert asked["role"] == HOLD_OWNERS[reason]
        assert asked["facts"].items() >= {
            "order_id": str(order), "reason": reason, "note": "look at it", "placed_by": "support",
        }.items()  # fmt: skip
    assert await tasks(bench, young) == []


def test_every_owner_of_a_hold_may_release_it() -> None:
    assert HOLD_OWNERS.keys() == set(HoldReason)
    assert set(HOLD_OWNERS.values()) <= ALLOWED[Command.ORDERS_HOLD]


async def test_a_hold_that_stays_is_asked_about_again_a_day_after_each_answer(
    bench: Bench,
) -> None:
    held = await hold(bench, await bench.confirmed())
    await age(bench, "holds", "placed_at", 25 * HOURS, id=held)
    await sweep(bench)
    await sweep(bench)
    assert await tasks(bench, held) == [("hold_review", "open")]
    answered = await answer(bench, TaskKind.HOLD_REVIEW, held)
    await age(bench, "tasks", "closed_at", 23 * HOURS, id=answered)
    await sweep(bench)
    assert await tasks(bench, held) == [("hold_review", "done")]
    await age(bench, "tasks", "closed_at", HOURS, id=answered)
    await sweep(bench)
    assert await tasks(bench, held) == [("hold_review", "done"), ("hold_review", "open")]


@pytest.mark.parametrize("end", ["released", "cancelled"])
async def test_the_question_about_a_hold_goes_with_the_hold_or_its_order(
    bench: Bench, end: str
) -> None:
    order = await bench.placed()
    held = await hold(bench, order)
    await age(bench, "holds", "placed_at", 25 * HOURS, id=held)
    await sweep(bench)
    if end == "released":
        await release(bench, order, held)
    else:
        asked = Cancellation(order_id=order, reason=CancelReason.STAFF, actor="support")
        await bench.take("cancel_order", asked)
    await sweep(bench)
    assert await tasks(bench, held) == [("hold_review", "cancelled")]
    number = await bench.shop.one("SELECT id FROM tasks WHERE document_id = :id", id=held)
    assert len(await events(bench, number, "task.cancelled")) == 1
    await sweep(bench)
    assert await tasks(bench, held) == [("hold_review", "cancelled")]


async def test_a_hold_that_is_being_released_is_not_asked_about(bench: Bench) -> None:
    order = await bench.confirmed()
    held = await hold(bench, order)
    await age(bench, "holds", "placed_at", 25 * HOURS, id=held)
    async with bench.shop.books.begin() as db:
        await db.execute(text("UPDATE holds SET released_at = now() WHERE id = :id"), {"id": held})
        await sweep_once(bench)
    await sweep(bench)
    assert await tasks(bench, held) == []


# Many workers.


@pytest.mark.parametrize("name", ["hold_review", "stalled"])
async def test_what_another_worker_warned_of_since_it_was_found_is_not_warned_of_again(
    bench: Bench, name: str
) -> None:
    order, shipment = await bench.sent()
    await silent(bench, shipment, 6 * DAYS)
    held = await hold(bench, order)
    await age(bench, "holds", "placed_at", 25 * HOURS, id=held)
    [deadline] = [each for each in TABLE if each.name == name]
    async with bench.shop.books.read() as db:
        found = await find_late(db, deadline, 1000)
    about = held if name == "hold_review" else shipment
    assert about in found
    await sweep(bench, name)
    await answer(bench, TaskKind(name), about)
    async with bench.shop.books.begin() as db:
        assert await warn(db, deadline, found) == 0
    assert await tasks(bench, about) == [(name, "done")]


async def test_four_workers_ask_about_more_than_a_batch_once_each(bench: Bench) -> None:
    orders = [await bench.placed() for _ in range(15)]
    async with bench.shop.books.begin() as db:
        await db.execute(
            text(
                "INSERT INTO holds (id, document_type, document_id, reason, note, placed_by,"
                " placed_at) SELECT gen_random_uuid(), 'order', o, r, 'many', 'tests',"
                " now() - interval '2 days' FROM unnest(CAST(:orders AS uuid[])) o,"
                " unnest(CAST(:reasons AS text[])) r"
            ),
            {"orders": orders, "reasons": list(HoldReason)},
        )
    await asyncio.gather(*(sweep(bench, "hold_review") for _ in range(2)))
    held = await bench.shop.rows("SELECT id FROM holds WHERE note = 'many'")
    asked = await bench.shop.rows(
        "SELECT t.document_id, t.id FROM tasks t JOIN holds h ON h.id = t.document_id"
        " WHERE h.note = 'many' AND t.kind = 'hold_review'"
    )
    assert len(held) == 15 * len(HoldReason) > 100
    assert sorted(row["document_id"] for row in asked) == sorted(row["id"] for row in held)
    opened = "SELECT count(*) FROM events WHERE type = 'task.opened.v1' AND subject_id = ANY(:ids)"
    assert await bench.shop.one(opened, ids=[row["id"] for row in asked]) == len(held)


async def test_a_question_that_is_being_answered_is_left_to_its_person(bench: Bench) -> None:
    _, shipment = await planned(bench)
    await age(bench, "shipments", "created_at", 2 * DAYS, id=shipment)
    await sweep(bench)
    await bench.take("book_shipment", shipment)
    asked = await task(bench, TaskKind.PICKING_LATE, shipment)
    async with bench.shop.books.begin() as db:
        locked = await lock_task(db, asked["id"])
        await sweep_once(bench)
        await close_task(
            db, locked, TaskStatus.DONE, outcome="noted", note="a printer", actor="person"
        )
    await sweep(bench)
    assert await tasks(bench, shipment) == [("picking_late", "done")]


def test_every_question_about_a_deadline_is_only_recorded() -> None:
    assert {RULES[each.task].asker for each in TABLE if each.task} == {None}
