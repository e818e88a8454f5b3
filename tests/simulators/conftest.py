"""The partners' servers, one per test module."""

from collections.abc import AsyncIterator

import pytest

from tests.partners import (
    Inbox,
    Simulator,
    carrier_simulator,
    payments_simulator,
    webhook_inbox,
)


@pytest.fixture(scope="module")
async def inbox() -> AsyncIterator[Inbox]:
    async with webhook_inbox() as inbox:
        yield inbox


@pytest.fixture(scope="module")
async def payments(inbox: Inbox) -> AsyncIterator[Simulator]:
    async with payments_simulator(webhook_url=inbox.url) as simulator:
        yield simulator


@pytest.fixture(scope="module")
async def carrier(inbox: Inbox) -> AsyncIterator[Simulator]:
    async with carrier_simulator(webhook_url=inbox.url) as simulator:
        yield simulator
