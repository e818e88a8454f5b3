"""A payment as callers see it: its ledger, and what that adds up to."""

from datetime import date, datetime
from uuid import UUID

from pydantic import Field

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
)
from api.rows import money, view
from db.reads.payments import PaymentRead
from domain.access import Caller
from domain.cards import NextAction
from domain.disclosure import disclose_actor
from domain.ids import PaymentId, RefundId, ShipmentId
from domain.money import Money
from domain.orders.requests import payment_due
from domain.orders.status import RUNNING, OrderStatus
from domain.payment_state import PaymentState, payment_state
from domain.payments import (
    Entry,
    EntryKind,
    EntrySource,
    Phase,
    add_up,
    own_keys,
)
from domain.value import Value


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
    received_on: date | None
    """The day on which money came that no provider tells us of; null for other entries."""
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
    status: PaymentState
    """How its money stands, by its entries."""
    amount: ToPay
    authorized: Authorized
    captured: Captured
    refunded: Refunded
    charged_back: ChargedBack
    provider_reference: str | None
    """What the provider calls its authorization; null before there is one."""
    renews: PaymentId | None = Field(
        description="The payment whose authorization it renews, by the same card; null for others."
    )
    authorization_expires_at: datetime | None
    """Until when the provider keeps the money reserved; null where it has not said."""
    in_flight: Money
    """What the provider was asked for and has not answered yet, of any kind."""
    action_required: bool
    """Whether the customer has to confirm it at the bank first."""
    next_action: NextAction | None = Field(
        description="What the customer has to do, while that is open; null otherwise."
    )
    failed: bool
    """Whether the newest movement of money failed."""
    entries: tuple[EntryView, ...]
    """Its ledger, oldest first; the amounts above are computed from it."""
    created_by: Actor
    created_at: CreatedAt
    updated_at: datetime = Field(
        description="When its newest entry was recorded, or it was created; in UTC (RFC 3339)."
    )


def payment_view(row: PaymentRead, caller: Caller) -> PaymentView:
    """Return a payment as a caller sees it."""
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
        status=payment_state(row.amount, ledger),
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
