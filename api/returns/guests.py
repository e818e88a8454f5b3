"""HTTP for withdrawals by guests, who prove by a mailed token that an order is theirs.

These routes are open: the token is the credential. Asking for a link is answered alike, and as
late, whether or not there is such an order.
"""

import asyncio
import time
from typing import Annotated

from fastapi import APIRouter, Header
from fastapi.responses import PlainTextResponse

from activities.returns.withdrawing import (
    acknowledgement,
    ask_for_link,
    by_link,
    confirm_by_link,
    declare_by_link,
    order_of_link,
)
from api.deps import Books, Serving
from api.fields import OrderRef, Sku
from api.notifier import Notifier
from api.problems import BODY, problems
from api.returns.withdrawals import REFUSED, TEXT, WithdrawalView, withdrawal_view
from db.returns.withdrawals import get_withdrawal
from domain.errors import IllegalMove, Malformed, NotFound
from domain.ids import LineId
from domain.returns.withdrawals import LINK_LIVES, AskForLink, Declaration, Token
from domain.value import Value

router = APIRouter(prefix="/guest/withdrawals", tags=["returns"])

ANSWERED_AFTER = 0.25
"""Seconds after which a request for a link is answered, so that the time it took tells nothing."""

LinkToken = Annotated[
    Token, Header(alias="Withdrawal-Token", description="The token of the link that was mailed.")
]


class LinkAsked(Value):
    """If there is such an order, a link is mailed to its customer."""

    expires_after: int = int(LINK_LIVES.total_seconds())
    """Seconds for which such a link can be used."""


class GuestLineView(Value):
    """A line of the order that the link is about."""

    order_line_id: LineId
    """Which, for declaring."""
    sku: Sku
    name: str
    """What the item was called when it was ordered."""
    delivered: int
    """Units that reached the customer and are on no return."""


class GuestOrderView(Value):
    """The order that a link is about, as far as it can be withdrawn from."""

    order_id: OrderRef
    order_number: str
    """The order's name for people."""
    lines: tuple[GuestLineView, ...]
    """What it holds."""


@router.post("/links", status_code=202, responses=problems(*BODY, Malformed))
async def ask(body: AskForLink, books: Books) -> LinkAsked:
    """Ask for a link to be mailed by which a guest can withdraw.

    The answer is the same whether or not there is such an order; at most 5 links of one order are
    mailed in 24 hours.
    """
    since = time.monotonic()
    async with books.begin() as db:
        await ask_for_link(db, body)
    await asyncio.sleep(max(0.0, ANSWERED_AFTER - (time.monotonic() - since)))
    return LinkAsked()


@router.get("/order", responses=problems(Malformed, NotFound))
async def order(token: LinkToken, books: Books) -> GuestOrderView:
    """What the order of the link holds, so that goods can be chosen."""
    async with books.begin() as db:
        found, lines, names = await order_of_link(db, token)
    return GuestOrderView(
        order_id=found.id,
        order_number=found.number,
        lines=tuple(
            GuestLineView(
                order_line_id=LineId(line.id),
                sku=line.sku,
                name=names[line.id][1],
                delivered=line.left,
            )
            for line in lines
        ),
    )


@router.post("", status_code=201, responses=problems(*BODY, Malformed, *REFUSED, IllegalMove))
async def declare_as_guest(
    body: Declaration, token: LinkToken, books: Books, services: Serving
) -> WithdrawalView:
    """State that the guest withdraws; the same again is answered alike, a link declares once."""
    async with books.begin() as db:
        withdrawal_id = await declare_by_link(db, token, body, services.settings.policy)
        return withdrawal_view(await get_withdrawal(db, withdrawal_id))


@router.post("/confirm", responses=problems(Malformed, *REFUSED, IllegalMove))
async def confirm_as_guest(
    token: LinkToken, books: Books, services: Serving, notifier: Notifier
) -> WithdrawalView:
    """Let what was declared by the link take effect; once is as good as twice."""
    async with books.begin() as db:
        withdrawal_id = await confirm_by_link(db, token, services.settings.policy)
        found = withdrawal_view(await get_withdrawal(db, withdrawal_id))
    notifier.notify()
    return found


@router.get(
    "/acknowledgement",
    response_class=PlainTextResponse,
    responses=TEXT | problems(Malformed, NotFound, IllegalMove),
)
async def show_guest_acknowledgement(token: LinkToken, books: Books) -> PlainTextResponse:
    """The acknowledgement of what was confirmed by the link, as it was written then."""
    async with books.begin() as db:
        found = await get_withdrawal(db, await by_link(db, token))
    return PlainTextResponse(acknowledgement(found))
