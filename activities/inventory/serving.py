"""Serving those who wait for stock: a site's queue is walked in one transaction, in its order."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection
from temporalio import activity

from activities.orders.serving import tell_served
from activities.work_orders.reserving import tell_ready
from db.documents import DOCUMENTS
from db.engine import Database
from db.inventory.demand import free_at, is_servable, queue_at
from db.inventory.movements import LinePick
from db.inventory.posting import reserve
from domain.demand import Review, Served, serve
from domain.documents import Document, Kind
from domain.ids import SiteId, new_id

DOCUMENTS_A_TIME = 100
"""So many are served, and locked meanwhile, in one transaction."""
DEMANDS_A_TIME = 1000
"""Of one item so many are looked at."""

TellServed = Callable[[AsyncConnection, Any, UUID, Sequence[LinePick]], Awaitable[None]]
SERVED: Mapping[Kind, TellServed] = {
    Kind.ORDER: tell_served,
    Kind.WORK_ORDER: tell_ready,
}
"""What follows for a locked document that was given stock of a site, by its kind."""


class ReplenishmentActivities:
    """What the run of a site does for those who wait for its stock."""

    def __init__(self, books: Database) -> None:
        """Serve out of these books."""
        self._books = books

    @activity.defn
    async def serve_waiting(self, site_id: SiteId) -> Review:
        """Give what a site has free to those who wait for it, in the order of their queue."""
        async with self._books.begin() as db:
            return await serve_waiting(db, site_id)


async def serve_waiting(db: AsyncConnection, site_id: UUID) -> Review:
    """Reserve what a site has free for those who wait for it, and tell their runs.

    Whose turn it is is looked at first, then their documents are locked, and then it is looked at
    again: before balances, as every change of a document does, and so that no one is served for
    what was cancelled meanwhile. A turn that has come meanwhile is left to the next look.
    """
    seen = list(dict.fromkeys(each.demand.document for each in await _plan(db, site_id)))
    rows = {
        document: await DOCUMENTS[document.kind].lock(db, document.id)
        for document in sorted(seen[:DOCUMENTS_A_TIME], key=lambda one: (one.kind, one.id))
    }
    turns = await _plan(db, site_id, lock=True) if rows else []
    picks: defaultdict[Document, list[LinePick]] = defaultdict(list)
    for each in turns:
        if each.demand.document in rows:
            picks[each.demand.document].append(_pick(each))
    for document, given in picks.items():
        await reserve(db, document.kind, document.id, given)
        await SERVED[document.kind](db, rows[document], site_id, given)
    again = any(each.demand.document not in rows for each in turns)
    return Review(again=again, waits=again or await is_servable(db, site_id))


async def _plan(db: AsyncConnection, site_id: UUID, *, lock: bool = False) -> list[Served]:
    queue = await queue_at(db, site_id, DEMANDS_A_TIME)
    if not queue:
        return []
    return serve(queue, await free_at(db, site_id, [each.item_id for each in queue], lock=lock))


def _pick(served: Served) -> LinePick:
    """Return what is reserved: a share of its own beside what the line holds there already."""
    demand = served.demand
    return LinePick(
        demand.line_id,
        demand.item_id,
        served.free.location_id,
        served.quantity,
        lot_id=served.free.lot_id,
        share=str(new_id()),
    )
