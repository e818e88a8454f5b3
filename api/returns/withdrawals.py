"""HTTP for withdrawals by known callers: declared, confirmed, acknowledged."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Response
from fastapi.responses import PlainTextResponse
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncConnection

from activities.returns.withdrawing import (
    acknowledgement,
    confirm_withdrawal,
    declare_withdrawal,
)
from api.answers import keyed_response
from api.deps import Books, Db, Serving, require
from api.fields import OrderRef, OwnId, Sku, by_id
from api.idempotency import OptionalKey, RequiredKey, idempotent_change, idempotent_create
from api.notifier import Notifier
from api.problems import BODY, KEYED, READ, problems
from api.rows import view
from db.returns.withdrawals import WithdrawalRead, get_withdrawal
from domain.access import Caller
from domain.errors import IllegalMove, NotFound, QuantityExceeded, WindowClosed
from domain.ids import LineId, ReturnId, WithdrawalId
from domain.returns.withdrawals import DeclareWithdrawal
from domain.value import Value

router = APIRouter(prefix="/withdrawals", tags=["returns"])
REFUSED = (NotFound, QuantityExceeded, WindowClosed)
Id = Annotated[UUID, by_id("withdrawal")]
TEXT: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/plain": {"schema": {"type": "string"}}}}
}
"""The answer that is a text."""


class WithdrawnLineView(Value):
    """Goods as the statement names them."""

    order_line_id: LineId
    """The order's line."""
    sku: Sku
    name: str
    """What the item was called when it was ordered."""
    quantity: int
    """How many units are withdrawn from."""


class WithdrawalView(Value):
    """A consumer's withdrawal: declared, and since it was confirmed in effect."""

    id: OwnId[WithdrawalId]
    order_id: OrderRef
    order_number: str
    """The order's name for people."""
    name: str
    """Who withdraws."""
    email: str | None
    """Where the acknowledgement is to be sent."""
    lines: tuple[WithdrawnLineView, ...]
    """The goods that are withdrawn from."""
    statement: str
    """The statement in words, as it is to be shown before it is confirmed."""
    declared_at: datetime
    """When it was declared, in UTC (RFC 3339)."""
    confirmed_at: datetime | None = Field(
        description="When it was received as confirmed, in UTC (RFC 3339); null before, while it"
        " has no effect."
    )
    return_id: ReturnId | None = Field(
        description="The return that it has opened; null before it is confirmed."
    )


def withdrawal_view(row: WithdrawalRead) -> WithdrawalView:
    """Show a withdrawal."""
    return view(WithdrawalView, row)


@router.post(
    "",
    status_code=201,
    response_model=WithdrawalView,
    responses=problems(*READ, *BODY, *KEYED, *REFUSED),
)
async def declare(
    body: DeclareWithdrawal,
    caller: Annotated[Caller, require("returns:request")],
    key: RequiredKey,
    books: Books,
    services: Serving,
) -> Response:
    """State that a consumer withdraws from an order, or from some of its delivered goods.

    It has no effect before it is confirmed. No reason is asked for.
    """

    async def write(db: AsyncConnection, withdrawal_id: UUID) -> WithdrawalView:
        await declare_withdrawal(
            db,
            withdrawal_id,
            body.order_id,
            body,
            services.settings.policy,
            actor=caller.subject,
            reach=caller.reach,
        )
        return withdrawal_view(await get_withdrawal(db, withdrawal_id, caller.reach))

    made = await idempotent_create(books, caller, key, "POST /withdrawals", body, write)
    return keyed_response(made, "/withdrawals")


@router.post(
    "/{withdrawal_id}/confirm",
    response_model=WithdrawalView,
    responses=problems(*READ, *KEYED, *REFUSED),
)
async def confirm(
    withdrawal_id: Id,
    caller: Annotated[Caller, require("returns:request")],
    key: OptionalKey,
    books: Books,
    notifier: Notifier,
    services: Serving,
) -> Response:
    """Let a declared withdrawal take effect: it is acknowledged, and its return is authorized.

    Once is as good as twice.
    """

    async def write(db: AsyncConnection, return_id: UUID) -> WithdrawalView:
        policy, actor, reach = services.settings.policy, caller.subject, caller.reach
        await confirm_withdrawal(db, withdrawal_id, return_id, policy, actor=actor, reach=reach)
        return withdrawal_view(await get_withdrawal(db, withdrawal_id, reach))

    route = f"POST /withdrawals/{withdrawal_id}/confirm"
    done = await idempotent_change(books, caller, key, route, None, write)
    notifier.notify()
    return keyed_response(done)


@router.get("/{withdrawal_id}", response_model=WithdrawalView, responses=problems(*READ, NotFound))
async def show_withdrawal(
    withdrawal_id: Id, caller: Annotated[Caller, require("returns:request")], db: Db
) -> WithdrawalView:
    """One withdrawal, with its statement."""
    return withdrawal_view(await get_withdrawal(db, withdrawal_id, caller.reach))


@router.get(
    "/{withdrawal_id}/acknowledgement",
    response_class=PlainTextResponse,
    responses=TEXT | problems(*READ, NotFound, IllegalMove),
)
async def show_acknowledgement(
    withdrawal_id: Id, caller: Annotated[Caller, require("returns:request")], db: Db
) -> PlainTextResponse:
    """The acknowledgement of a confirmed withdrawal, as it was written then; it never changes."""
    return PlainTextResponse(acknowledgement(await get_withdrawal(db, withdrawal_id, caller.reach)))
