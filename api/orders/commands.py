"""HTTP for what may be asked of an order on its way: cancel, hold, release, pay."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Response
from sqlalchemy.ext.asyncio import AsyncConnection
from temporalio.workflow import UpdateMethodMultiParam

from activities.payments.accepting import pay_order
from api.answers import keyed_response
from api.deps import Books, require
from api.doorbell import AtDoor
from api.idempotency import OptionalKey, RequiredKey, idempotent, idempotent_create
from api.orders.views import OrderView
from api.problems import BODY, KEYED, READ, problems
from api.steering import Request, Steer
from db.holds import require_hold
from db.orders.reads import get_order
from domain.access import Caller
from domain.documents import Document, Kind
from domain.errors import AlreadyExists, IllegalMove, NotFound, PartnerUnavailable
from domain.ids import OrderId
from domain.orders.status import OrderStatus
from domain.orders.steps import (
    Cancellation,
    CancelOrder,
    HoldPlacement,
    HoldRelease,
    PayOrder,
    PlaceHold,
    already_held,
    check_running,
    too_late_to_cancel,
)
from workflows.order_fulfillment import OrderFulfillment

router = APIRouter(prefix="/orders", tags=["orders"])

_REFUSALS = (*READ, *KEYED, NotFound, IllegalMove, PartnerUnavailable)


@dataclass(frozen=True)
class Desk:
    """Where a request about an order is looked up, sent to its run, and answered."""

    books: Books
    steering: Steer
    doorbell: AtDoor

    async def look(self, order_id: UUID, caller: Caller) -> OrderView:
        """Return the order as it is now; raise NotFound."""
        async with self.books.read() as db:
            return OrderView.of(await get_order(db, order_id, caller.only_customer))

    async def ask(
        self,
        order_id: UUID,
        caller: Caller,
        update: UpdateMethodMultiParam[[OrderFulfillment, Request], Any],
        request: Request,
        request_id: UUID,
        check: Callable[[OrderView], Awaitable[None]],
    ) -> OrderView:
        """Send a request to a running order's run and return the order after it.

        What ``check`` refuses by the books leaves no trace in the run; the run itself decides.
        """
        order = await self.look(order_id, caller)
        check_running(order.status)
        await check(order)
        await self.steering.ask(Document(Kind.ORDER, order_id), update, request, request_id)
        return await self.look(order_id, caller)


AtDesk = Annotated[Desk, Depends(Desk)]


@router.post("/{order_id}/cancel", response_model=OrderView, responses=problems(*_REFUSALS, *BODY))
async def cancel(
    order_id: UUID,
    body: CancelOrder,
    caller: Annotated[Caller, require("orders:cancel")],
    key: OptionalKey,
    desk: AtDesk,
) -> Response:
    """Cancel before the goods have left: stock and money come back; once is as good as twice."""

    async def run(request_id: UUID) -> OrderView:
        order = await desk.look(order_id, caller)
        if order.status is OrderStatus.CANCELLED:
            return order

        async def check(order: OrderView) -> None:
            if any(line.shipped for line in order.lines):
                raise too_late_to_cancel(order.status)

        request = Cancellation(order_id=OrderId(order_id), reason=body.reason, actor=caller.subject)
        return await desk.ask(order_id, caller, OrderFulfillment.cancel, request, request_id, check)

    route = f"POST /orders/{order_id}/cancel"
    return keyed_response(await idempotent(desk.books, caller, key, route, body, run))


@router.post(
    "/{order_id}/holds",
    response_model=OrderView,
    status_code=201,
    responses=problems(*_REFUSALS, *BODY, AlreadyExists),
)
async def hold(
    order_id: UUID,
    body: PlaceHold,
    caller: Annotated[Caller, require("orders:hold")],
    key: RequiredKey,
    desk: AtDesk,
) -> Response:
    """Stop the order until the hold is released; what is under way at a partner still ends."""

    async def run(request_id: UUID) -> OrderView:
        async def check(order: OrderView) -> None:
            # One with this id is ours: its answer was lost.
            if any(each.reason == body.reason and each.id != request_id for each in order.holds):
                raise already_held(body.reason)

        request = HoldPlacement(
            order_id=OrderId(order_id),
            hold_id=request_id,
            reason=body.reason,
            note=body.note,
            actor=caller.subject,
        )
        update = OrderFulfillment.place_hold
        return await desk.ask(order_id, caller, update, request, request_id, check)

    route = f"POST /orders/{order_id}/holds"
    return keyed_response(await idempotent(desk.books, caller, key, route, body, run, status=201))


@router.post(
    "/{order_id}/holds/{hold_id}/release",
    response_model=OrderView,
    responses=problems(*_REFUSALS),
)
async def release(
    order_id: UUID,
    hold_id: UUID,
    caller: Annotated[Caller, require("orders:hold")],
    key: OptionalKey,
    desk: AtDesk,
) -> Response:
    """Release one hold; with the last one the order goes on."""

    async def run(request_id: UUID) -> OrderView:
        async def check(order: OrderView) -> None:
            async with desk.books.read() as db:
                await require_hold(db, hold_id, order.id)

        request = HoldRelease(order_id=OrderId(order_id), hold_id=hold_id, actor=caller.subject)
        update = OrderFulfillment.release_hold
        return await desk.ask(order_id, caller, update, request, request_id, check)

    route = f"POST /orders/{order_id}/holds/{hold_id}/release"
    return keyed_response(await idempotent(desk.books, caller, key, route, None, run))


@router.post(
    "/{order_id}/payments",
    response_model=OrderView,
    status_code=201,
    responses=problems(*_REFUSALS, *BODY),
)
async def pay(
    order_id: UUID,
    body: PayOrder,
    caller: Annotated[Caller, require("orders:pay")],
    key: RequiredKey,
    desk: AtDesk,
) -> Response:
    """Try to pay with another card while the payment window is open; needs no Temporal."""

    async def write(db: AsyncConnection, payment_id: UUID) -> OrderView:
        await pay_order(
            db,
            payment_id,
            order_id,
            token=body.token,
            actor=caller.subject,
            only_customer=caller.only_customer,
        )
        return OrderView.of(await get_order(db, order_id))

    route = f"POST /orders/{order_id}/payments"
    made = await idempotent_create(desk.books, caller, key, route, body, write)
    desk.doorbell.ring()
    return keyed_response(made, f"/orders/{order_id}/payments")
