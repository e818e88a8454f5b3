"""Gateways to the partners' servers, one server per test module."""

from collections.abc import AsyncIterator

import pytest

from gateways.carriers.sandbox import SandboxCarrier
from gateways.payments.sandbox import SandboxPayments
from tests.partners import Simulator, carrier_simulator, payments_simulator


@pytest.fixture(scope="module")
async def payments_server() -> AsyncIterator[Simulator]:
    async with payments_simulator() as simulator:
        yield simulator


@pytest.fixture(scope="module")
async def payments(payments_server: Simulator) -> AsyncIterator[SandboxPayments]:
    gateway = SandboxPayments(payments_server.base_url, payments_server.api_key)
    yield gateway
    await gateway.aclose()


@pytest.fixture(scope="module")
async def carrier_server() -> AsyncIterator[Simulator]:
    async with carrier_simulator() as simulator:
        yield simulator


@pytest.fixture(scope="module")
async def carrier(carrier_server: Simulator) -> AsyncIterator[SandboxCarrier]:
    gateway = SandboxCarrier(carrier_server.base_url, carrier_server.api_key)
    yield gateway
    await gateway.aclose()
