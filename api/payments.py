"""HTTP for payments: each attempt to pay an order, and what became of its money."""

from datetime import datetime
from functools import partial
from typing import Annotated
from uuid import UUID

import fastapi
from fastapi import APIRouter, Request
from pydantic import Field

from api.deps import Db, require
from api.fields import (
    Actor,
    Authorized,
    Captured,
    ChargedBack,
    CreatedAt,
    Method,
    OrderRef,
    OwnId,
    Provider,
    Refunded,
    ToPay,
    by_id,
)
from api.pages import DatedQuery, Page
from api.problems import READ, problems
from api.rows import last_id, money, shown, view
from db.pages import get_page
from db.reads.payments import PARTS_SIZE, PaymentRead, get_payment, search_payments
from domain.access import Caller
from domain.cards import NextAction
from domain.disclosure import disclose_actor
from domain.errors import NotFound
from domain.ids import PaymentId, RefundId, ShipmentId
from domain.money import Money
from domain.orders.requests import payment_due
from domain.orders.status import RUNNING, OrderStatus
from domain.payments import Entry, EntryKind, EntrySource, Phase, add_up, own_keys
from domain.value import Value

router = APIRouter(prefix="/payments", tags=["payments"])


class EntryView(Value):
    """One line of a payment's ledger."""

    id: OwnId[UUID]
    kind: EntryKind
    """What it does with money."""
    phase: Phase
    """How far the provider was with it."""
    source: EntrySource
    """Whose doing it is."""
    key: str
    """The same in all entries of one movement of money: its idempotency key at the provider."""
    amount: Money
    """What moves by it."""
    provider_reference: str | None
    """What the provider calls it; null where it has not said."""
    shipment_id: ShipmentId | None
    """The shipment for whose goods it is; null where it is for no single one."""
    refund_id: RefundId | None
    """The refund that it carries out; null where that is part of a shipment's end."""
    failure_code: str
    """Why it failed, in the provider's word; empty unless it did."""
    failure_message: str
    """Why it failed, in a sentence of the provider's; empty unless it said one."""
    recorded_at: datetime
    """When we knew of it, in UTC (RFC 3339)."""


class PaymentView(Value):
    """One attempt of a customer to pay an order."""

    id: OwnId[PaymentId]
    order_id: OrderRef
    provider: Provider
    method: Method
    amount: ToPay
    authorized: Authorized
    captured: Captured
    refunded: Refunded
    charged_back: ChargedBack
    authorization_expires_at: datetime | None
    """Until when the provider keeps the money reserved; null where it has not said."""
    in_flight: Money
    """What the provider was asked for and has not answered yet, of any kind."""
    action_required: bool = Field(description="Whether the buyer has to confirm it at the bank.")
    next_action: NextAction | None = Field(
        description="What the buyer has to do, while that is open; null otherwise."
    )
    """Whether the customer has to confirm it at the bank first."""
    failed: bool
    """Whether the newest movement of money failed."""
    entries: tuple[EntryView, ...]
    """Its ledger, oldest first; the amounts above are computed from it."""
    created_by: Actor
    created_at: CreatedAt
    updated_at: datetime = Field(
        description="When its newest entry was recorded, or it was created; in UTC (RFC 3339)."
    )


class PaymentQuery(DatedQuery):
    """Which payments."""

    order_id: UUID | None = None
    """Those of this order."""


@router.get("", responses=problems(*READ))
async def search(
    query: Annotated[PaymentQuery, fastapi.Query()],
    caller: Annotated[Caller, require("payments:read")],
    db: Db,
    request: Request,
) -> Page[PaymentView]:
    """Newest first; a customer, and an integration, sees those of its own orders."""
    found = search_payments(caller.reach, order_id=query.order_id)
    rows, more = await get_page(
        db,
        PaymentRead,
        found,
        PaymentRead.id,
        after=query.after,
        limit=query.limit,
        windows=[query.created(PaymentRead.created_at)],
        parts=PARTS_SIZE,
    )
    views = shown("PaymentView", partial(_view, caller=caller), rows)
    return Page[PaymentView].of(views, request.url.path, query, last_id(rows, more))


@router.get("/{payment_id}", responses=problems(*READ, NotFound))
async def show(
    payment_id: Annotated[UUID, by_id("payment")],
    caller: Annotated[Caller, require("payments:read")],
    db: Db,
) -> PaymentView:
    """One payment with its ledger."""
    return _view(await get_payment(db, payment_id, caller.reach), caller)


def _view(row: PaymentRead, caller: Caller) -> PaymentView:
    ledger = [
        Entry(kind=entry["kind"], phase=entry["phase"], key=entry["key"], amount=entry["amount"])
        for entry in row.entries
    ]
    recorded = [datetime.fromisoformat(entry["recorded_at"]) for entry in row.entries]
    sums, ours = add_up(ledger), own_keys(ledger)
    sources = {True: EntrySource.MERCHANT, False: EntrySource.PROVIDER}
    return view(
        PaymentView,
        row,
        updated_at=max([row.created_at, *recorded]),
        created_by=disclose_actor(row.created_by, caller),
        amount=money(row.amount, row.currency),
        # A capture above the authorization leaves nothing reserved, not less.
        authorized=money(max(0, sums.authorized), row.currency),
        captured=money(sums.captured, row.currency),
        refunded=money(sums.refunded, row.currency),
        charged_back=money(sums.charged_back, row.currency),
        in_flight=money(sums.in_flight, row.currency),
        action_required=sums.action_required,
        next_action=_next_action(row) if sums.action_required else None,
        failed=sums.failed,
        entries=[
            {
                **entry,
                "amount": money(entry["amount"], row.currency),
                "source": sources[entry["key"] in ours],
            }
            for entry in row.entries
        ],
    )


def _next_action(row: PaymentRead) -> NextAction | None:
    """Return where the buyer confirms an unconfirmed payment, as long as its order waits for it."""
    order = row.waiting
    if row.redirect_url is None or order["cancelling"] or order["status"] not in RUNNING:
        return None
    if order["status"] != OrderStatus.PENDING:
        return NextAction(url=row.redirect_url, expires_at=None)
    due, now = (datetime.fromisoformat(order[name]) for name in ("due_at", "now"))
    held = order["held_since"]
    until = payment_due(due, datetime.fromisoformat(held) if held else None)
    return NextAction(url=row.redirect_url, expires_at=until) if until > now else None
