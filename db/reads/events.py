"""The feed: all events in one order that no later commit changes, read in pages, oldest first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection

from db.events import FEED_END
from db.pages import oldest
from db.sources import of_source
from domain.errors import Malformed

START = "0" * 48
"""The position before the first event."""
_WINDOW = 2000
"""How many events a page looks through for those of the wanted types."""


# What is sold, with which promise, and where it lies is common to all sources; what else has no
# source is kept back.
_KIND = "split_part(type, '.', 1)"
_WITHIN = f"""AND ({_KIND} IN ('item', 'site', 'inventory', 'warranty_term')
                    OR {of_source(_KIND, "seen.subject_id")})"""


_PAGE = oldest(
    """SELECT id, place AS nth, 400 + octet_length(data::text) AS size FROM numbered
        WHERE wanted ORDER BY place LIMIT :limit + 1""",
    "nth",
    ":limit",
)


def _feed(only: str, within: str) -> TextClause:
    # The end is computed once, from the statement's own snapshot: what lies before it is committed
    # and seen. The last event looked at comes along even if unwanted: the next page begins there.
    return text(
        f"""WITH seen AS MATERIALIZED (
            SELECT * FROM events
            WHERE (position, id) > (:position, CAST(:id AS uuid))
                AND position < (SELECT {FEED_END}) {only}
            ORDER BY position, id LIMIT :window),
        numbered AS (
            SELECT *, row_number() OVER (ORDER BY position, id) AS place,
                count(*) OVER () AS looked_at,
                (CAST(:types AS text[]) = '{{}}' OR type = ANY(:types)) {within}
                    AS wanted FROM seen),
        page AS ({_PAGE})
        SELECT n.*, p.id IS NOT NULL AS shown, p.ahead FROM numbered n LEFT JOIN page p USING (id)
        WHERE p.id IS NOT NULL OR n.place = n.looked_at ORDER BY n.place"""
    )


_FEEDS = {
    (one, within): _feed("AND subject_id = :subject_id" if one else "", _WITHIN if within else "")
    for one in (False, True)
    for within in (False, True)
}
"""The feed of all documents or of one, and of all sources or of one."""
_KNOWN = text("SELECT 1 FROM events WHERE position = :position AND id = :id")


@dataclass(frozen=True, slots=True)
class Feed:
    """A part of the feed; each event has its ``position`` as `get_feed` takes it."""

    events: Sequence[Mapping[str, Any]]
    end: str
    """The position after which to go on."""
    more: bool
    """Whether more can be read at once; it need not be of the wanted types."""


async def get_feed(
    db: AsyncConnection,
    *,
    after: str,
    limit: int,
    types: frozenset[str] = frozenset(),
    subject_id: UUID | None = None,
    source: str | None = None,
) -> Feed:
    """Return at most ``limit`` events after this position, of these types, of this document.

    They fit into a page.

    With ``source`` those of its documents, customers and warranties, and of what is common to all
    sources.

    Where the wanted types are rare there may be fewer, or none, before the end. Raises Malformed
    for a position that no event has: of another database, or of an event that a restore lost.
    """
    start = {"position": int(after[:16], 16), "id": UUID(after[16:])}
    if after != START and (await db.execute(_KNOWN, start)).one_or_none() is None:
        error = {"pointer": "/query/after", "message": "no event has this position"}
        raise Malformed("check /query/after", errors=[error])
    # A document has few events, and an index of them.
    window = _WINDOW if types or subject_id or source is not None else limit + 1
    given = {**start, "types": sorted(types), "window": window, "limit": limit}
    filters = {"subject_id": subject_id, "source": source}
    given |= {name: value for name, value in filters.items() if value is not None}
    rows = (await db.execute(_FEEDS[subject_id is not None, source is not None], given)).all()
    found = [{**row._mapping, "position": _position(row.position, row.id)} for row in rows]
    events = [event for event in found if event["shown"]]
    if events and events[0]["ahead"] > len(events):
        return Feed(events, events[-1]["position"], more=True)
    end = found[-1]["position"] if found else after
    return Feed(events, end, more=bool(found) and found[-1]["looked_at"] == window)


def _position(position: int, event_id: UUID) -> str:
    return f"{position:016x}{event_id.hex}"
