"""The rows of an accepted order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from api.answers import as_json
from api.orders.views import laid_out
from db.orders.accept import OrderRows
from db.outbox import start_of
from domain.documents import Document, Kind, correlation_id
from domain.ids import CustomerId, new_id
from domain.inventory import Pick, Shelf, assign
from domain.orders.placing import PlaceOrder, PricedOrder
from domain.orders.status import OrderStatus
from gateways.partners import PROVIDER


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
    now: datetime,
    due: datetime,
    route: str,
) -> OrderRows:
    """Build all rows of an accepted order but those that `promise` adds."""
    order = submission.order
    ship_to = order.ship_to.model_dump()
    row = {
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
        "subtotal_amount": priced.subtotal_amount,
        "discount_amount": priced.discount_amount,
        "shipping_amount": priced.shipping_amount,
        "shipping_tax_amount": priced.shipping_tax_amount,
        "tax_amount": priced.tax_amount,
        "total_amount": priced.total_amount,
        "placed_at": now,
        "payment_due_at": due,
    }
    lines = [
        {
            "id": new_id(),
            "order_id": order_id,
            "position": position,
            "item_id": line.item_id,
            "sku": line.sku,
            "name": line.name,
            "quantity": line.quantity,
            "unit_price_amount": line.unit_price_amount,
            "discount_amount": line.discount_amount,
            "tax_rate": str(line.tax_rate),
            "tax_amount": line.tax_amount,
            "total_amount": line.total_amount,
        }
        for position, line in enumerate(priced.lines)
    ]
    payments = _payments(order_id, submission, priced)
    return OrderRows(
        order=row,
        lines=lines,
        payments=payments,
        events=[
            _event(1, "order.placed.v1", order_id, number, submission, _placed(submission, priced))
        ],
        start=start_of(Document(Kind.ORDER, order_id), submission.trace),
        key={
            "caller": submission.caller,
            "key": submission.key,
            "route": route,
            "fingerprint": submission.fingerprint,
            "resource_id": order_id,
            "state": "done",
            "status": 201,
            "answer": _answer(row, lines, payments),
        },
    )


def promise(
    rows: OrderRows, priced: PricedOrder, plan: Sequence[Pick], offered: Sequence[Shelf]
) -> None:
    """Add what follows from where the stock is taken; ``offered`` is what there was to choose."""
    order_id = rows.order["id"]
    wanted = [(i, line.item_id, line.quantity) for i, line in enumerate(priced.lines)]
    rows.reservations.extend(
        {
            "id": new_id(),
            "item_id": pick.item_id,
            "location_id": pick.location_id,
            "quantity": pick.quantity,
            "document_type": "order",
            "document_id": order_id,
            "line_id": rows.lines[position]["id"],
            "status": "active",
        }
        for position, pick in assign(wanted, plan)
    )
    # Keeps the plan and what was on offer, so that "why there?" has an answer.
    reserved = {
        "plan": [
            {
                "item_id": pick.item_id,
                "location_id": pick.location_id,
                "site_id": pick.site_id,
                "quantity": pick.quantity,
            }
            for pick in plan
        ],
        "candidates": [
            {"site": shelf.site_code, "sku": shelf.sku, "available": shelf.available}
            for shelf in offered
        ],
    }
    placed = rows.events[0]
    rows.events.append(
        {
            **placed,
            "id": new_id(),
            "type": "order.stock_reserved.v1",
            "sequence": 2,
            "data": reserved,
        }
    )


def _answer(
    order: Mapping[str, Any], lines: Sequence[Mapping[str, Any]], payments: Sequence[Any]
) -> str:
    """Write the fresh order exactly as a later read of its rows does."""
    row = {
        **order,
        **_NOT_YET,
        "lines": [{**line, **_UNTOUCHED} for line in lines],
        "payments": [{**payment, "entries": ()} for payment in payments],
    }
    return as_json(laid_out(row)).decode()


# What the database fills in: what a row begins with, and the parts that no fresh order has.
_UNTOUCHED = dict.fromkeys(("cancelled", "shipped", "delivered", "written_off"), 0)
_NOT_YET: Mapping[str, Any] = {
    **dict.fromkeys(("holds", "shipments"), ()),
    **dict.fromkeys(("cancel_requested_at", "confirmed_at", "completed_at", "cancelled_at")),
    "cancel_reason": None,
    "version": 1,
}


def _payments(order_id: UUID, submission: Submission, priced: PricedOrder) -> list[dict[str, Any]]:
    payment = submission.order.payment
    if not payment.token or not priced.total_amount:
        return []
    return [
        {
            "id": new_id(),
            "order_id": order_id,
            "provider": PROVIDER.name,
            "method": payment.method,
            "amount": priced.total_amount,
            "currency": priced.currency,
            "token": payment.token,
            "created_by": submission.actor,
        }
    ]


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


def _event(
    sequence: int,
    kind: str,
    order_id: UUID,
    number: str,
    submission: Submission,
    data: dict[str, Any],
) -> dict[str, Any]:
    return {
        "id": new_id(),
        "type": kind,
        "subject": number,
        "subject_id": order_id,
        "sequence": sequence,
        "actor": submission.actor,
        "correlation_id": correlation_id(Document(Kind.ORDER, order_id)),
        "data": data,
    }
