"""What may go when it is old: what no rule of the books needs, in small portions, by index."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection

from db.facts import drop_done_facts, find_done_facts
from db.idempotency import drop_expired, find_expired
from db.returns.withdrawals import drop_unused_links, find_unused_links
from relay.sweep import EVERY, Given, Keep, Sweep
from telemetry import metrics

AT_A_TIME = 1000
"""Rows that are dropped in one transaction: it holds their locks for some milliseconds."""

Found = TypeVar("Found")
Find = Callable[[AsyncConnection, int, timedelta], Awaitable[Sequence[Found]]]
Drop = Callable[[AsyncConnection, Sequence[Found], timedelta], Awaitable[int]]
Kept = Callable[[Keep], timedelta]


def _retention(name: str, find: Find[Found], drop: Drop[Found], kept: Kept) -> Sweep[Found]:
    """Return the sweep that drops what is older than is kept, ``AT_A_TIME`` in a transaction."""

    async def old(sweeper: Given) -> Sequence[Found]:
        async with sweeper.books.read() as db:
            return await find(db, AT_A_TIME, kept(sweeper.keep))

    async def let_go(sweeper: Given, found: Sequence[Found]) -> int:
        async with sweeper.books.begin() as db:
            dropped = await drop(db, found, kept(sweeper.keep))
        metrics.rows_dropped.labels(name).inc(dropped)
        return dropped

    metrics.rows_dropped.labels(name)
    return Sweep(name, EVERY, old, let_go, batch=AT_A_TIME)


RETENTION = (
    _retention("expired_keys", find_expired, drop_expired, lambda keep: keep.answers),
    _retention("old_facts", find_done_facts, drop_done_facts, lambda keep: keep.facts),
    _retention("unused_links", find_unused_links, drop_unused_links, lambda keep: keep.links),
)
"""Each with how long that is kept, as the settings say."""
