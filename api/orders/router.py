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
from api.fields import by_id
from api.headers import LOCATED
from api.idempotency import RequiredKey, claim_of
from api.orders.batch import Acceptor
from api.orders.rendering import order_json
from api.orders.views import OrderView
from api.pages import DatedQuery, Page, page
from api.problems import BODY, KEYED, NOT_MODIFIED, READ, problems
from api.views import Wait
from api.words import Listed, Words, worded_page
from db.items import find_item_id
from db.orders.reads import PARTS_SIZE, fields_of, get_order, get_order_record, search_orders
from db.orders.tables import OrderRow
from db.pages import Window
from domain.access import Caller, Command
from domain.documents import Kind
from domain.errors import (
    AlreadyExists,
    DomainError,
    NotFound,
    OutOfStock,
    PriceChanged,
    TooManyAttempts,
    TooManyUnpaid,
)
from domain.ids import CustomerId, OrderId, new_id
from domain.orders.placing import PlaceOrder
from domain.orders.status import STATES_OF, FulfillmentStatus, OrderStatus
from domain.payments import PaymentStatus
from domain.sources import attributed
from domain.value import Instant, Name
from telemetry import metrics, tracing

NO_ITEM = UUID(int=0)
"""The id of no item."""

router = APIRouter(prefix="/orders", tags=["orders"])

ROUTE = "POST /orders"
_REFUSED = (OutOfStock, PriceChanged, AlreadyExists, TooManyAttempts, TooManyUnpaid)


class OrderQuery(DatedQuery):
    """Which orders."""

    customer_id: CustomerId | None = None
    """Those of this customer."""
    status: frozenset[OrderStatus] = Field(default=frozenset(), max_length=10)
    """Where they are. May be repeated."""
    number: Name | None = None
    """The one with this name for people."""
    external_reference: Name | None = None
    """Those that their source calls so."""
    sku: Name | None = None
    """Those with a line of this item, in any case."""
    on_hold: bool | None = None
    """Whether a hold stops them."""
    backordered: bool | None = None
    """Whether some of their units wait for stock."""
    source: Name | None = Field(
        default=None, description="The integration that brought them, or `api`."
    )
    updated_from: Instant | None = Field(
        default=None,
        description="An instant with its zone (RFC 3339): orders whose `updated_at` is then or"
        " later, the newest change first.",
    )
    fulfillment_status: frozenset[FulfillmentStatus] = Field(
        default=frozenset(), max_length=10, description="How far the goods are. May be repeated."
    )
    payment_status: frozenset[PaymentStatus] = Field(
        default=frozenset(), max_length=10, description="How the money stands. May be repeated."
    )

    @property
    def words(self) -> Words:
        """The wanted words of those that are computed, where there are any."""
        wanted = {
            "fulfillment_status": self.fulfillment_status,
            "payment_status": self.payment_status,
        }
        return {name: words for name, words in wanted.items() if words}

    @property
    def states(self) -> frozenset[OrderStatus] | None:
        """The states in which such orders are; None for all."""
        if not self.fulfillment_status:
            return self.status or None
        possible = frozenset().union(*(STATES_OF[word] for word in self.fulfillment_status))
        return possible & self.status if self.status else possible


@router.post(
    "",
    status_code=201,
    response_model=OrderView,
    responses=LOCATED | problems(*READ, *BODY, *KEYED, *_REFUSED),
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
    return keyed_response(accepted, f"/orders/{accepted.resource_id}")


@router.get("", response_model=Page[OrderView], responses=problems(*READ))
async def search(
    query: Annotated[OrderQuery, fastapi.Query()],
    caller: Annotated[Caller, require("orders:read")],
    books: Books,
    request: Request,
) -> Response:
    """Newest first; a customer, and an integration, sees only its own.

    `fulfillment_status` and `payment_status` are computed for each order that the other filters
    let through, so that a page may hold fewer than `limit` while `next` goes on.
    """
    changed = Window(OrderRow.updated_at, query.updated_from)
    windows = [changed, query.created(OrderRow.placed_at)]
    build = partial(_order, caller=caller)
    listed = Listed(OrderRow, OrderRow.id, PARTS_SIZE, "OrderView", build)
    async with books.read() as db:
        # The plan depends on the item: one that is rarely sold is found by its own lines.
        item = None if query.sku is None else await find_item_id(db, query.sku) or NO_ITEM
        found = search_orders(
            caller.reach,
            customer_id=query.customer_id,
            statuses=query.states,
            number=query.number,
            external_reference=query.external_reference,
            item_id=item,
            on_hold=query.on_hold,
            backordered=query.backordered,
            source=query.source,
        )
        items, last = await worded_page(
            db, listed, found, windows, query.words, after=query.after, limit=query.limit
        )
    return json_response(page(items, request.url.path, query, last))


@router.get(
    "/{order_id}",
    response_model=OrderView,
    responses=NOT_MODIFIED | problems(*READ, NotFound),
)
async def show(
    order_id: Annotated[UUID, by_id("order")],
    caller: Annotated[Caller, require("orders:read")],
    books: Books,
    has: IfNoneMatch = None,
) -> Response:
    """One order with its lines, holds, shipments and payments."""
    row = await get_order_record(books, order_id, caller.reach)
    return tagged(row["version"], json_bytes(order_json(row, caller)), has)


def _order(row: OrderRow, caller: Caller) -> dict[str, Any]:
    return order_json(fields_of(row), caller)


_AWAITED = {
    PaymentStatus.UNPAID: "the payment",
    PaymentStatus.FAILED: "the payment",
    PaymentStatus.ACTION_REQUIRED: "the confirmation of the payment at the bank",
}


async def _payment(db: AsyncConnection, order_id: UUID) -> list[Wait]:
    """Return the wait for the customer's money, if that is what a pending order waits for."""
    order = OrderView.of(await get_order(db, order_id))
    what = _AWAITED.get(order.payment_status)
    if order.status is not OrderStatus.PENDING or what is None:
        return []
    until = f"{what}, until {order.payment_due_at:%Y-%m-%d %H:%M:%S} UTC"
    return [Wait(who="the customer", what=until, since=order.placed_at)]


timeline(router, Kind.ORDER)
process(router, Kind.ORDER, also=_payment)
