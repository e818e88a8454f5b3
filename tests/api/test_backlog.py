"""The backlog: what readiness tells of it, the numbers of API and worker tell, and no more."""

from collections.abc import AsyncIterator
from datetime import timedelta

import httpx2
import pytest
from sqlalchemy import text

from api.app import create_app
from api.services import Services
from db.engine import Database
from relay.gauges import read_gauges
from runtime.settings import Settings
from telemetry import metrics
from tests.api.conftest import away

FACT = text("""
WITH fact AS (INSERT INTO inbound_facts (id, provider, provider_event_id, payload, state)
    VALUES (gen_random_uuid(), 'sandbox-carrier', :event, '{}', :state) RETURNING id)
INSERT INTO outbox (kind, document_type, document_id, payload, created_at, next_attempt_at,
    attempts, last_error)
SELECT 'fact', 'fact', id, '{}', now() - interval '5 hours', now() + :due, 12, :why
FROM fact
""")


@pytest.fixture(autouse=True)
async def emptied(books: Database) -> AsyncIterator[None]:
    yield
    async with books.begin() as db:
        await db.execute(text("DELETE FROM outbox"))


async def keep(books: Database, state: str, due: timedelta) -> None:
    given = {"event": f"{state} {due}", "state": state, "due": due, "why": "as it says"}
    async with books.begin() as db:
        await db.execute(FACT, given)


async def told(books: Database, settings: Settings) -> tuple[float, float]:
    """Return age and failing rows of a worker's gauges, which readiness must tell as well."""
    app = create_app(Services(settings, books, away))
    transport = httpx2.ASGITransport(app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://stateset") as client:
        ready = (await client.get("/health/ready")).json()["backlog"]
    gauges = dict(await read_gauges(books))
    age, failing = gauges[metrics.outbox_oldest_seconds], gauges[metrics.outbox_failing]
    assert (age, failing) == (pytest.approx(ready["oldest_seconds"], abs=30), ready["failing"])
    return age, failing


async def test_news_of_what_is_not_known_yet_wakes_nobody_while_it_is_looked_at_in_time(
    books: Database, settings: Settings
) -> None:
    """It waits for up to a day by design, and alone it raised OutboxStuck and OutboxFailing."""
    await keep(books, "waiting", timedelta(minutes=40))
    assert await told(books, settings) == (0, 0)


async def test_news_that_nobody_looks_at_when_it_is_due_again_is_late_from_then_on(
    books: Database, settings: Settings
) -> None:
    await keep(books, "waiting", timedelta(minutes=-15))
    assert await told(books, settings) == (pytest.approx(900, abs=60), 0)


async def test_news_that_cannot_be_applied_is_as_old_as_it_is_and_failing(
    books: Database, settings: Settings
) -> None:
    await keep(books, "received", timedelta(minutes=5))
    assert await told(books, settings) == (pytest.approx(18_000, abs=60), 1)
