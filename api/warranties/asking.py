"""HTTP for what was bought elsewhere: its warranty is asked for, and support decides."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from activities.warranties.requesting import request_warranty
from api.answers import keyed_response
from api.deps import Books, require
from api.idempotency import RequiredKey, idempotent_create
from api.problems import BODY, KEYED, READ, problems
from api.rows import view
from api.warranties.views import RequestedView
from domain.access import Caller
from domain.errors import AlreadyExists, IllegalMove, NotFound
from domain.warranties.requests import RequestWarranty

router = APIRouter(prefix="/warranties", tags=["warranties"])


@router.post(
    "/requests",
    status_code=202,
    response_model=RequestedView,
    responses=problems(*READ, *BODY, *KEYED, NotFound, AlreadyExists, IllegalMove),
)
async def request(
    body: RequestWarranty,
    caller: Annotated[Caller, require("warranties:register")],
    key: RequiredKey,
    books: Books,
) -> Response:
    """Ask for a warranty on what was bought elsewhere: support decides by the proof."""

    async def write(db: AsyncConnection, _: UUID) -> RequestedView:
        made = await request_warranty(db, body, actor=caller.subject, reach=caller.reach)
        return view(RequestedView, made)

    route = "POST /warranties/requests"
    return keyed_response(
        await idempotent_create(books, caller, key, route, body, write, status=202)
    )
