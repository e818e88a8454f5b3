"""A server that says goodbye, and whose end of the line is not heard: who asks next asks again."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from urllib.parse import urlsplit

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from db.driver_reads import fetch
from db.engine import Database, open_engine
from db.failures import Trouble, diagnose

WHO = "SELECT pg_backend_pid()"


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[Database]:
    """Books behind a line that brings everything the server says, but never that it hung up."""
    there = urlsplit(database_url)
    kept: list[asyncio.StreamWriter] = []

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while said := await reader.read(65_536):
                writer.write(said)
                await writer.drain()

    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers, asks = await asyncio.open_connection(there.hostname, there.port)
        kept.extend((writer, asks))
        await asyncio.gather(carry(reader, asks), carry(answers, writer))

    server = await asyncio.start_server(connect, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    url = database_url.replace(f"{there.hostname}:{there.port}", f"127.0.0.1:{port}")
    opened = Database(open_engine(url, application="hung up", pool=2))
    yield opened
    for writer in kept:
        writer.close()
    server.close()
    await opened.close()


async def by_driver(db: Database) -> int:
    [row] = await fetch(db, WHO)
    return int(row[0])


async def by_sqlalchemy(db: Database) -> int:
    async with db.read() as books:
        return int((await books.execute(text(WHO))).scalar_one())


async def in_transaction(db: Database) -> int:
    async with db.begin() as books:
        return int((await books.execute(text(WHO))).scalar_one())


@pytest.mark.parametrize("ask", [by_driver, by_sqlalchemy, in_transaction])
async def test_who_asks_a_server_that_said_goodbye_is_told_that_it_is_away_and_then_answered(
    db: Database, database_url: str, ask: Callable[[Database], Awaitable[int]]
) -> None:
    backend = await ask(db)
    other = await asyncpg.connect(database_url)
    assert await other.fetchval("SELECT pg_terminate_backend($1, 5000)", backend)
    await other.close()
    with pytest.raises(DBAPIError) as failed:
        await ask(db)
    assert diagnose(failed.value) is Trouble.DOWN
    assert await ask(db) != backend
