"""What of an order can be returned: a route of the order, told by the rules of returns."""

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

import fastapi
from fastapi import APIRouter

from api.deps import Db, Serving, require
from api.fields import by_id
from api.pages import Query
from api.problems import READ, problems
from api.returns.estimates import ReturnableView, returnable_view
from db.orders.reads import get_order_row
from db.returns.returnable import sold_lines
from domain.access import Caller
from domain.errors import NotFound
from domain.returns.rules import window_of
from domain.returns.status import ReturnKind

router = APIRouter(prefix="/orders", tags=["returns"])


class ReturnableQuery(Query):
    """What kind of return is meant."""

    kind: ReturnKind = ReturnKind.STANDARD
    """A withdrawal has a window of its own; undelivered units cannot be requested."""


@router.get(
    "/{order_id}/returnable", response_model=ReturnableView, responses=problems(*READ, NotFound)
)
async def returnable(
    order_id: Annotated[UUID, by_id("order")],
    query: Annotated[ReturnableQuery, fastapi.Query()],
    caller: Annotated[Caller, require("returns:request")],
    db: Db,
    services: Serving,
) -> ReturnableView:
    """How many units of each line can be returned today, and until when."""
    await get_order_row(db, order_id, caller.reach)
    lines = list((await sold_lines(db, [order_id])).values())
    policy, today = services.settings.policy, datetime.now(UTC).date()
    windows = {line.id: window_of(line, query.kind, lines, policy, today) for line in lines}
    return returnable_view(order_id, query.kind, lines, windows)
