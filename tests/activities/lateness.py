"""Goods and holds that are late, and what is asked about them."""

from typing import Any
from uuid import UUID

from db.tasks import answer_task
from domain.documents import Document, Kind
from domain.holds import HoldPlacement, HoldReason, HoldRelease
from domain.ids import OrderId, TaskId, new_id
from domain.tasks import Decision, TaskKind
from tests.activities.bench import Bench


async def tasks(bench: Bench, document: UUID) -> list[tuple[str, str]]:
    """Return kind and status of what was asked about a document, the oldest first."""
    rows = await bench.shop.rows(
        "SELECT kind, status FROM tasks WHERE document_id = :id ORDER BY number", id=document
    )
    return [(row["kind"], row["status"]) for row in rows]


async def task(bench: Bench, kind: TaskKind, document: UUID) -> dict[str, Any]:
    [found] = await bench.shop.rows(
        "SELECT * FROM tasks WHERE kind = :kind AND document_id = :id AND status = 'open'",
        kind=kind,
        id=document,
    )
    return dict(found)


async def answer(bench: Bench, kind: TaskKind, document: UUID, choice: str = "") -> TaskId:
    found = await task(bench, kind, document)
    given = Decision(task_id=found["id"], choice=choice or found["choices"][0], actor="person")
    async with bench.shop.books.begin() as db:
        await answer_task(db, given)
    return given.task_id


async def events(bench: Bench, document: UUID, kind: str) -> list[Any]:
    rows = await bench.shop.rows(
        "SELECT data FROM events WHERE subject_id = :id AND type = :type ORDER BY sequence",
        id=document,
        type=f"{kind}.v1",
    )
    return [row["data"] for row in rows]


async def hold(bench: Bench, order: OrderId, reason: HoldReason = HoldReason.MANUAL) -> UUID:
    hold_id = new_id()
    await bench.take(
        "place_hold",
        HoldPlacement(
            document=Document(Kind.ORDER, order),
            hold_id=hold_id,
            reason=reason,
            note="look at it",
            actor="support",
        ),
    )
    return hold_id


async def release(bench: Bench, order: OrderId, hold_id: UUID) -> None:
    await bench.take(
        "release_hold",
        HoldRelease(document=Document(Kind.ORDER, order), hold_id=hold_id, actor="support"),
    )


async def planned(bench: Bench) -> tuple[OrderId, UUID]:
    order = await bench.confirmed()
    [shipment] = await bench.shipments(order)
    return order, shipment


async def labelled(bench: Bench) -> tuple[OrderId, UUID]:
    order, [shipment] = await bench.booked()
    return order, shipment
