"""HTTP for payments: each attempt to pay an order, and what became of its money."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Annotated
from uuid import UUID

import fastapi
from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncConnection

from activities.payments.by_hand import capture_by_hand, void_by_hand
from activities.payments.receiving import record_receipt
from api.answers import keyed_response
from api.deps import Books, Db, require
from api.fields import (
    by_id,
)
from api.headers import LOCATED
from api.idempotency import RequiredKey, idempotent_change, idempotent_create
from api.notifier import Notifier
from api.pages import DatedQuery, Page
from api.payments.views import PaymentView, payment_view
from api.problems import BODY, KEYED, READ, problems
from api.words import Listed, Words, worded_page
from db.reads.payments import PARTS_SIZE, PaymentRead, get_payment, search_payments
from domain.access import Caller
from domain.errors import (
    AlreadyExists,
    AmountExceeded,
    CurrencyMismatch,
    IllegalMove,
    NotFound,
)
from domain.orders.by_hand import CapturePayment, MoveByHand, VoidPayment
from domain.orders.receipts import RecordReceipt
from domain.payment_state import PaymentState
from domain.value import Name

router = APIRouter(prefix="/payments", tags=["payments"])


class PaymentQuery(DatedQuery):
    """Which payments."""

    order_id: UUID | None = None
    """Those of this order."""
    provider_reference: Name | None = None
    """The one whose authorization the provider calls so."""
    status: frozenset[PaymentState] = Field(
        default=frozenset(), max_length=10, description="How the money stands. May be repeated."
    )


@router.get("", responses=problems(*READ))
async def search(
    query: Annotated[PaymentQuery, fastapi.Query()],
    caller: Annotated[Caller, require("payments:read")],
    db: Db,
    request: Request,
) -> Page[PaymentView]:
    """Newest first; a customer, and an integration, sees those of its own orders.

    `status` is computed for each payment that the other filters let through, so that a page may
    hold fewer than `limit` while `next` goes on.
    """
    found = search_payments(
        caller.reach, order_id=query.order_id, provider_reference=query.provider_reference
    )
    build = partial(payment_view, caller=caller)
    listed = Listed(PaymentRead, PaymentRead.id, PARTS_SIZE, "PaymentView", build)
    windows = [query.created(PaymentRead.created_at)]
    words: Words = {"status": query.status} if query.status else {}
    items, last = await worded_page(
        db, listed, found, windows, words, after=query.after, limit=query.limit
    )
    return Page[PaymentView].of(items, request.url.path, query, last)


@router.get("/{payment_id}", responses=problems(*READ, NotFound))
async def show(
    payment_id: Annotated[UUID, by_id("payment")],
    caller: Annotated[Caller, require("payments:read")],
    db: Db,
) -> PaymentView:
    """One payment with its ledger."""
    return payment_view(await get_payment(db, payment_id, caller.reach), caller)


@dataclass(frozen=True)
class Hands:
    """Writes what finance asks for by hand, and has the order's run hear of it."""

    books: Books
    notifier: Notifier

    async def __call__(
        self,
        payment_id: UUID,
        verb: str,
        caller: Caller,
        key: str,
        body: MoveByHand,
        ask: Callable[[AsyncConnection, UUID], Awaitable[None]],
    ) -> Response:
        """Ask once per key, and answer with the payment after it."""

        async def write(db: AsyncConnection, request_id: UUID) -> PaymentView:
            await ask(db, request_id)
            return payment_view(await get_payment(db, payment_id, caller.reach), caller)

        route = f"POST /payments/{payment_id}/{verb}"
        done = await idempotent_change(self.books, caller, key, route, body, write)
        self.notifier.notify()
        return keyed_response(done)


@router.post(
    "/{payment_id}/capture",
    response_model=PaymentView,
    responses=problems(
        *READ, *BODY, *KEYED, NotFound, IllegalMove, AmountExceeded, CurrencyMismatch
    ),
)
async def capture(
    payment_id: Annotated[UUID, by_id("payment")],
    body: CapturePayment,
    caller: Annotated[Caller, require("payments:capture")],
    key: RequiredKey,
    hands: Annotated[Hands, Depends()],
) -> Response:
    """Take reserved money by hand; later hand-overs take that much less.

    The answer shows it `in_flight`; the payment's entries say how it ended.
    """

    async def ask(db: AsyncConnection, request_id: UUID) -> None:
        actor, reach = caller.subject, caller.reach
        await capture_by_hand(db, payment_id, request_id, body, actor=actor, reach=reach)

    return await hands(payment_id, "capture", caller, key, body, ask)


@router.post(
    "/{payment_id}/void",
    response_model=PaymentView,
    responses=problems(*READ, *BODY, *KEYED, NotFound, AmountExceeded, CurrencyMismatch),
)
async def void(
    payment_id: Annotated[UUID, by_id("payment")],
    body: VoidPayment,
    caller: Annotated[Caller, require("payments:void")],
    key: RequiredKey,
    hands: Annotated[Hands, Depends()],
) -> Response:
    """Let reserved money go by hand; what goods that are to be sent still need only if told so.

    The answer shows it `in_flight`; the payment's entries say how it ended.
    """

    async def ask(db: AsyncConnection, request_id: UUID) -> None:
        actor, reach = caller.subject, caller.reach
        await void_by_hand(db, payment_id, request_id, body, actor=actor, reach=reach)

    return await hands(payment_id, "void", caller, key, body, ask)


@router.post(
    "/{payment_id}/receipts",
    status_code=201,
    response_model=PaymentView,
    responses=LOCATED | problems(*READ, *KEYED, *BODY, NotFound, IllegalMove, AlreadyExists),
)
async def receive(
    payment_id: Annotated[UUID, by_id("payment")],
    body: RecordReceipt,
    caller: Annotated[Caller, require("payments:receive")],
    key: RequiredKey,
    books: Books,
    notifier: Notifier,
) -> Response:
    """Record money that came by bank transfer, or for an order on terms.

    Once per reference, whatever the key.
    """

    async def write(db: AsyncConnection, _: UUID) -> PaymentView:
        await record_receipt(db, payment_id, body, actor=caller.subject, reach=caller.reach)
        return payment_view(await get_payment(db, payment_id, caller.reach), caller)

    route = f"POST /payments/{payment_id}/receipts"
    made = await idempotent_create(books, caller, key, route, body, write)
    notifier.notify()
    return keyed_response(made, f"/payments/{payment_id}")
