"""What Temporal keeps: nothing of a customer to read without a key, and nothing lost with one."""

import base64
import re
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import pytest
from temporalio.api.workflowservice.v1 import ListWorkflowExecutionsRequest
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from domain.ids import OrderId
from domain.keyring import read_keyring
from gateways.failures import PartnerFailure
from tests.api.callers import Callers
from tests.patience import eventually
from tests.planting import FACTS, found_in, live_through
from tests.workflows.asking import calling
from tests.workflows.stage import Stage, open_stage
from workflows.encryption import KEY_ID, encrypted
from workflows.plugin import DATA_CONVERTER, plugin
from workflows.runs import STANDS_FROM


def key(name: str) -> str:
    return f"{name}:{base64.b64encode(secrets.token_bytes(32)).decode()}"


OLD, NEW = key("old"), key("new")


async def client_with(environment: WorkflowEnvironment, keys: str) -> Client:
    """Return a client on a connection of its own, as a process with these keys has."""
    converter = encrypted(DATA_CONVERTER, read_keyring(keys))
    return await Client.connect(
        environment.client.service_client.config.target_host,
        namespace=environment.client.namespace,
        plugins=[plugin(converter)],
    )


class Here:
    """The stage as the planted customer's world."""

    def __init__(self, stage: Stage, callers: Callers) -> None:
        self._stage = stage
        self._callers = callers

    async def ask(self, method: str, path: str, body: Any = None) -> Any:
        answer = await self._callers.ask(method, path, json=body)
        assert answer.status_code < 300, answer.text
        return answer.json()

    async def advance(self, number: str, to: str) -> None:
        await self._stage.advance(number, to)


async def kept(environment: WorkflowEnvironment, task_queue: str) -> list[bytes]:
    """Return what Temporal keeps of the runs of a queue, as it is kept; their list is the first."""
    client = environment.client
    asked = ListWorkflowExecutionsRequest(
        namespace=client.namespace, query=f"TaskQueue = '{task_queue}'", page_size=100
    )
    listed = await client.workflow_service.list_workflow_executions(asked)
    texts = [listed.SerializeToString()]
    for run in listed.executions:
        handle = client.get_workflow_handle(run.execution.workflow_id)
        texts.append((await handle.describe()).raw_description.SerializeToString())
        texts += [event.SerializeToString() async for event in handle.fetch_history_events()]
    return texts


@asynccontextmanager
async def a_stage(
    template_url: str, environment: WorkflowEnvironment, keys: str
) -> AsyncIterator[Stage]:
    """A stage of its own, steered by a process with these keys."""
    async with open_stage(template_url, environment, f"keys-{uuid4()}") as stage:
        stage.client = await client_with(environment, keys)
        yield stage


@pytest.mark.parametrize("keys", [NEW, "cleartext"], ids=["encrypted", "cleartext"])
async def test_nothing_that_a_customer_or_a_partner_said_can_be_read_at_temporal(
    template_url: str, environment: WorkflowEnvironment, keys: str
) -> None:
    async with a_stage(template_url, environment, keys) as stage:
        stage.failures["book_shipment"] = PartnerFailure(f"503: {FACTS['failure']}")
        async with stage.working(), calling(stage) as callers:
            numbers = await live_through(Here(stage, callers))

        async def complete() -> list[bytes] | None:
            texts = await kept(environment, stage.task_queue)
            return texts if all(number.encode() in texts[0] for number in numbers) else None

        found = found_in(await eventually(complete))
        assert stage.failures == {}
        assert await stage.broken() == []
    if keys == "cleartext":
        assert {"hold", "release", "lost", "failure"} <= found
    else:
        assert found == set()


async def test_a_run_goes_on_from_cleartext_to_a_key_and_the_next_and_waits_for_one_that_is_missing(
    template_url: str, environment: WorkflowEnvironment
) -> None:
    async with a_stage(template_url, environment, "cleartext") as stage:
        mug = await stage.shop.item(AUS=1)
        order = await stage.shop.place((mug, 1), token=None)
        # Nothing is remembered: each worker reads what all before it have written.
        async with stage.working(cached=0, client=stage.client):
            hold = await stage.hold(order)
        stage.client = await client_with(environment, OLD)
        async with stage.working(cached=0, client=stage.client):
            await stage.release(order, hold)
        stage.client = await client_with(environment, NEW)
        async with stage.working(cached=0, client=stage.client):
            await stage.pay(order, "tok_ok")
            process = await standing_still(stage, order)
        told = process["waiting_for"][0]["last_error"]
        assert "under the key 'old', and STATESET_PAYLOAD_KEYS has new" in told
        stage.client = await client_with(environment, f"{NEW},{OLD}")
        async with stage.working(cached=0, client=stage.client):
            await stage.travel(await stage.shipment(order, "booked"), "delivered")
            assert await stage.result(stage.run(order)) == "completed"
        whole = b"".join(await kept(environment, stage.task_queue))
        assert set(re.findall(KEY_ID.encode() + rb"\x12\x03(old|new)", whole)) == {b"old", b"new"}
        assert await stage.broken() == []


async def standing_still(stage: Stage, order: OrderId) -> Any:
    """Wait until no worker can go on with an order's run; returns what its process says."""

    async def stands() -> bool:
        described = await stage.run(order).describe()
        return described.raw_description.pending_workflow_task.attempt >= STANDS_FROM

    await eventually(stands)
    async with calling(stage) as callers:
        process = (await callers.get(f"/orders/{order}/process")).json()
    assert "stands still" in process["summary"]
    return process
