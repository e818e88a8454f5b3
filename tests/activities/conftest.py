"""Books, partners and every step, for the tests that take steps by hand."""

from collections.abc import AsyncIterator

import pytest

from tests.activities.bench import Bench
from tests.database import fresh_database
from tests.partners import carrier_simulator, payments_simulator
from tests.shop import opened


@pytest.fixture(scope="package")
async def workbench(template_url: str) -> AsyncIterator[Bench]:
    async with (
        fresh_database(template_url) as url,
        carrier_simulator() as carrier,
        payments_simulator() as payments,
        opened(url) as shop,
    ):
        bench = Bench(shop, carrier, payments)
        yield bench
        await bench.aclose()


@pytest.fixture
async def bench(workbench: Bench) -> AsyncIterator[Bench]:
    """The bench; the books must be sound after each test."""
    yield workbench
    for partner in (workbench.carrier, workbench.payments):
        await partner.forget_faults()
    assert await workbench.broken() == []
