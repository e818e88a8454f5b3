"""Views of refunds, and of what one would give back."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import Field

from api.fields import WITHHELD, Actor, CreatedAt, Number, OrderRef, OwnId, UpdatedAt, Version
from api.rows import money, view_for
from db.refunds.reads import RefundRead
from domain.access import Caller
from domain.disclosure import disclose_actor
from domain.ids import LineId, OrderId, PaymentId, RefundId, ReturnId, ShipmentId
from domain.money import Money
from domain.refunds.due import Due
from domain.refunds.status import RefundSource, RefundStatus
from domain.value import Value


class RefundLineView(Value):
    """What goes back of one line of the order."""

    order_line_id: LineId
    """The order's line."""
    sku: str
    """The item's name for people."""
    units: int
    """How many units are given back; 0 for an amount alone."""
    amount: Money
    """What goes back for them, before the fee."""
    tax: Money
    """The tax in `amount`."""
    fee: Money
    """What is kept of `amount`."""


class RefundView(Value):
    """Money of one payment on its way back to the customer."""

    id: OwnId[RefundId]
    number: Number
    order_id: OrderRef
    order_number: str
    """The order's name for people."""
    payment_id: PaymentId
    """The payment that gives it."""
    parent_id: RefundId | None
    """The refund that it was asked for with, where no one payment could give all of it."""
    return_id: ReturnId | None
    """The return for whose goods it is; null for other refunds."""
    shipment_id: ShipmentId | None
    """The shipment whose goods never arrived; null for other refunds."""
    status: RefundStatus
    """How far it is; `failed` waits for finance."""
    source: RefundSource
    """What it was asked for by."""
    amount: Money
    """All that goes back: its lines, `shipping` and `goodwill`, less `fee`."""
    shipping: Money
    """What of `amount` is for shipping, with its tax."""
    goodwill: Money
    """What of `amount` is for no goods."""
    fee: Money
    """What is kept of the lines, such as a restocking fee."""
    label_fee: Money
    """What of `fee` is for the label under which the goods of a return came."""
    tax: Money
    """The tax in `amount`."""
    lines: tuple[RefundLineView, ...]
    """What goes back of each line."""
    reason: str | None = Field(description=f"Why it was asked for. {WITHHELD}")
    requested_by: Actor
    approved_by: Actor | None
    """Who let it go; `system` within the limit, null before that."""
    failure_code: str | None = Field(
        description=f"Why it failed, in the provider's word; empty unless it did. {WITHHELD}"
    )
    failure_message: str | None = Field(
        description=f"Why it failed, in a sentence of the provider's. {WITHHELD}"
    )
    cancel_reason: str | None = Field(
        description=f"Why it was given up; empty unless it was. {WITHHELD}"
    )
    created_at: CreatedAt
    succeeded_at: datetime | None
    """When we knew that the money went back, in UTC (RFC 3339)."""
    updated_at: UpdatedAt
    version: Version


class PreviewLineView(Value):
    """What would go back of one line."""

    order_line_id: LineId
    """The order's line."""
    units: int
    """How many delivered units would be given back."""
    amount: Money
    """What would go back for them, before the fee."""
    tax: Money
    """The tax in `amount`."""
    fee: Money
    """What would be kept of `amount`."""


class PreviewPaymentView(Value):
    """What one payment would give of it."""

    payment_id: PaymentId
    """One of the order's."""
    amount: Money
    """What it would give."""


class PreviewView(Value):
    """What a refund would give back, part by part; nothing has moved."""

    order_id: OrderRef
    amount: Money
    """All that would go back, less `fee`."""
    tax: Money
    """The tax in `amount`."""
    fee: Money
    """What would be kept of the lines."""
    shipping: Money
    """What of `amount` is for shipping, with its tax."""
    goodwill: Money
    """What of `amount` is for no goods."""
    lines: tuple[PreviewLineView, ...]
    """What would go back of each line."""
    payments: tuple[PreviewPaymentView, ...]
    """Which payments would give it, the newest capture first; each becomes a refund of its own."""


def refund_view(row: RefundRead, caller: Caller) -> RefundView:
    """Show a refund as the caller may see it."""

    def amount(minor: int) -> dict[str, Any] | None:
        return money(minor, row.currency)

    lines = [
        {
            "order_line_id": line["order_line_id"],
            "sku": line["sku"],
            "units": line["units"],
            "amount": amount(line["amount"]),
            "tax": amount(line["tax_amount"]),
            "fee": amount(line["fee_amount"]),
        }
        for line in row.lines
    ]
    return view_for(
        caller,
        "refund",
        RefundView,
        row,
        amount=amount(row.amount),
        shipping=amount(row.shipping_amount),
        goodwill=amount(row.goodwill_amount),
        fee=amount(row.fee_amount),
        label_fee=amount(row.label_fee_amount),
        tax=amount(row.tax_amount),
        lines=lines,
        requested_by=disclose_actor(row.requested_by, caller),
        approved_by=row.approved_by and disclose_actor(row.approved_by, caller),
    )


def preview_view(
    order_id: OrderId, currency: str, due: Due, tenders: list[tuple[UUID, Due]]
) -> PreviewView:
    """Show what would go back."""

    def amount(minor: int) -> Money:
        return Money(amount=minor, currency=currency)

    return PreviewView(
        order_id=order_id,
        amount=amount(due.amount),
        tax=amount(due.tax),
        fee=amount(due.fee),
        shipping=amount(due.shipping),
        goodwill=amount(due.goodwill),
        lines=tuple(
            PreviewLineView(
                order_line_id=LineId(line.line_id),
                units=line.units,
                amount=amount(line.amount),
                tax=amount(line.tax),
                fee=amount(line.fee),
            )
            for line in due.lines
        ),
        payments=tuple(
            PreviewPaymentView(payment_id=PaymentId(payment), amount=amount(part.amount))
            for payment, part in tenders
        ),
    )
