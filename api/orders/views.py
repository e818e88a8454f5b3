"""An order as callers see it: its row, its parts, and what follows from them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Self
from uuid import UUID

from sqlalchemy import Row

from domain.addresses import Address
from domain.ids import CustomerId, ItemId, LineId, OrderId, PaymentId, ShipmentId
from domain.money import Money
from domain.orders.status import (
    CancelReason,
    FulfillmentStatus,
    HoldReason,
    LineCounters,
    OrderStatus,
    billable,
    fulfillment_status,
)
from domain.payments import Entry, PaymentStatus, add_up, payment_status
from domain.shipments.status import ShipmentStatus
from domain.value import Value


class LineView(Value):
    """One line, with counters of what happened to its units."""

    id: LineId
    item_id: ItemId
    sku: str
    name: str
    quantity: int
    unit_price: Money
    discount: Money
    tax_rate: Decimal
    tax: Money
    total: Money
    cancelled: int
    shipped: int
    delivered: int
    written_off: int


class HoldView(Value):
    """An open reason to stop."""

    id: UUID
    reason: HoldReason
    note: str
    placed_by: str
    placed_at: datetime


class ShipmentSummary(Value):
    """A shipment of the order; more at /shipments/{id}."""

    id: ShipmentId
    number: str
    status: ShipmentStatus
    carrier: str
    exception_reason: str | None
    tracking_numbers: tuple[str, ...]


class PaymentSummary(Value):
    """An attempt to pay; more at /payments/{id}."""

    id: PaymentId
    provider: str
    method: str
    amount: Money
    authorized: Money
    captured: Money
    refunded: Money
    failure_code: str | None


class OrderView(Value):
    """An order."""

    id: OrderId
    number: str
    customer_id: CustomerId
    source: str
    external_reference: str | None
    status: OrderStatus
    fulfillment_status: FulfillmentStatus
    payment_status: PaymentStatus
    on_hold: bool
    cancel_pending: bool
    currency: str
    subtotal: Money
    discount: Money
    shipping: Money
    shipping_tax: Money
    tax: Money
    total: Money
    lines: tuple[LineView, ...]
    ship_to: Address
    bill_to: Address
    shipping_service: str
    payment_method: str
    holds: tuple[HoldView, ...]
    shipments: tuple[ShipmentSummary, ...]
    payments: tuple[PaymentSummary, ...]
    placed_at: datetime
    payment_due_at: datetime
    confirmed_at: datetime | None
    completed_at: datetime | None
    cancelled_at: datetime | None
    cancel_reason: CancelReason | None
    version: int

    @classmethod
    def of(cls, row: Row[Any]) -> Self:
        """Build the view from an order's row as the reads return it."""
        return cls.from_parts(dict(row._mapping))

    @classmethod
    def from_parts(cls, row: Mapping[str, Any]) -> Self:
        """Build the view from an order's row with its parts as JSON lists."""
        currency = row["currency"]
        counters = [LineCounters.model_validate(_picked(line, _COUNTED)) for line in row["lines"]]
        ledgers = [
            [Entry.model_validate(_picked(entry, _ENTRY)) for entry in payment["entries"]]
            for payment in row["payments"]
        ]
        paid = add_up([entry for ledger in ledgers for entry in ledger])
        booked = any(ship["status"] not in _NOT_BOOKED for ship in row["shipments"])
        shipping = row["shipping_amount"] + row["shipping_tax_amount"]
        return cls.model_validate(
            {
                **_picked(row, _PLAIN),
                **_monies(row, _ORDER_AMOUNTS, currency),
                "fulfillment_status": fulfillment_status(counters, booked=booked),
                "payment_status": payment_status(
                    row["total_amount"], billable(counters, shipping), paid
                ),
                "on_hold": bool(row["holds"]),
                "cancel_pending": row["cancel_requested_at"] is not None
                and row["status"] != OrderStatus.CANCELLED,
                "lines": [
                    {**_picked(line, _LINE), **_monies(line, _LINE_AMOUNTS, currency)}
                    for line in row["lines"]
                ],
                "payments": [
                    _payment(payment, ledger, currency)
                    for payment, ledger in zip(row["payments"], ledgers, strict=True)
                ],
            }
        )


class EventView(Value):
    """Something that happened to a document, with the attribute names of CloudEvents."""

    id: UUID
    type: str
    subject: str
    sequence: int
    time: datetime
    actor: str
    correlation_id: str
    data: dict[str, Any]


_NOT_BOOKED = frozenset({ShipmentStatus.PENDING, ShipmentStatus.CANCELLED, ShipmentStatus.VOIDED})
_UNITS = ("quantity", "cancelled", "shipped", "delivered", "written_off")
_PLAIN = tuple(
    """id number customer_id source external_reference status currency ship_to bill_to
    shipping_service payment_method holds shipments placed_at payment_due_at confirmed_at
    completed_at cancelled_at cancel_reason version""".split()
)
_ORDER_AMOUNTS = ("subtotal", "discount", "shipping", "shipping_tax", "tax", "total")
_LINE = ("id", "item_id", "sku", "name", "tax_rate", *_UNITS)
_LINE_AMOUNTS = ("unit_price", "discount", "tax", "total")
_COUNTED = (*_UNITS, "total_amount")
_ENTRY = ("kind", "phase", "key", "amount")


def _picked(row: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    return {name: row[name] for name in names}


def _monies(row: Mapping[str, Any], names: Sequence[str], currency: str) -> dict[str, Any]:
    return {name: {"amount": row[f"{name}_amount"], "currency": currency} for name in names}


def _payment(payment: Mapping[str, Any], ledger: Sequence[Entry], currency: str) -> dict[str, Any]:
    paid = add_up(ledger)
    failures = [entry["failure_code"] for entry in payment["entries"] if entry["failure_code"]]
    amounts = {
        "amount": payment["amount"],
        "authorized": max(0, paid.authorized),
        "captured": paid.captured,
        "refunded": paid.refunded,
    }
    return {
        **_picked(payment, ("id", "provider", "method")),
        **{name: {"amount": value, "currency": currency} for name, value in amounts.items()},
        "failure_code": failures[-1] if failures else None,
    }
