"""Leases on rows of the outbox: a worker that is stopped hands its rows back."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from temporalio.client import Client

from relay.dispatch import Dispatcher
from tests.patience import eventually
from tests.shop import Shop, opened

LEASED = "SELECT count(*)::int FROM outbox WHERE next_attempt_at > now() + interval '2 seconds'"


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[Shop]:
    async with opened(database_url) as shop:
        yield shop


async def test_a_worker_that_is_stopped_hands_its_rows_back_at_once(shop: Shop) -> None:
    """Findings, operator: accepted orders waited for the lease of a worker that had gone."""
    silent = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    client = await Client.connect(f"127.0.0.1:{port}", lazy=True)
    mug = await shop.item(AUS=1)
    await shop.place((mug, 1))
    dispatcher = Dispatcher(
        shop.books, client, task_queue="none", batch=10, poll=timedelta(seconds=1)
    )
    dispatching = asyncio.create_task(dispatcher.run())
    await eventually(lambda: shop.one(LEASED))
    dispatching.cancel()
    await asyncio.gather(dispatching, return_exceptions=True)
    assert await shop.one(LEASED) == 0
    assert await shop.one("SELECT count(*)::int FROM outbox WHERE next_attempt_at <= now()") == 1
    silent.close()
