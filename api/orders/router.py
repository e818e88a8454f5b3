"""HTTP for orders: accepted and read in the database, steered through their runs."""

from functools import partial
from typing import Annotated, Any
from uuid import UUID

import fastapi
from fastapi import APIRouter, Request, Response
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncConnection

from activities.orders.rows import Submission
from api.answers import json_bytes, json_response, keyed_response
from api.deps import Books, require
from api.documents import process, timeline
from api.etags import IfNoneMatch, tagged
from api.idempotency import RequiredKey, claim_of
from api.orders.batch import Acceptor
from api.orders.views import OrderView, order_json
from api.pages import Page, PageQuery, page
from api.problems import BODY, KEYED, NOT_MODIFIED, READ, problems
from api.process import Wait
from api.rows import last_id, shown
from db.orders.reads import fields_of, get_order, get_order_record, search_orders
from db.orders.tables import OrderRow
from db.pages import get_page
from domain.access import Caller, Command
from domain.documents import Kind
from domain.errors import (
    AlreadyExists,
    DomainError,
    NotFound,
    OutOfStock,
    PriceChanged,
)
from domain.ids import CustomerId, OrderId, new_id
from domain.orders.placing import PlaceOrder
from domain.orders.status import OrderStatus
from domain.payments import PaymentStatus
from domain.sources import attributed
from domain.value import Name
from telemetry import metrics, tracing

router = APIRouter(prefix="/orders", tags=["orders"])

ROUTE = "POST /orders"


class OrderQuery(PageQuery):
    """Which orders."""

    customer_id: CustomerId | None = None
    status: frozenset[OrderStatus] = Field(default=frozenset(), max_length=10)
    number: Name | None = None
    external_reference: Name | None = None
    sku: Name | None = None
    on_hold: bool | None = None


@router.post(
    "",
    status_code=201,
    response_model=OrderView,
    responses=problems(*READ, *BODY, *KEYED, OutOfStock, PriceChanged, AlreadyExists),
)
async def place(
    order: PlaceOrder,
    caller: Annotated[Caller, require("orders:place")],
    key: RequiredKey,
    request: Request,
) -> Response:
    """Accept an order: its stock is promised and it will be processed, whatever crashes next."""
    acceptor: Acceptor = request.app.state.acceptor
    asked = attributed(order, caller)
    submission = Submission(
        OrderId(new_id()),
        asked,
        actor=caller.subject,
        may_set_prices=caller.may(Command.ORDERS_PRICE),
        reach=caller.reach,
        caller=caller,
        claim=claim_of(caller, key, ROUTE, asked, given=order),
        trace=tracing.carried(),
    )
    try:
        accepted = await acceptor.accept(submission)
    except DomainError as refusal:
        metrics.order_creation_failures.labels(refusal.code).inc()
        raise
    return keyed_response(accepted, "/orders")


@router.get("", response_model=Page[OrderView], responses=problems(*READ))
async def search(
    query: Annotated[OrderQuery, fastapi.Query()],
    caller: Annotated[Caller, require("orders:read")],
    books: Books,
    request: Request,
) -> Response:
    """Newest first; a customer, and an integration, sees only its own."""
    found = search_orders(
        caller.reach,
        customer_id=query.customer_id,
        statuses=frozenset(str(status) for status in query.status),
        number=query.number,
        external_reference=query.external_reference,
        sku=query.sku,
        on_hold=query.on_hold,
    )
    async with books.read() as db:
        rows, more = await get_page(
            db, OrderRow, found, OrderRow.id, after=query.after, limit=query.limit
        )
    items = shown("OrderView", partial(_order, caller=caller), rows)
    return json_response(page(items, request.url.path, query, last_id(rows, more)))


@router.get(
    "/{order_id}",
    response_model=OrderView,
    responses=NOT_MODIFIED | problems(*READ, NotFound),
)
async def show(
    order_id: UUID,
    caller: Annotated[Caller, require("orders:read")],
    books: Books,
    has: IfNoneMatch = None,
) -> Response:
    """One order with its lines, holds, shipments and payments."""
    row = await get_order_record(books, order_id, caller.reach)
    return tagged(row["version"], json_bytes(order_json(row, caller)), has)


def _order(row: OrderRow, caller: Caller) -> dict[str, Any]:
    return order_json(fields_of(row), caller)


async def _payment(db: AsyncConnection, order_id: UUID) -> list[Wait]:
    """Return the wait for the customer's money, if that is what a pending order waits for."""
    order = OrderView.of(await get_order(db, order_id))
    unpaid = order.payment_status in (PaymentStatus.UNPAID, PaymentStatus.FAILED)
    if order.status is not OrderStatus.PENDING or not unpaid:
        return []
    until = f"the payment, until {order.payment_due_at:%Y-%m-%d %H:%M:%S} UTC"
    return [Wait(who="the customer", what=until, since=order.placed_at)]


timeline(router, Kind.ORDER)
process(router, Kind.ORDER, also=_payment)
