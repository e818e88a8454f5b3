"""The rows of an accepted order, and the answer that its caller gets."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from api.orders.views import OrderView
from db.orders.accept import OrderRows
from domain.ids import CustomerId, ItemId, derived_id, new_id
from domain.inventory import Pick, Shelf, assign
from domain.money import Money
from domain.orders.placing import PlaceOrder, PricedOrder
from domain.orders.status import OrderStatus


@dataclass(frozen=True)
class Submission:
    """One caller's request to place an order, with its place in the callers' idempotency record."""

    order: PlaceOrder
    actor: str
    caller: str
    key: str
    fingerprint: str
    may_set_prices: bool
    only_customer: CustomerId | None
    trace: str = ""
    """The request's ``traceparent``; the order's run goes on with it."""


def rows_of(
    order_id: UUID,
    number: str,
    submission: Submission,
    priced: PricedOrder,
    plan: Sequence[Pick],
    shelves: Sequence[Shelf],
    now: datetime,
    due: datetime,
) -> OrderRows:
    """Build all rows of an accepted order."""
    order = submission.order
    ship_to = order.ship_to.model_dump()
    line_ids = [derived_id(order_id, f"line/{position}") for position in range(len(priced.lines))]
    correlation = f"order-fulfillment/{order_id}"
    money = priced.model_dump(include=_ORDER_AMOUNTS)
    return OrderRows.model_construct(
        order={
            "id": order_id,
            "number": number,
            "customer_id": order.customer_id,
            "source": order.source,
            "external_reference": order.external_reference,
            "status": OrderStatus.PENDING,
            "currency": priced.currency,
            "payment_method": order.payment.method if priced.total_amount else "none",
            "shipping_service": order.shipping_service,
            "ship_to": ship_to,
            "bill_to": order.bill_to.model_dump() if order.bill_to else ship_to,
            **money,
            "placed_at": now,
            "payment_due_at": due,
        },
        lines=[
            {
                "id": line_id,
                "order_id": order_id,
                "position": position,
                **line.model_dump(),
                "tax_rate": str(line.tax_rate),
            }
            for position, (line_id, line) in enumerate(zip(line_ids, priced.lines, strict=True))
        ],
        reservations=[
            {
                "id": derived_id(line_ids[position], f"reservation/{pick.location_id}"),
                "item_id": pick.item_id,
                "location_id": pick.location_id,
                "quantity": pick.quantity,
                "document_type": "order",
                "document_id": order_id,
                "line_id": line_ids[position],
                "status": "active",
            }
            for position, pick in assign(
                [(i, line.item_id, line.quantity) for i, line in enumerate(priced.lines)], plan
            )
        ],
        payments=_payments(order_id, submission, priced),
        events=[
            {
                "id": new_id(),
                "type": f"{kind}.v1",
                "subject": number,
                "subject_id": order_id,
                "sequence": sequence,
                "actor": submission.actor,
                "correlation_id": correlation,
                "data": data,
            }
            for sequence, (kind, data) in enumerate(
                (
                    ("order.placed", _placed(submission, priced)),
                    ("order.stock_reserved", _reserved(priced, plan, shelves)),
                ),
                start=1,
            )
        ],
        start={
            "kind": "start",
            "workflow": "OrderFulfillment",
            "document_id": order_id,
            "payload": {
                "number": number,
                "customer_id": order.customer_id,
                "summary": _summary(number, priced),
                "trace": submission.trace,
                "details": f"What it waits for: `GET /orders/{order_id}/process`",
            },
        },
    )


_ORDER_AMOUNTS = {
    "subtotal_amount",
    "discount_amount",
    "shipping_amount",
    "shipping_tax_amount",
    "tax_amount",
    "total_amount",
}


def _payments(order_id: UUID, submission: Submission, priced: PricedOrder) -> list[dict[str, Any]]:
    payment = submission.order.payment
    if not payment.token or not priced.total_amount:
        return []
    return [
        {
            "id": derived_id(order_id, "payment/1"),
            "order_id": order_id,
            "provider": "sandbox",
            "method": payment.method,
            "amount": priced.total_amount,
            "currency": priced.currency,
            "token": payment.token,
            "created_by": submission.actor,
        }
    ]


def _summary(number: str, priced: PricedOrder) -> str:
    units = sum(line.quantity for line in priced.lines)
    total = Money(amount=priced.total_amount, currency=priced.currency)
    return f"{number}: {units} units, {total}"


def _placed(submission: Submission, priced: PricedOrder) -> dict[str, Any]:
    return {
        "to": OrderStatus.PENDING,
        "total": {"amount": priced.total_amount, "currency": priced.currency},
        "prices_set_by_caller": submission.may_set_prices
        and (
            submission.order.prices_given
            or any(line.unit_price is not None for line in submission.order.lines)
        ),
    }


def _reserved(
    priced: PricedOrder, plan: Sequence[Pick], shelves: Sequence[Shelf]
) -> dict[str, Any]:
    """Keep the plan and what was on offer, so that "why there?" has an answer."""
    wanted: set[ItemId] = set(priced.demand)
    return {
        "plan": [pick.model_dump(mode="json") for pick in plan],
        "candidates": [
            {"site": shelf.site_code, "sku": shelf.sku, "available": shelf.available}
            for shelf in shelves
            if shelf.item_id in wanted
        ],
    }


def answer_of(rows: OrderRows) -> str:
    """Render the fresh order exactly as a later read of its rows would."""
    fresh = dict.fromkeys(
        ["confirmed_at", "completed_at", "cancelled_at", "cancel_reason", "cancel_requested_at"]
    )
    zero = dict.fromkeys(
        ["cancelled", "shipped", "delivered", "written_off", "captured_amount", "refunded_amount"],
        0,
    )
    row: dict[str, Any] = {
        **fresh,
        **rows.order,
        "version": 1,
        "lines": [{**line, **zero} for line in rows.lines],
        "holds": [],
        "shipments": [],
        "payments": [{**payment, "entries": []} for payment in rows.payments],
    }
    return OrderView.from_parts(row).model_dump_json()
