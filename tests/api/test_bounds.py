"""Values that are legal for their type and impossible for the next layer: refused, not stored."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from urllib.parse import quote

import asyncpg
import httpx2
import pytest

from api.app import create_app
from api.services import Services
from db.engine import Database, open_engine
from runtime.settings import Settings
from tests.api.callers import Callers
from tests.api.conftest import away

BEYOND = [
    "9999-12-31T23:59:59-01:00",
    "9999-12-31T23:59:59.999999-00:01",
    "0001-01-01T00:00:00+14:00",
    "0001-01-01T00:00:00+00:01",
]
EDGES = ["9999-12-31T23:59:59Z", "9999-12-31T23:59:59+14:00", "0001-01-01T00:00:00Z"]


@pytest.mark.parametrize("field", ["occurred_from", "occurred_to"])
@pytest.mark.parametrize("instant", BEYOND)
async def test_an_instant_beyond_the_calendar_is_refused(
    instant: str, field: str, callers: Callers
) -> None:
    """T10, D3: the ledger's bounds are checked in UTC, before the database is asked."""
    answer = await callers.get(f"/inventory/movements?{field}={quote(instant)}")
    assert answer.status_code == 422, answer.text
    assert [one["pointer"] for one in answer.json()["errors"]] == [f"/query/{field}"]


@pytest.mark.parametrize("instant", EDGES)
async def test_the_first_and_last_moments_of_the_calendar_are_asked_for(
    instant: str, callers: Callers
) -> None:
    """T10: what lies in the calendar in UTC is legal, whatever its zone."""
    answer = await callers.get(f"/inventory/movements?occurred_from={quote(instant)}")
    assert answer.status_code == 200, answer.text


@pytest.fixture
async def impatient(database_url: str) -> AsyncIterator[Callers]:
    """Callers of an application whose server cuts a statement off after a moment."""
    limit = timedelta(milliseconds=300)
    books = Database(
        open_engine(database_url, application="bounds", pool=3, statement_timeout=limit)
    )
    app = create_app(Services(settings=Settings(), db=books, temporal=away))
    transport = httpx2.ASGITransport(app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://stateset") as client:
        yield Callers(client, books)
    await books.close()


async def test_sixty_requests_of_others_succeed_afterwards(
    impatient: Callers, database_url: str
) -> None:
    """D3: after impossible instants no caller meets a poisoned connection."""
    path = "/inventory/movements?occurred_from=" + quote(BEYOND[0])
    answers = await asyncio.gather(*(impatient.get(path) for _ in range(10)))
    assert {answer.status_code for answer in answers} == {422}
    observer = await asyncpg.connect(database_url, ssl=False)
    await observer.execute("SELECT pg_sleep(0.5)")
    await observer.close()
    answers = [await impatient.get("/inventory?limit=1") for _ in range(60)]
    assert {answer.status_code for answer in answers} == {200}
