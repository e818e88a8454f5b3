"""How an order is written: its row, its parts, and what follows from them, as its view has them."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import chain
from typing import Any

from pydantic import TypeAdapter

from activities.orders.rows import Submission
from api.answers import json_bytes
from db.orders.accept import OrderRows
from db.orders.reads import MOST_SHIPMENTS
from domain.access import Caller
from domain.addresses import Address
from domain.disclosure import disclose, disclose_reason
from domain.orders.status import (
    LineCounters,
    OrderReturnStatus,
    OrderStatus,
    billable,
    fulfillment_status,
    return_status,
)
from domain.orders.terms import due_on, on_terms
from domain.payments import Entry, PaymentAmounts, add_up, payment_status
from domain.shipments.packing import MOST_PARCELS
from domain.shipments.status import ShipmentStatus

NEWEST = 10
"""So many of the attempts to pay an order are shown with it."""


def order_json(row: Mapping[str, Any], caller: Caller | None = None) -> dict[str, Any]:
    """Arrange an order's row, with its parts as JSON lists, as an `OrderView` is written.

    With a caller only what that one may see. Not validated: that costs a read more than all else
    here, and the rows were checked when they were stored.
    """
    currency = row["currency"]
    lines, payments = row["lines"], row["payments"]
    counters = _COUNTERS.validate_python([_picked(line, _COUNTED) for line in lines])
    ledgers = [
        _LEDGER.validate_python([_picked(entry, _ENTRY) for entry in payment["entries"]])
        for payment in payments
    ]
    amounts = [add_up(ledger) for ledger in ledgers]
    # Most orders have one payment, which is then the sum of all.
    paid = amounts[0] if len(amounts) == 1 else add_up(chain.from_iterable(ledgers))
    booked = any(ship["status"] not in _NOT_BOOKED for ship in row["shipments"])
    shipping = row["shipping_amount"] + row["shipping_tax_amount"]
    # In the order of the view's own fields, so that every answer has the same one.
    order = {
        **_picked(row, _HEAD),
        "fulfillment_status": fulfillment_status(counters, booked=booked),
        "payment_status": on_terms(
            row["payment_method"],
            payment_status(
                row["total_amount"], billable(counters, shipping) - row["credited_amount"], paid
            ),
        ),
        "return_status": _return_status(lines),
        "on_hold": bool(row["holds"]),
        "backordered": sum(line["backordered"] for line in lines),
        "cancel_pending": row["status"] != OrderStatus.CANCELLED
        and (row["cancel_requested_at"] or row["line_cancellations"]) is not None,
        "currency": currency,
        **{name: {"amount": row[column], "currency": currency} for name, column in _ORDER_AMOUNTS},
        "lines": [_line(line, currency) for line in lines],
        "ship_to": _address(row["ship_to"]),
        "bill_to": _address(row["bill_to"]),
        "shipping_service": row["shipping_service"],
        "shortage_policy": row["shortage_policy"],
        "ship_complete": row["ship_complete"],
        "priority": row["priority"],
        "promised_on": row["promised_on"],
        "notes": row["notes"],
        "payment_method": row["payment_method"],
        "capture_on": row["capture_on"],
        "terms_days": row["terms_days"],
        "due_on": due_on(row["confirmed_at"], row["terms_days"]),
        "credited": {"amount": row["credited_amount"], "currency": currency},
        "holds": [
            {**_picked(hold, _HOLD), "placed_at": datetime.fromisoformat(hold["placed_at"])}
            for hold in row["holds"]
        ],
        "shipments": [_shipment(each) for each in row["shipments"][-MOST_SHIPMENTS:]],
        "more_shipments": len(row["shipments"]) > MOST_SHIPMENTS,
        "payments": [
            _payment(payment, each, currency)
            for payment, each in zip(payments[-NEWEST:], amounts[-NEWEST:], strict=True)
        ],
        # The database keeps the keys in an order of its own.
        "metadata": dict(sorted(row["metadata"].items())),
        **_picked(row, _TAIL),
        "cancel_reason": disclose_reason(row["cancel_reason"], caller),
        "updated_at": row["updated_at"],
        "version": row["version"],
    }
    return disclose("order", order, caller)


def fresh_order_json(rows: OrderRows, submission: Submission) -> str:
    """Write an order that is being accepted exactly as a later read of its rows does."""
    row = {
        **rows.order,
        **_NOT_YET,
        "lines": [
            {**line, **_UNTOUCHED, "backordered": _backordered(line, rows)} for line in rows.lines
        ],
        "payments": [{**payment, "entries": ()} for payment in rows.payments],
    }
    return json_bytes(order_json(row, submission.caller)).decode()


def _backordered(line: Mapping[str, Any], rows: OrderRows) -> int:
    if line["short_since"] is None:
        return 0
    held = (each["quantity"] for each in rows.reservations if each["line_id"] == line["id"])
    return int(line["quantity"] - sum(held))


# What the database fills in: what a row begins with, and the parts that no fresh order has.
_UNTOUCHED = dict.fromkeys(
    (
        "cancelled",
        "shipped",
        "delivered",
        "written_off",
        "coming_back",
        "returned",
        "undelivered",
    ),
    0,
)
_NOT_YET: Mapping[str, Any] = {
    **dict.fromkeys(("holds", "shipments"), ()),
    **dict.fromkeys(("cancel_requested_at", "confirmed_at", "completed_at", "cancelled_at")),
    "cancel_reason": None,
    "line_cancellations": None,
    "notes": "",
    "credited_amount": 0,
    "version": 1,
}

_NOT_BOOKED = frozenset({ShipmentStatus.PENDING, ShipmentStatus.CANCELLED, ShipmentStatus.VOIDED})
_COUNTERS = TypeAdapter(list[LineCounters])
_LEDGER = TypeAdapter(list[Entry])
_UNITS = ("quantity", "cancelled", "shipped", "delivered", "written_off")
_HEAD = (
    "id",
    "number",
    "customer_id",
    "kind",
    "replaces_return_id",
    "replaces_shipment_id",
    "source",
    "external_reference",
    "status",
)
_TAIL = ("placed_at", "payment_due_at", "confirmed_at", "completed_at", "cancelled_at")
_ORDER_AMOUNTS = [
    (name, f"{name}_amount")
    for name in ("subtotal", "discount", "shipping", "shipping_tax", "tax", "total")
]
_COUNTED = (*_UNITS, "total_amount")
_ENTRY = ("kind", "phase", "key", "amount")
_HOLD = ("id", "reason", "note", "placed_by")
_SHIPMENT = ("id", "number", "status", "carrier", "exception_reason")
_ADDRESS = tuple(Address.model_fields)


def _picked(row: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: row[name] for name in names}


def _money(amount: int, currency: str) -> dict[str, Any]:
    return {"amount": amount, "currency": currency}


def _address(place: Mapping[str, Any]) -> dict[str, Any]:
    return {name: place.get(name, "") for name in _ADDRESS}


def _shipment(shipment: Mapping[str, Any]) -> dict[str, Any]:
    numbers = shipment["tracking_numbers"]
    return {
        **_picked(shipment, _SHIPMENT),
        "tracking_numbers": numbers[:MOST_PARCELS],
        "more_parcels": len(numbers) > MOST_PARCELS,
    }


def _line(line: Mapping[str, Any], currency: str) -> dict[str, Any]:
    return {
        "id": line["id"],
        "item_id": line["item_id"],
        "sku": line["sku"],
        "name": line["name"],
        "quantity": line["quantity"],
        "unit_price": {"amount": line["unit_price_amount"], "currency": currency},
        "discount": {"amount": line["discount_amount"], "currency": currency},
        "tax_rate": line["tax_rate"],
        "tax": {"amount": line["tax_amount"], "currency": currency},
        "total": {"amount": line["total_amount"], "currency": currency},
        "cancelled": line["cancelled"],
        "shipped": line["shipped"],
        "delivered": line["delivered"],
        "written_off": line["written_off"],
        "coming_back": line["coming_back"],
        "returned": line["returned"],
        "backordered": line["backordered"],
    }


def _return_status(lines: Iterable[Mapping[str, Any]]) -> OrderReturnStatus:
    sold = coming_back = returned = 0
    for line in lines:
        gone = line["written_off"] - line["undelivered"]
        sold += line["quantity"] - line["cancelled"] - gone
        coming_back += line["coming_back"]
        returned += line["returned"]
    return return_status(sold, coming_back, returned)


def _payment(payment: Mapping[str, Any], paid: PaymentAmounts, currency: str) -> dict[str, Any]:
    failures = [entry["failure_code"] for entry in payment["entries"] if entry["failure_code"]]
    return {
        "id": payment["id"],
        "provider": payment["provider"],
        "method": payment["method"],
        "amount": _money(payment["amount"], currency),
        "authorized": _money(max(0, paid.authorized), currency),
        "captured": _money(paid.captured, currency),
        "refunded": _money(paid.refunded, currency),
        "charged_back": _money(paid.charged_back, currency),
        "failure_code": failures[-1] if failures else None,
    }
