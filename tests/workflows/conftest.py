"""One stage for all stories; after each of them the books must be sound."""

from collections.abc import AsyncIterator

import pytest
from temporalio.testing import WorkflowEnvironment

from db.engine import Database, open_engine
from tests.database import fresh_database
from tests.partners import carrier_simulator, payments_simulator
from tests.shop import Shop
from tests.workflows.servers import Partners, temporal
from tests.workflows.stage import Front, Stage


@pytest.fixture(scope="session")
async def environment() -> AsyncIterator[WorkflowEnvironment]:
    async with temporal() as environment:
        yield environment


@pytest.fixture(scope="session")
async def set_stage(template_url: str, environment: WorkflowEnvironment) -> AsyncIterator[Stage]:
    """Books, partners and webhooks, but nobody who works."""
    front = Front()
    async with (
        fresh_database(template_url) as url,
        carrier_simulator(front.webhooks("sandbox-carrier")) as carrier,
        payments_simulator(front.webhooks("sandbox-payments")) as payments,
    ):
        books = Database(open_engine(url, application="tests"))
        shop = Shop(books)
        await shop.open()
        stage = Stage(shop, environment, Partners(carrier, payments))
        async with front.serving(stage):
            yield stage
        await books.close()


@pytest.fixture(scope="session")
async def staffed(set_stage: Stage) -> AsyncIterator[Stage]:
    async with set_stage.working():
        yield set_stage


@pytest.fixture
async def stage(staffed: Stage) -> AsyncIterator[Stage]:
    """The stage; what a story ordered of the partners is forgotten, and the books are checked."""
    yield staffed
    for partner in (staffed.carrier, staffed.payments):
        await partner.ask("DELETE", "/sandbox/faults")
    assert staffed.refusals == {}
    assert await staffed.broken() == []
