"""The answer to an accepted order, which a repeat under the same key gets again."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from domain.orders.status import FulfillmentStatus
from domain.payments import PaymentStatus


def answer_of(
    order: Mapping[str, Any],
    lines: Sequence[Mapping[str, Any]],
    payments: Sequence[Mapping[str, Any]],
) -> str:
    """Write the fresh order exactly as a later read of its rows does, as an `OrderView`."""
    currency = order["currency"]

    def money(amount: int) -> dict[str, Any]:
        return {"amount": amount, "currency": currency}

    nothing = money(0)
    fresh = {
        "id": order["id"],
        "number": order["number"],
        "customer_id": order["customer_id"],
        "source": order["source"],
        "external_reference": order["external_reference"],
        "status": order["status"],
        "fulfillment_status": FulfillmentStatus.UNFULFILLED,
        "payment_status": PaymentStatus.UNPAID
        if order["total_amount"]
        else PaymentStatus.NOT_REQUIRED,
        "on_hold": False,
        "cancel_pending": False,
        "currency": currency,
        "subtotal": money(order["subtotal_amount"]),
        "discount": money(order["discount_amount"]),
        "shipping": money(order["shipping_amount"]),
        "shipping_tax": money(order["shipping_tax_amount"]),
        "tax": money(order["tax_amount"]),
        "total": money(order["total_amount"]),
        "lines": [
            {
                "id": line["id"],
                "item_id": line["item_id"],
                "sku": line["sku"],
                "name": line["name"],
                "quantity": line["quantity"],
                "unit_price": money(line["unit_price_amount"]),
                "discount": money(line["discount_amount"]),
                "tax_rate": line["tax_rate"],
                "tax": money(line["tax_amount"]),
                "total": money(line["total_amount"]),
                "cancelled": 0,
                "shipped": 0,
                "delivered": 0,
                "written_off": 0,
            }
            for line in lines
        ],
        "ship_to": order["ship_to"],
        "bill_to": order["bill_to"],
        "shipping_service": order["shipping_service"],
        "payment_method": order["payment_method"],
        "holds": (),
        "shipments": (),
        "payments": [
            {
                "id": payment["id"],
                "provider": payment["provider"],
                "method": payment["method"],
                "amount": money(payment["amount"]),
                "authorized": nothing,
                "captured": nothing,
                "refunded": nothing,
                "failure_code": None,
            }
            for payment in payments
        ],
        "placed_at": order["placed_at"],
        "payment_due_at": order["payment_due_at"],
        "confirmed_at": None,
        "completed_at": None,
        "cancelled_at": None,
        "cancel_reason": None,
        "version": 1,
    }
    return orjson.dumps(fresh, option=orjson.OPT_UTC_Z).decode()
