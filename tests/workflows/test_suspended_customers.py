"""Customers who are suspended while orders of theirs are on their way."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest

from db.customers import add_customer
from domain.customers import CreateCustomer
from domain.ids import CustomerId, OrderId, new_id
from tests.api.callers import Callers
from tests.workflows.asking import calling
from tests.workflows.money_stories import view
from tests.workflows.stage import Stage
from tests.workflows.stories import booked, finished, placed

SUSPENDED = "the customer is suspended"


async def _suspend(callers: Callers, customer_id: UUID, status: str) -> None:
    path, body = f"/customers/{customer_id}", {"status": status}
    answer = await callers.ask("PATCH", path, json=body, role="support")
    assert answer.status_code == 200, answer.text


async def _holds(stage: Stage, order: OrderId) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await view(stage, order))["holds"]
    return found


@pytest.fixture
async def stage(stage: Stage) -> AsyncIterator[Stage]:
    """The stage with a customer of its own: orders of other stories are not held."""
    before, stage.shop.customer_id = stage.shop.customer_id, CustomerId(new_id())
    async with stage.books.begin() as db:
        await add_customer(db, stage.shop.customer_id, CreateCustomer(name="Grace Hopper"))
    yield stage
    stage.shop.customer_id = before


async def test_who_is_suspended_has_the_open_orders_held_until_a_person_releases_each(
    stage: Stage,
) -> None:
    unpaid = await placed(stage, None)
    sent, _ = await booked(stage)
    held = await placed(stage, None)
    before = await stage.hold(held)
    over, _ = await booked(stage)
    await finished(stage, over)
    async with calling(stage) as callers:
        await _suspend(callers, stage.shop.customer_id, "suspended")
        for order in (unpaid, sent):
            [hold] = await _holds(stage, order)
            assert (hold["reason"], hold["note"]) == ("manual", SUSPENDED)
        assert [hold["id"] for hold in await _holds(stage, held)] == [str(before)]
        assert await _holds(stage, over) == []

        # Paid, it does not go on; nor when the customer is taken back.
        await stage.pay(unpaid, "tok_ok")
        await stage.wait_says(stage.run(unpaid), "Paid and on hold")
        await _suspend(callers, stage.shop.customer_id, "active")
        assert (await view(stage, unpaid))["status"] == "pending"
    [hold] = await _holds(stage, unpaid)
    await stage.release(unpaid, UUID(hold["id"]))
    await finished(stage, unpaid)
    # What has a label already goes on its way.
    await finished(stage, sent)
    assert (await view(stage, sent))["status"] == "completed"
    assert await stage.broken() == []


async def test_the_orders_of_others_go_on_when_a_customer_is_suspended(stage: Stage) -> None:
    order, _ = await booked(stage)
    async with calling(stage) as callers:
        other = await callers.post("/customers", {"name": "Mary Jackson"}, role="support")
        await _suspend(callers, other.json()["id"], "suspended")
    assert await _holds(stage, order) == []
    await finished(stage, order)
