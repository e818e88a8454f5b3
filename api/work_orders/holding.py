"""HTTP for holds of work orders: placed, and released."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from activities.holds import lift, place
from activities.work_orders.telling import go_on
from api.answers import keyed_response
from api.deps import Books
from api.fields import by_id
from api.idempotency import OptionalKey, RequiredKey, idempotent_create
from api.problems import BODY, KEYED, READ, problems
from api.work_orders.deciding import DECIDED, Decided, Id, Plan, show_work_order
from api.work_orders.views import WorkOrderView
from db.documents import WORK_ORDERS
from db.holds import require_hold
from db.inventory.demand import review_for
from db.work_orders.tables import WorkOrderRow
from domain.documents import Document, Kind
from domain.errors import AlreadyExists, IllegalMove, NotFound
from domain.holds import HoldPlacement, HoldRelease, PlaceHold, ReleaseHold, already_held

router = APIRouter(prefix="/work_orders", tags=["work_orders"])
_NO_WORDS = ReleaseHold()


@router.post(
    "/{work_order_id}/holds",
    status_code=201,
    response_model=WorkOrderView,
    responses=problems(*READ, *BODY, *KEYED, NotFound, IllegalMove, AlreadyExists),
)
async def hold(
    work_order_id: Id,
    body: PlaceHold,
    caller: Plan,
    key: RequiredKey,
    books: Books,
) -> Response:
    """Stop it until the hold is released; what is under way is still reported."""
    document = Document(Kind.WORK_ORDER, work_order_id)

    async def write(db: AsyncConnection, hold_id: UUID) -> WorkOrderView:
        found = await WORK_ORDERS.lock(db, work_order_id)
        WORK_ORDERS.check_running(found.status)
        placement = HoldPlacement(
            document=document,
            hold_id=hold_id,
            actor=caller.subject,
            reason=body.reason,
            note=body.note,
        )
        if not await place(db, found, placement):
            raise already_held(Kind.WORK_ORDER, body.reason)
        return await show_work_order(db, work_order_id, caller)

    route = f"POST /work_orders/{work_order_id}/holds"
    made = await idempotent_create(books, caller, key, route, body, write)
    return keyed_response(made)


@router.post(
    "/{work_order_id}/holds/{hold_id}/release", response_model=WorkOrderView, responses=DECIDED
)
async def let_go(
    work_order_id: Id,
    hold_id: Annotated[UUID, by_id("hold")],
    caller: Plan,
    key: OptionalKey,
    decided: Decided,
    body: ReleaseHold = _NO_WORDS,
) -> Response:
    """Release one hold; with the last one the work goes on."""
    document = Document(Kind.WORK_ORDER, work_order_id)

    async def decide(db: AsyncConnection, found: WorkOrderRow) -> None:
        await require_hold(db, hold_id, document)
        asked = HoldRelease(
            document=document, hold_id=hold_id, actor=caller.subject, note=body.note
        )
        await lift(db, found, asked, decided.services.settings.policy)
        # It may wait for parts, which nobody has given it while it was on hold.
        await review_for(db, found.id)
        await go_on(db, found)

    route = f"POST /holds/{hold_id}/release"
    return await decided(work_order_id, route, caller, key, body, decide)
