"""Up to where the books were found to be sound."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from db.events import FEED_END

LAG = timedelta(hours=1)
"""Longer than any transaction lives: what one writes is dated when it began."""


@dataclass(frozen=True)
class Mark:
    """What every rule was held against: what came before these."""

    position: int
    """Of the feed."""
    since: datetime
    """When an entry was recorded."""
    known: list[str]
    """The names of the rules."""


_HERE = text(f"SELECT {FEED_END} AS position, now() - CAST(:lag AS interval) AS since")
_ABLE = text(
    """SELECT NOT pg_is_in_recovery() AND NOT CAST(current_setting('transaction_read_only') AS bool)
        AND has_database_privilege(current_database(), 'TEMP')"""
)


async def mark_here(db: AsyncConnection, known: list[str]) -> Mark:
    """Return the mark of what this transaction sees."""
    found = (await db.execute(_HERE, {"lag": LAG})).one()
    return Mark(found.position, found.since, known)


async def can_go_on(db: AsyncConnection) -> bool:
    """Whether what changed since a mark can be set apart here: not in a copy only for reading."""
    return bool((await db.execute(_ABLE)).scalar_one())
