"""HTTP for payments: each attempt to pay an order, and what became of its money."""

from datetime import datetime
from functools import partial
from typing import Annotated
from uuid import UUID

import fastapi
from fastapi import APIRouter, Request
from pydantic import Field

from api.deps import Db, require
from api.pages import DatedQuery, Page
from api.problems import READ, problems
from api.rows import last_id, money, shown, view
from db.pages import get_page
from db.reads.payments import PARTS_SIZE, PaymentRead, get_payment, search_payments
from domain.access import Caller
from domain.disclosure import disclose_actor
from domain.errors import NotFound
from domain.ids import OrderId, PaymentId, ShipmentId
from domain.money import Money
from domain.payments import Entry, EntryKind, EntrySource, Phase, add_up, own_keys
from domain.value import Value

router = APIRouter(prefix="/payments", tags=["payments"])


class EntryView(Value):
    """One line of a payment's ledger."""

    id: UUID
    kind: EntryKind
    phase: Phase
    source: EntrySource
    key: str
    amount: Money
    provider_reference: str | None
    shipment_id: ShipmentId | None
    failure_code: str
    failure_message: str
    recorded_at: datetime


class PaymentView(Value):
    """One attempt of a customer to pay an order."""

    id: PaymentId
    order_id: OrderId
    provider: str
    method: str
    amount: Money
    authorized: Money
    captured: Money
    refunded: Money
    charged_back: Money
    authorization_expires_at: datetime | None
    in_flight: Money
    action_required: bool
    failed: bool
    entries: tuple[EntryView, ...]
    created_by: str
    created_at: datetime
    updated_at: datetime = Field(
        description="When its newest entry was recorded, or it was created; in UTC (RFC 3339)."
    )


class PaymentQuery(DatedQuery):
    """Which payments."""

    order_id: UUID | None = None


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
    payment_id: UUID, caller: Annotated[Caller, require("payments:read")], db: Db
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
