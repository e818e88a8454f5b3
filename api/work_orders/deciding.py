"""Requests to a work order: each one transaction under its lock, once per key."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Response
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncConnection

from api.answers import keyed_response
from api.deps import Books, Serving, require
from api.etags import check_match
from api.fields import by_id
from api.idempotency import idempotent_change
from api.notifier import Notifier
from api.problems import BODY, KEYED, READ, problems
from api.work_orders.views import WorkOrderView, work_order_view
from db.documents import WORK_ORDERS
from db.work_orders.reads import get_work_order
from db.work_orders.tables import WorkOrderRow
from domain.access import Caller, Command
from domain.errors import (
    IllegalMove,
    NotFound,
    OutOfStock,
    Overlaps,
    QuantityExceeded,
    SamePerson,
    SkillMissing,
)

Id = Annotated[UUID, by_id("work order")]
Plan = Annotated[Caller, require("work_orders:plan")]
Work = Annotated[Caller, require("work_orders:work")]
SignOff = Annotated[Caller, require("work_orders:sign_off")]

DECIDED = problems(*READ, *BODY, *KEYED, NotFound, IllegalMove)
STAFFED = problems(*READ, *BODY, *KEYED, NotFound, IllegalMove, SkillMissing, Overlaps)
TIMED = problems(*READ, *BODY, *KEYED, NotFound, IllegalMove, Overlaps)
SUPPLIED = problems(*READ, *BODY, *KEYED, NotFound, IllegalMove, QuantityExceeded, OutOfStock)
JUDGED = problems(*READ, *BODY, *KEYED, NotFound, IllegalMove, SamePerson)


@dataclass(frozen=True)
class WorkOrderDecisions:
    """Writes what people say about work orders, and has their runs hear of it."""

    books: Books
    notifier: Notifier
    services: Serving

    async def __call__(
        self,
        work_order_id: UUID,
        route: str,
        caller: Caller,
        key: str | None,
        body: BaseModel | None,
        decide: Callable[[AsyncConnection, WorkOrderRow], Awaitable[None]],
        *,
        meant: str | None = None,
    ) -> Response:
        """Decide once per key under the work order's lock, and answer with it after that.

        ``route`` is the method and what follows the work order's path.
        """

        async def write(db: AsyncConnection, _: UUID) -> WorkOrderView:
            found = await WORK_ORDERS.lock(db, work_order_id)
            check_match(found.version, meant)
            await decide(db, found)
            return await show_work_order(db, work_order_id, caller)

        method, _, rest = route.partition(" ")
        named = f"{method} /work_orders/{work_order_id}{rest}"
        done = await idempotent_change(self.books, caller, key, named, body, write)
        self.notifier.notify()
        return keyed_response(done)


Decided = Annotated[WorkOrderDecisions, Depends()]


async def show_work_order(
    db: AsyncConnection, work_order_id: UUID, caller: Caller
) -> WorkOrderView:
    """Return a work order as the caller may see it; raise NotFound."""
    costs = caller.may(Command.COSTS_READ)
    found = await get_work_order(db, work_order_id, caller.reach, costs=costs)
    return work_order_view(found, caller)
