"""HTTP for commands to an order on its way: change, cancel, hold, release, pay."""

from dataclasses import dataclass
from functools import partial
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from activities.orders.cancelling import cancel_lines
from activities.orders.changing import change_order
from activities.payments.accepting import pay_order
from api.answers import keyed_response
from api.deps import Books, Serving, require
from api.documents import REFUSALS, DocumentCommands, holds
from api.etags import IfMatch, check_match
from api.fields import by_id
from api.headers import LOCATED
from api.idempotency import (
    HEADER,
    OptionalKey,
    RequiredKey,
    idempotent,
    idempotent_change,
    idempotent_create,
)
from api.notifier import Notifier
from api.orders.views import OrderView
from api.problems import BODY, KEYED, READ, problems
from db.documents import ORDERS
from db.engine import Database
from db.idempotency import Answer
from db.orders.reads import get_order, is_cancelled
from domain.access import Caller
from domain.documents import Document, Kind
from domain.errors import (
    IllegalMove,
    KeyMissing,
    NotFound,
    QuantityExceeded,
    Stale,
    TooManyAttempts,
)
from domain.ids import OrderId
from domain.orders.cancelling import LineCancellation
from domain.orders.requests import (
    Cancellation,
    CancelOrder,
    OrderChange,
    PayOrder,
    check_fields,
    check_reason,
    too_late_to_cancel,
)
from workflows.order_fulfillment import OrderFulfillment

router = APIRouter(prefix="/orders", tags=["orders"])


@dataclass(frozen=True)
class OrderCommands(DocumentCommands[OrderView]):
    """Requests to running orders."""

    async def look(self, document_id: UUID, caller: Caller) -> OrderView:
        """Return the order as it is now; raise NotFound."""
        async with self.books.read() as db:
            return OrderView.of(await get_order(db, document_id, caller.reach), caller)


holds(router, Kind.ORDER, OrderCommands, OrderView)


@router.patch(
    "/{order_id}",
    response_model=OrderView,
    responses=problems(*READ, *KEYED, *BODY, NotFound, IllegalMove, Stale),
)
async def change(
    order_id: Annotated[UUID, by_id("order")],
    body: OrderChange,
    caller: Annotated[Caller, require("orders:change")],
    key: OptionalKey,
    books: Books,
    notifier: Notifier,
    meant: IfMatch = None,
) -> Response:
    """Change addresses, service or notes before anything of the order has a label.

    Metadata may be changed at any time.
    """
    check_fields(body, caller)

    async def write(db: AsyncConnection, _: UUID) -> OrderView:
        order = await ORDERS.lock(db, order_id)
        if not caller.reach.covers(order.customer_id, order.source):
            raise NotFound(f"there is no order {order_id}")
        check_match(order.version, meant)
        await change_order(db, order, body, caller.subject)
        return OrderView.of(await get_order(db, order_id, caller.reach), caller)

    route = f"PATCH /orders/{order_id}"
    changed = await idempotent_change(books, caller, key, route, body, write)
    notifier.notify()
    return keyed_response(changed)


@router.post(
    "/{order_id}/cancel",
    response_model=OrderView,
    responses=problems(*REFUSALS, *BODY, QuantityExceeded),
)
async def cancel(
    order_id: Annotated[UUID, by_id("order")],
    body: CancelOrder,
    caller: Annotated[Caller, require("orders:cancel")],
    key: OptionalKey,
    orders: Annotated[OrderCommands, Depends(OrderCommands)],
    notifier: Notifier,
) -> Response:
    """Cancel before the goods have left: stock and money come back; once is as good as twice.

    With `lines` only units of them that have not left; the others keep their terms. Where a label
    has to be taken back first the answer says `cancel_pending`. A customer may give the reasons
    `customer_request` and `duplicate`.
    """
    check_reason(body.reason, caller.role)
    if body.lines:
        changed = await _cancel_units(order_id, body, caller, key, orders.books)
        notifier.notify()
        return keyed_response(changed)

    async def run(request_id: UUID) -> OrderView:
        order = await orders.look(order_id, caller)

        async def check(_db: AsyncConnection) -> None:
            if any(line.shipped for line in order.lines):
                raise too_late_to_cancel(order.status)

        request = Cancellation(order_id=OrderId(order_id), reason=body.reason, actor=caller.subject)
        document = Document(Kind.ORDER, order_id)
        cancel = OrderFulfillment.cancel
        fulfilled = partial(is_cancelled, order_id=order_id)
        return await orders.ask(document, caller, cancel, request, request_id, check, fulfilled)

    route = f"POST /orders/{order_id}/cancel"
    return keyed_response(await idempotent(orders.books, caller, key, route, body, run))


async def _cancel_units(
    order_id: UUID, body: CancelOrder, caller: Caller, key: str | None, books: Database
) -> Answer:
    if key is None:
        raise KeyMissing(f"send an {HEADER} header: the same units are cancelled once only with it")

    async def write(db: AsyncConnection, _: UUID) -> OrderView:
        order = await ORDERS.lock(db, order_id)
        if not caller.reach.covers(order.customer_id, order.source):
            raise NotFound(f"there is no order {order_id}")
        asked = LineCancellation(reason=body.reason, actor=caller.subject, lines=body.lines)
        await cancel_lines(db, order, asked)
        return OrderView.of(await get_order(db, order_id, caller.reach), caller)

    route = f"POST /orders/{order_id}/cancel"
    return await idempotent_change(books, caller, key, route, body, write)


@router.post(
    "/{order_id}/payments",
    response_model=OrderView,
    status_code=201,
    responses=LOCATED | problems(*REFUSALS, *BODY, TooManyAttempts),
)
async def pay(
    order_id: Annotated[UUID, by_id("order")],
    body: PayOrder,
    caller: Annotated[Caller, require("orders:pay")],
    key: RequiredKey,
    books: Books,
    services: Serving,
    notifier: Notifier,
) -> Response:
    """Try to pay with another card while the payment window is open; needs no Temporal.

    After 5 declined cards each further one has to wait; after 15 a person looks at the order. So
    many that one customer's orders had declined within an hour are a limit, too.
    """

    async def write(db: AsyncConnection, payment_id: UUID) -> OrderView:
        await pay_order(
            db,
            payment_id,
            order_id,
            token=body.token,
            return_url=body.return_url,
            actor=caller.subject,
            reach=caller.reach,
            most_declines=services.settings.policy.declines_per_customer,
        )
        return OrderView.of(await get_order(db, order_id), caller)

    route = f"POST /orders/{order_id}/payments"
    made = await idempotent_create(books, caller, key, route, body, write)
    notifier.notify()
    return keyed_response(made, f"/payments/{made.resource_id}")
