"""Values that the driver cannot write: refused, and their connection is never used again."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import asyncpg
import pytest
from sqlalchemy import QueuePool, text
from sqlalchemy.exc import DBAPIError

from db.driver_reads import fetch
from db.engine import Database, open_engine
from db.failures import Trouble, diagnose

WHO = text("SELECT pg_backend_pid()")
BEYOND = datetime.max.replace(tzinfo=timezone(timedelta(hours=-1)))
EARLY = datetime.min.replace(tzinfo=timezone(timedelta(hours=14)))
IMPOSSIBLE: list[tuple[str, Any]] = [
    ("timestamptz", BEYOND),
    ("timestamptz", EARLY),
    ("bigint", 10**30),
    ("uuid", "Ada Hall"),
    ("text", "\ud800"),
]


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[Database]:
    # A statement that the driver left half asked is cut off by the server after this time.
    limit = timedelta(milliseconds=300)
    engine = open_engine(database_url, application="bounds", pool=2, statement_timeout=limit)
    opened = Database(engine)
    yield opened
    await opened.close()


async def read(db: Database, kind: str, value: Any) -> None:
    async with db.read() as books:
        await books.execute(text(f"SELECT CAST(:value AS {kind})"), {"value": value})


async def write(db: Database, kind: str, value: Any) -> None:
    async with db.begin() as books:
        await books.execute(WHO)
        await books.execute(text(f"SELECT CAST(:value AS {kind})"), {"value": value})


async def past_sqlalchemy(db: Database, kind: str, value: Any) -> None:
    await fetch(db, f"SELECT CAST($1 AS {kind})", value)


async def fails(doing: Awaitable[None]) -> BaseException:
    with pytest.raises(DBAPIError) as raised:
        await doing
    return raised.value


@pytest.mark.parametrize("way", [read, write, past_sqlalchemy])
@pytest.mark.parametrize(("kind", "value"), IMPOSSIBLE, ids=str)
async def test_the_next_sixty_requests_of_others_succeed(
    way: Callable[[Database, str, Any], Awaitable[None]],
    kind: str,
    value: Any,
    db: Database,
    database_url: str,
) -> None:
    """D3: no caller gets the connection on which the driver gave up."""
    errors = await asyncio.gather(*(fails(way(db, kind, value)) for _ in range(2)))
    assert {diagnose(error) for error in errors} == {Trouble.UNSTORABLE}
    observer = await asyncpg.connect(database_url, ssl=False)
    await observer.execute("SELECT pg_sleep(0.5)")
    await observer.close()
    for _ in range(30):
        async with db.begin() as books:
            assert (await books.execute(WHO)).scalar_one()
        assert await fetch(db, "SELECT $1::timestamptz", datetime.now(UTC))
    assert isinstance(db.engine.pool, QueuePool)
    assert db.engine.pool.checkedout() == 0


async def test_what_the_server_refuses_keeps_its_connection(db: Database) -> None:
    """D3: a refusal of the server leaves the connection sound, and it is not made anew."""
    pids = set()
    for _ in range(3):
        async with db.begin() as books:
            pids.add((await books.execute(WHO)).scalar_one())
        assert diagnose(await fails(read(db, "nothing", 1))) is Trouble.BUG
    assert len(pids) == 1
