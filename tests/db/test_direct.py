"""Reads past SQLAlchemy: on connections of the same pool, and with the same failures."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from sqlalchemy import QueuePool, text
from sqlalchemy.exc import DBAPIError

from db.driver_reads import fetch
from db.engine import Database, open_engine
from db.failures import Trouble, diagnose
from telemetry import tracing
from tests.ports import free_port

WHO = "SELECT pg_backend_pid() AS pid"


@asynccontextmanager
async def opened(url: str, **how: Any) -> AsyncIterator[Database]:
    db = Database(open_engine(url, application="direct", **how))
    yield db
    await db.close()


def in_use(db: Database) -> int:
    assert isinstance(db.engine.pool, QueuePool)
    return db.engine.pool.checkedout()


async def failure(db: Database, statement: str) -> BaseException:
    with pytest.raises(Exception) as raised:
        await fetch(db, statement)
    return raised.value


async def test_it_uses_the_pools_connections_and_gives_them_back(database_url: str) -> None:
    async with opened(database_url, pool=2) as db:
        async with db.begin() as books:
            pid = (await books.execute(text(WHO))).scalar_one()
        assert (await fetch(db, WHO))[0]["pid"] == pid
        found = await asyncio.gather(*(fetch(db, WHO) for _ in range(20)))
        assert len({rows[0]["pid"] for rows in found}) <= 2
        assert in_use(db) == 0


async def test_a_connection_that_was_cut_is_noticed_before_it_is_used(database_url: str) -> None:
    async with opened(database_url, pool=3) as db:
        await asyncio.gather(*(fetch(db, "SELECT pg_sleep(0.05)") for _ in range(3)))
        connection = await asyncpg.connect(database_url, ssl=False)
        cut = await connection.fetch(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE application_name = 'direct'"
        )
        assert len(cut) == 3
        await connection.close()
        for _ in range(4):
            assert await fetch(db, WHO)


async def test_a_statement_that_is_cut_off_means_the_database_is_down(database_url: str) -> None:
    async with opened(database_url, pool=1) as db:
        error = await failure(db, "SELECT pg_terminate_backend(pg_backend_pid())")
        assert diagnose(error) is Trouble.DOWN
        assert await fetch(db, WHO)


async def test_it_goes_on_where_sqlalchemy_has_given_its_connections_up(database_url: str) -> None:
    async with opened(database_url, pool=2) as db:
        await asyncio.gather(*(fetch(db, "SELECT pg_sleep(0.05)") for _ in range(2)))
        with pytest.raises(DBAPIError):
            async with db.begin() as books:
                await books.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
        pids = [(await fetch(db, WHO))[0]["pid"] for _ in range(4)]
        assert len(set(pids)) == 2
        assert in_use(db) == 0


async def test_a_statement_that_takes_too_long_ends_and_the_connection_lives(
    database_url: str,
) -> None:
    limit = timedelta(milliseconds=50)
    async with opened(database_url, pool=1, statement_timeout=limit) as db:
        pid = (await fetch(db, WHO))[0]["pid"]
        assert diagnose(await failure(db, "SELECT pg_sleep(5)")) is Trouble.DOWN
        assert (await fetch(db, WHO))[0]["pid"] == pid


async def test_our_mistakes_stay_mistakes(database_url: str) -> None:
    async with opened(database_url, pool=1) as db:
        assert diagnose(await failure(db, "SELECT nothing")) is Trouble.BUG


async def test_nobody_gets_the_answer_that_somebody_gave_up(database_url: str) -> None:
    async with opened(database_url, pool=1) as db:
        await fetch(db, WHO)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await fetch(db, "SELECT pg_sleep(0.3), 'theirs' AS answer")
        assert (await fetch(db, "SELECT 'ours' AS answer"))[0]["answer"] == "ours"


async def test_without_a_server_or_a_free_connection_the_database_is_down(
    database_url: str,
) -> None:
    async with opened(f"postgresql://x:x@127.0.0.1:{free_port()}/x") as db:
        assert diagnose(await failure(db, WHO)) is Trouble.DOWN
    server, _, name = database_url.rpartition("/")
    connection = await asyncpg.connect(f"{server}/postgres", ssl=False)
    await connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
    async with opened(database_url) as db:
        direct = await failure(db, WHO)
        with pytest.raises(Exception) as usual:
            async with db.read() as books:
                await books.execute(text(WHO))
        assert diagnose(direct) is diagnose(usual.value)
    await connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
    await connection.close()


async def test_it_makes_a_span_within_another_while_spans_are_collected(database_url: str) -> None:
    spans = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    tracing.collect(provider.get_tracer("tests"))
    try:
        async with opened(database_url, pool=1) as db:
            await fetch(db, "SELECT 'an idle look'")
            with tracing.span("step"):
                await fetch(db, WHO)
                await failure(db, "SELECT nothing")
    finally:
        tracing.collect(None)
    good, bad, _ = spans.get_finished_spans()
    assert (good.name, dict(good.attributes or {})["db.query.text"]) == ("SELECT", WHO)
    assert (good.status.is_ok, bad.status.is_ok) == (True, False)
