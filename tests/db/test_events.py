"""Events that were there before the feed had an order: they stand at its beginning."""

import asyncio
from uuid import UUID, uuid4

import asyncpg
from alembic import command

from db.engine import open_engine
from db.reads.events import START, get_feed
from domain.ids import new_id
from tests.database import execute, migrate, migrations_of, named


async def told(url: str, event_id: UUID) -> None:
    connection = await asyncpg.connect(url, ssl=False)
    await connection.execute(
        "INSERT INTO events (id, type, subject, subject_id, sequence, actor, correlation_id, data)"
        " VALUES ($1, 'order.told.v1', '', gen_random_uuid(), 1, 'tests', '', '{}')",
        event_id,
    )
    await connection.close()


async def feed(url: str) -> list[UUID]:
    engine = open_engine(url, application="tests", pool=1)
    found: list[UUID] = []
    after, more = START, True
    async with engine.connect() as db:
        while more:
            page = await get_feed(db, after=after, limit=2)
            found += [event["id"] for event in page.events]
            after, more = page.end, page.more
    await engine.dispose()
    return found


async def test_older_events_come_first_and_as_they_were_made(template_url: str) -> None:
    name = f"test_{uuid4().hex}"
    server_url, url = named(template_url, "postgres"), named(template_url, name)
    await execute(server_url, f"CREATE DATABASE {name}")
    try:
        await asyncio.to_thread(command.upgrade, migrations_of(url), "0003")
        ids = [new_id() for _ in range(6)]
        for event_id in (ids[2], ids[0], ids[3], ids[1]):
            await told(url, event_id)
        await migrate(url)
        await told(url, ids[5])
        await told(url, ids[4])
        assert await feed(url) == [*ids[:4], ids[5], ids[4]]
        await asyncio.to_thread(command.downgrade, migrations_of(url), "0003")
        await told(url, new_id())
        await migrate(url)
        assert (await feed(url))[:6] == ids
    finally:
        await execute(server_url, f"DROP DATABASE {name} WITH (FORCE)")
