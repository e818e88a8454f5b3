"""The share of the database that one caller may have, over real connections."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import httpx2
import pytest

from api.app import create_app
from api.services import Services
from db.engine import Database, open_engine
from runtime.settings import Settings
from tests.api.callers import Callers
from tests.api.conftest import away
from tests.patience import PATIENCE, eventually
from tests.serving import served


@pytest.fixture
async def small(database_url: str) -> AsyncIterator[httpx2.AsyncClient]:
    """A process with ten connections, of which a caller may have five."""
    db = Database(open_engine(database_url, application="small", pool=10), share=0.5)
    app = create_app(Services(settings=Settings(), db=db, temporal=away))
    async with (
        served(app) as address,
        httpx2.AsyncClient(base_url=address, timeout=PATIENCE) as client,
    ):
        yield client
    await db.close()


@asynccontextmanager
async def locked(database_url: str, table: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database_url, ssl=False)
    await connection.execute(f"BEGIN; LOCK TABLE {table}")
    try:
        yield connection
    finally:
        await connection.close()


async def held(connection: asyncpg.Connection) -> int:
    """Count the connections that wait for the lock."""
    found: int = await connection.fetchval(
        "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'customers'::regclass"
    )
    return found


async def test_what_one_caller_holds_up_leaves_connections_for_others_and_for_readiness(
    small: httpx2.AsyncClient, callers: Callers, database_url: str
) -> None:
    mine, others = [{"X-API-Key": await callers.key(role)} for role in ("admin", "support")]
    async with locked(database_url, "customers") as connection:
        asked = [
            asyncio.create_task(
                small.post(
                    "/customers",
                    json={"name": "Ada"},
                    headers={**mine, "Idempotency-Key": f"share-{number}"},
                )
            )
            for number in range(12)
        ]

        async def all_held() -> bool | None:
            return await held(connection) == 5 or None

        await eventually(all_held, otherwise="its share is not held")
        for _ in range(3):
            assert (await small.get("/orders", headers=others)).status_code == 200
            assert (await small.get("/health/ready")).status_code == 200
        assert await held(connection) == 5
        await connection.execute("ROLLBACK")
        answers = [await one for one in asked]
    assert {one.status_code for one in answers} == {201}


async def test_a_share_that_stays_taken_is_told_to_its_caller(
    small: httpx2.AsyncClient, callers: Callers, database_url: str
) -> None:
    mine = {"X-API-Key": await callers.key("admin")}
    async with locked(database_url, "customers") as connection:
        asked = [
            asyncio.create_task(
                small.post(
                    "/customers",
                    json={"name": "Ada"},
                    headers={**mine, "Idempotency-Key": f"taken-{number}"},
                )
            )
            for number in range(12)
        ]
        # Five give up after the time that a lock is waited for, and five more: two are left.
        answers = [await one for one in asked]
        await connection.execute("ROLLBACK")
    told = {(one.status_code, one.json()["code"]) for one in answers}
    assert told <= {(503, "busy"), (429, "too_many_requests_at_once")}
    assert (429, "too_many_requests_at_once") in told
    assert all(int(one.headers["retry-after"]) >= 1 for one in answers)
