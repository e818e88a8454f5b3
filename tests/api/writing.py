"""Writers of events, in a process of their own: ``python -m tests.api.writing URL WRITERS EACH``.

They write as our processes do: the first event of a new document at once, later ones under the lock
of their document. Some transactions have their number before they wait for that lock, some are
rolled back, and all take their time between writing and committing.
"""

import asyncio
import random
import sys
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from db.engine import Database, open_engine
from db.events import Event, add_events
from domain.ids import new_id

_TAKE_TIME = text("SELECT pg_sleep(random() * 0.03)")
_NUMBER = text("SELECT pg_current_xact_id()")
_LOCK = text("SELECT id FROM customers WHERE id = :id FOR UPDATE")
_FIRST = text(
    "INSERT INTO events (id, type, subject, subject_id, sequence, actor, correlation_id, data)"
    " VALUES (:id, 'order.placed.v1', '', :subject_id, 1, 'tests', '', '{}')"
)


def told(subject_id: UUID) -> Event:
    return Event("customer.told", "", subject_id, "tests", "", {})


async def write(db: AsyncConnection, shared: UUID, limit: int) -> int:
    """Write one to three events; return how many."""
    if random.random() < 0.5:
        await db.execute(_NUMBER)
        await db.execute(_TAKE_TIME)
    if random.random() < 0.5:
        await db.execute(_FIRST, {"id": new_id(), "subject_id": new_id()})
        return 1
    count = min(limit, random.randint(1, 3))
    await db.execute(_LOCK, {"id": shared})
    await add_events(db, [told(shared) for _ in range(count)])
    return count


async def writer(books: Database, documents: list[UUID], events: int) -> None:
    while events:
        async with books.engine.connect() as db:
            written = await write(db, random.choice(documents), events)
            await db.execute(_TAKE_TIME)
            if random.random() < 0.05:
                await db.rollback()
                continue
            await db.commit()
            events -= written


async def main(url: str, writers: int, each: int) -> None:
    books = Database(open_engine(url, application="writers", pool=writers))
    async with books.read() as db:
        documents = list((await db.execute(text("SELECT id FROM customers"))).scalars())
    await asyncio.gather(*(writer(books, documents, each) for _ in range(writers)))
    await books.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
