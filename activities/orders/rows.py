"""The rows of an accepted order, built from what was asked and how it was priced."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from db.idempotency import Claim
from db.orders.accept import OrderRows
from db.outbox import start_of
from domain.access import EVERYTHING, Caller, Reach
from domain.documents import Document, Kind, correlation_id
from domain.ids import OrderId, ReturnId, ShipmentId, new_id
from domain.inventory import Pick, Shelf, assign
from domain.metadata import merge
from domain.orders.placing import PlaceOrder
from domain.orders.pricing import PricedOrder
from domain.orders.receipts import BANK, PaymentMethod, by_people
from domain.orders.status import OrderKind, OrderStatus
from domain.orders.terms import Terms
from gateways.partners import PROVIDER


@dataclass(frozen=True)
class Submission:
    """A request to place an order: under which id, by whom, and what that one may do."""

    order_id: OrderId
    order: PlaceOrder
    actor: str
    replaces_return_id: ReturnId | None = None
    """The return whose goods it replaces; None for an order that a customer places."""
    replaces_shipment_id: ShipmentId | None = None
    """The lost shipment of an earlier replacement, whose goods it sends once more."""
    may_set_prices: bool = False
    reach: Reach = EVERYTHING
    claim: Claim | None = None
    """The request's place in the idempotency record; None for who derives the order's id."""
    caller: Caller | None = None
    """Who is answered, and shown what that one may see."""
    trace: str = ""
    """The request's ``traceparent``; the order's run goes on with it."""


def build_rows(
    number: str,
    submission: Submission,
    priced: PricedOrder,
    now: datetime,
    due: datetime,
    terms: Terms,
) -> OrderRows:
    """Build all rows of an accepted order but those that `reserve` adds.

    ``terms`` are its customer's, which an order on terms keeps.
    """
    order_id, order = submission.order_id, submission.order
    ship_to = order.ship_to.model_dump()
    method = order.payment.method if priced.total_amount else "none"
    row = {
        "id": order_id,
        "number": number,
        "customer_id": order.customer_id,
        "kind": OrderKind.REPLACEMENT if submission.replaces_return_id else OrderKind.STANDARD,
        "replaces_return_id": submission.replaces_return_id,
        "replaces_shipment_id": submission.replaces_shipment_id,
        "source": order.origin,
        "external_reference": order.external_reference,
        "status": OrderStatus.PENDING,
        "currency": priced.currency,
        "payment_method": method,
        "capture_on": order.captured_on,
        "terms_days": terms.days if method == PaymentMethod.NET_TERMS else None,
        "shortage_policy": order.shortage_policy,
        "ship_complete": order.ship_complete,
        "priority": order.priority,
        "promised_on": order.promised_on,
        "shipping_service": order.shipping_service,
        "ship_to": ship_to,
        "bill_to": order.bill_to.model_dump() if order.bill_to else ship_to,
        "subtotal_amount": priced.subtotal_amount,
        "discount_amount": priced.discount_amount,
        "shipping_amount": priced.shipping_amount,
        "shipping_tax_amount": priced.shipping_tax_amount,
        "tax_amount": priced.tax_amount,
        "total_amount": priced.total_amount,
        "metadata": merge({}, order.metadata),
        "placed_at": now,
        "payment_due_at": due,
        "updated_at": now,
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
            "short_since": None,
            "serial_at_shipping": line.serial_at_shipping,
        }
        for position, line in enumerate(priced.lines)
    ]
    return OrderRows(
        order=row,
        lines=lines,
        payments=_payments(submission, priced),
        events=[
            {
                "id": new_id(),
                "type": "order.placed.v1",
                "subject": number,
                "subject_id": order_id,
                "sequence": 1,
                "actor": submission.actor,
                "correlation_id": correlation_id(Document(Kind.ORDER, order_id)),
                "data": _placed(submission, priced),
            }
        ],
        start=start_of(Document(Kind.ORDER, order_id), submission.trace),
    )


def reserve(
    rows: OrderRows, priced: PricedOrder, plan: Sequence[Pick], offered: Sequence[Shelf]
) -> None:
    """Add what follows from where the stock is taken; ``offered`` is what there was to choose.

    Lines for which the plan does not suffice wait for the rest.
    """
    order_id = rows.order["id"]
    wanted = [(i, line.item_id, line.quantity) for i, line in enumerate(priced.lines)]
    given = assign(wanted, plan)
    rows.reservations.extend(
        {
            "id": new_id(),
            "item_id": pick.item_id,
            "location_id": pick.location_id,
            **({"lot_id": pick.lot_id} if pick.lot_id else {}),
            "quantity": pick.quantity,
            "document_type": "order",
            "document_id": order_id,
            "line_id": rows.lines[position]["id"],
            "status": "active",
        }
        for position, pick in given
    )
    # Keeps the plan and what was on offer, so that "why there?" has an answer.
    reserved = {
        "plan": [
            {
                "item_id": pick.item_id,
                "location_id": pick.location_id,
                "site_id": pick.site_id,
                **({"lot_id": pick.lot_id} if pick.lot_id else {}),
                "quantity": pick.quantity,
            }
            for pick in plan
        ],
        "candidates": [
            {"site": shelf.site_code, "sku": shelf.sku, "available": shelf.available}
            for shelf in offered
        ],
    }
    if plan:
        _tell(rows, "stock_reserved", reserved)
    if sum(pick.quantity for pick in plan) < sum(line.quantity for line in priced.lines):
        _backorder(rows, given)


def _backorder(rows: OrderRows, given: Sequence[tuple[int, Pick]]) -> None:
    """Have the lines wait for what they were not given."""
    short = Counter({line["position"]: line["quantity"] for line in rows.lines})
    for position, pick in given:
        short[position] -= pick.quantity
    lines = [line for line in rows.lines if short[line["position"]]]
    for line in lines:
        line["short_since"] = rows.order["placed_at"]
    told = [
        {"line_id": line["id"], "sku": line["sku"], "units": short[line["position"]]}
        for line in lines
    ]
    _tell(rows, "backordered", {"lines": told})


def _tell(rows: OrderRows, what: str, data: dict[str, Any]) -> None:
    event = {"id": new_id(), "type": f"order.{what}.v1", "sequence": len(rows.events) + 1}
    rows.events.append({**rows.events[0], **event, "data": data})


def _payments(submission: Submission, priced: PricedOrder) -> list[dict[str, Any]]:
    payment = submission.order.payment
    without_provider = by_people(payment.method)
    if not (payment.token or without_provider) or not priced.total_amount:
        return []
    return [
        {
            "id": new_id(),
            "order_id": submission.order_id,
            "provider": BANK if without_provider else PROVIDER.name,
            "method": payment.method,
            "amount": priced.total_amount,
            "currency": priced.currency,
            "token": payment.token,
            "return_url": payment.return_url,
            "created_by": submission.actor,
        }
    ]


def _placed(submission: Submission, priced: PricedOrder) -> dict[str, Any]:
    replaces, again = submission.replaces_return_id, submission.replaces_shipment_id
    return {
        "to": OrderStatus.PENDING,
        **({"return_id": replaces} if replaces else {}),
        **({"shipment_id": again} if again else {}),
        "total": {"amount": priced.total_amount, "currency": priced.currency},
        "prices_set_by_caller": submission.may_set_prices
        and (
            submission.order.prices_given
            or any(line.unit_price is not None for line in submission.order.lines)
        ),
    }
