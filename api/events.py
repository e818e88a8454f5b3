"""HTTP for the feed of events: everything that happened, in an order that a reader can trust."""

from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any
from uuid import UUID

import fastapi
from fastapi import APIRouter, Request
from pydantic import Field, StringConstraints

from api.deps import Db, require
from api.pages import Limit, Page, Query, link
from api.problems import READ, problems
from api.rows import shown
from api.views import EventView
from db.reads.events import START, get_feed
from domain.access import Caller
from domain.disclosure import disclose_event
from domain.value import Name

router = APIRouter(prefix="/events", tags=["events"])

Position = Annotated[str, StringConstraints(pattern=r"^[0-7][0-9a-f]{47}$")]


class FeedEventView(EventView):
    """An event in the feed: the id of the document it tells of, and its own position."""

    subject_id: UUID
    """The document that it happened to; by it `/events` can be narrowed."""
    position: str = Field(description="Opaque; read on after it with `after`.")


class FeedPage(Page[FeedEventView]):
    """A page of the feed, oldest first, and where the feed goes on."""

    next: str = Field(description="The address to read on from, now or later; never null.")
    has_more: bool = Field(
        description="Whether to ask at once, because there is more already, or to wait a little."
    )


class FeedQuery(Query):
    """Which part of the feed."""

    limit: Limit = 20
    after: Position = Field(default=START, description="The position of the last event seen.")
    type: frozenset[Name] = Field(default=frozenset(), max_length=20)
    """Only events of these types, such as `order.placed.v1`. May be repeated."""
    subject_id: UUID | None = Field(default=None, description="Only events of this document.")


@router.get("", responses=problems(*READ))
async def search(
    query: Annotated[FeedQuery, fastapi.Query()],
    caller: Annotated[Caller, require("events:read")],
    db: Db,
    request: Request,
) -> FeedPage:
    """Oldest first; an integration sees its own source's events, and those of items and stock.

    Nothing is ever added before an event that was shown.
    """
    feed = await get_feed(
        db,
        after=query.after,
        limit=query.limit,
        types=query.type,
        subject_id=query.subject_id,
        source=caller.reach.source,
    )
    return FeedPage(
        items=tuple(shown("FeedEventView", partial(_view, caller=caller), feed.events)),
        next=link(request.url.path, query, feed.end),
        has_more=feed.more,
    )


def _view(event: Mapping[str, Any], caller: Caller) -> FeedEventView:
    disclosed = disclose_event(event, caller)
    return FeedEventView.model_validate(
        {name: disclosed[name] for name in FeedEventView.model_fields}
    )
