"""Entity tags through whole journeys: under one tag every caller has the same bytes."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any
from uuid import UUID

import pytest

from domain.ids import OrderId
from domain.tasks import TaskKind
from tests.api.callers import Callers
from tests.patience import eventually
from tests.workflows.asking import calling
from tests.workflows.stage import Stage

READERS: tuple[dict[str, Any], ...] = (
    {"role": "admin"},
    {"role": "warehouse"},
    {"role": "support"},
)
Story = Callable[[Stage, Callers, UUID], Awaitable[None]]


class Watch:
    """Reads documents again and again, and keeps what came under each tag."""

    def __init__(self, stage: Stage, callers: Callers, paths: Sequence[str]) -> None:
        self._stage, self._callers = stage, callers
        self.paths = list(paths)
        self.bodies: dict[tuple[str, str], bytes] = {}

    async def read(self, path: str, **who: Any) -> None:
        answer = await self._callers.get(path, **who)
        if answer.status_code in (403, 404):
            return
        assert answer.status_code == 200, answer.text
        tag = answer.headers["etag"]
        first = self.bodies.setdefault((path, tag), answer.content)
        assert answer.content == first, f"two bodies of {path} under {tag}"
        again = await self._callers.get(path, headers={"If-None-Match": tag}, **who)
        if again.status_code == 200:
            assert again.headers["etag"] != tag
        else:
            assert (again.status_code, again.content) == (304, b"")

    async def round(self, order: UUID) -> None:
        query = "SELECT id FROM shipments WHERE order_id = :id"
        shipments = [
            f"/shipments/{row['id']}" for row in await self._stage.shop.rows(query, id=order)
        ]
        own = {"role": "customer", "customer_id": self._stage.shop.customer_id}
        for path in (*self.paths, *shipments):
            for who in (*READERS, own):
                await self.read(path, **who)

    def seen(self, path: str) -> int:
        return len({tag for read, tag in self.bodies if read == path})


@asynccontextmanager
async def watching(watch: Watch, order: UUID) -> AsyncIterator[None]:
    async def always() -> None:
        while True:
            await watch.round(order)

    reader = asyncio.create_task(always())
    try:
        yield
    finally:
        if not reader.done():
            reader.cancel()
        with suppress(asyncio.CancelledError):
            await reader
    await watch.round(order)


async def delivered(stage: Stage, callers: Callers, order: UUID) -> None:
    await callers.post(f"/orders/{order}/payments", {"token": "tok_declined"})
    await stage.waits(order, "failed")
    held = await callers.post(f"/orders/{order}/holds", {"reason": "manual"})
    [hold] = held.json()["holds"]
    await callers.post(f"/orders/{order}/holds/{hold['id']}/release", None)
    await callers.post(f"/orders/{order}/payments", {"token": "tok_ok"})
    shipment = await stage.shipment(order, "booked")
    await callers.ask("PATCH", f"/orders/{order}", json={"metadata": {"erp": "B-1"}})
    for code in ("PU", "DP", "X1", "OD", "DL"):
        await stage.scan(shipment, code)
    assert await stage.result(stage.run(order)) == "completed"


async def lost(stage: Stage, callers: Callers, order: UUID) -> None:
    await callers.post(f"/orders/{order}/payments", {"token": "tok_ok"})
    shipment = await stage.shipment(order, "booked")
    await stage.travel(shipment, "lost")
    await stage.decide(TaskKind.PARCEL_LOST, shipment, "refund")
    assert await stage.result(stage.run(order)) == "completed"
    await stage.refund(OrderId(order))


async def cancelled(stage: Stage, callers: Callers, order: UUID) -> None:
    await callers.post(f"/orders/{order}/payments", {"token": "tok_ok"})
    await stage.shipment(order, "booked")
    answer = await callers.post(f"/orders/{order}/cancel", {})
    assert answer.status_code == 200, answer.text
    assert await stage.result(stage.run(order)) == "cancelled"


@pytest.mark.parametrize("story", [delivered, lost, cancelled])
async def test_two_bodies_under_one_tag_are_the_same_bytes(stage: Stage, story: Story) -> None:
    """T01, B1: a tag of the version alone named four bodies, and 304 hid the tracking number."""
    mug = await stage.shop.item(AUS=1)
    order = await stage.shop.place((mug, 1), token=None)
    await eventually(lambda: stage.exists(stage.run(order)))
    path = f"/orders/{order}"
    async with calling(stage) as callers:
        watch = Watch(
            stage, callers, [path, f"/items/{mug}", f"/customers/{stage.shop.customer_id}"]
        )
        async with watching(watch, order):
            await story(stage, callers, order)
    assert watch.seen(path) >= 3
    assert watch.seen(f"/items/{mug}") >= 2
