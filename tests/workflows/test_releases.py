"""Two releases on one queue: the older one reads what the newer one wrote, and goes on alone."""

import asyncio
import json
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Any
from uuid import uuid4

import pytest
from temporalio.api.common.v1 import Payload
from temporalio.client import Client
from temporalio.converter import DataConverter
from temporalio.testing import WorkflowEnvironment

from domain.ids import ItemId, OrderId
from domain.tasks import TaskKind
from tests.workflows.stage import Stage, open_stage
from workflows.plugin import StrictConverter, plugin

NEW = "of_the_next_release"


def grown(value: Any) -> Any:
    """Return a message as a release writes it whose every value has one more field."""
    if isinstance(value, list):
        return [grown(each) for each in value]
    if isinstance(value, dict):
        return {NEW: {"since": 2}, **{name: grown(each) for name, each in value.items()}}
    return value


class NextConverter(StrictConverter):
    """Writes as the next release would, and reads what either wrote."""

    def to_payloads(self, values: Sequence[Any]) -> list[Payload]:
        payloads = super().to_payloads(values)
        for payload in payloads:
            if payload.metadata["encoding"] == b"json/plain":
                payload.data = json.dumps(grown(json.loads(payload.data))).encode()
        return payloads


async def client_of_the_next_release(stage: Stage) -> Client:
    """Return a client on a connection of its own: one takes a queue's worker once."""
    return await Client.connect(
        stage.client.service_client.config.target_host,
        namespace=stage.client.namespace,
        plugins=[plugin(DataConverter(payload_converter_class=NextConverter))],
    )


@pytest.mark.parametrize("change", ["upgrade", "rollback"])
async def test_orders_are_carried_from_one_release_to_the_other(
    template_url: str, environment: WorkflowEnvironment, change: str
) -> None:
    """T24: 10 of 40 runs failed while both worked, and 19 of 40 stood still after a rollback."""
    async with (
        open_stage(template_url, environment, f"releases-{uuid4()}") as stage,
        AsyncExitStack() as before,
        AsyncExitStack() as after,
    ):
        clients = [stage.client, await client_of_the_next_release(stage)]
        first, second = clients if change == "upgrade" else reversed(clients)
        mug = await stage.shop.item(AUS=40)
        await before.enter_async_context(stage.working(client=first))
        orders = await _booked(stage, mug)
        await after.enter_async_context(stage.working(client=second))
        orders += await _booked(stage, mug)
        lost, *others = [await stage.shipment(one, "booked") for one in orders]
        await stage.travel(lost, "lost")
        await asyncio.gather(*(stage.travel(one, "picked_up") for one in others))
        await stage.task(TaskKind.PARCEL_LOST, lost)
        await before.aclose()
        await stage.decide(TaskKind.PARCEL_LOST, lost, "refund")
        await asyncio.gather(*(stage.travel(one, "delivered") for one in others))
        ended = await asyncio.gather(*(stage.result(stage.run(one)) for one in orders))
        assert set(ended) == {"completed"}
        assert any([await _wrote_new_fields(stage, one) for one in orders])
        assert await stage.broken() == []


async def _booked(stage: Stage, item: ItemId) -> list[OrderId]:
    orders = await asyncio.gather(*(stage.shop.place((item, 1)) for _ in range(10)))
    await asyncio.gather(*(stage.shipment(one, "booked") for one in orders))
    return orders


async def _wrote_new_fields(stage: Stage, order: OrderId) -> bool:
    history = await stage.run(order).fetch_history()
    return any(NEW.encode() in event.SerializeToString() for event in history.events)
