"""The provider's HTTP interface."""

from typing import Annotated, Literal

from fastapi import APIRouter, Header, Query, Request

from simulators.errors import Refusal
from simulators.faults import Fault, Faults
from simulators.paging import After, Limit
from simulators.payments.book import Book
from simulators.payments.messages import (
    Authorization,
    AuthorizationRequest,
    Correction,
    MoneyRequest,
    Operation,
    OperationList,
    Settlement,
)
from simulators.payments.steering import Steering

MONEY_OPERATIONS = frozenset({"authorize", "renew", "capture", "void", "refund"})
OPERATIONS = MONEY_OPERATIONS | {"find", "show"}
Key = Annotated[str | None, Header(alias="Idempotency-Key", description="Required.")]


def _checked(key: str | None) -> str:
    if not key:
        raise Refusal(400, "idempotency_key_missing", "send an Idempotency-Key header")
    if len(key) > 255 or not key.isascii() or not key.isprintable():
        raise Refusal(400, "idempotency_key_malformed", "at most 255 visible ASCII characters")
    return key


def _moved(request: AuthorizationRequest | MoneyRequest, fault: Fault | None) -> MoneyRequest:
    """Return the money that really moves: what is asked for, but for a fault."""
    if fault is None or fault.amount is None:
        return MoneyRequest(amount=request.amount, currency=request.currency)
    return MoneyRequest(amount=fault.amount, currency=fault.currency or request.currency)


def _shown(operation: Operation, http: Request) -> Operation:
    """Name the customer's page as it is reached from where the provider was asked."""
    page = operation.redirect_url
    return operation.model_copy(
        update={"redirect_url": f"{str(http.base_url).rstrip('/')}{page}" if page else ""}
    )


def payment_routes(book: Book, faults: Faults) -> APIRouter:
    """Return what a merchant may ask."""
    routes = APIRouter(tags=["payments"])

    @routes.post("/authorizations", status_code=201)
    async def authorize(request: AuthorizationRequest, http: Request, key: Key = None) -> Operation:
        """Reserve money of the card behind the token. A decline is an outcome, not an error."""
        checked = _checked(key)
        async with faults.around("authorize") as fault:
            return _shown(book.authorize(checked, request, _moved(request, fault)), http)

    @routes.post("/authorizations/{authorization}/renewals", status_code=201)
    async def renew(authorization: str, request: MoneyRequest, key: Key = None) -> Operation:
        """Reserve money of the same card anew, before an authorization ends.

        What is left of it, or a part. The answer has the new authorization; the one before stays
        as it is, until it is voided or ends.
        """
        checked = _checked(key)
        async with faults.around("renew") as fault:
            return book.renew(checked, authorization, request, _moved(request, fault))

    @routes.post("/authorizations/{authorization}/captures", status_code=201)
    async def capture(authorization: str, request: MoneyRequest, key: Key = None) -> Operation:
        """Take reserved money, all or a part."""
        checked = _checked(key)
        async with faults.around("capture") as fault:
            return book.move(checked, "capture", authorization, request, _moved(request, fault))

    @routes.post("/authorizations/{authorization}/voids", status_code=201)
    async def void(authorization: str, request: MoneyRequest, key: Key = None) -> Operation:
        """Drop reserved money, all or a part."""
        checked = _checked(key)
        async with faults.around("void") as fault:
            return book.move(checked, "void", authorization, request, _moved(request, fault))

    @routes.post("/authorizations/{authorization}/refunds", status_code=201)
    async def refund(authorization: str, request: MoneyRequest, key: Key = None) -> Operation:
        """Give captured money back, all or a part."""
        checked = _checked(key)
        async with faults.around("refund") as fault:
            return book.move(checked, "refund", authorization, request, _moved(request, fault))

    @routes.get("/authorizations/{authorization}")
    async def show(authorization: str) -> Authorization:
        """Show an authorization and what became of its money."""
        async with faults.around("show"):
            return book.show(authorization)

    @routes.get("/operations")
    async def find(http: Request, key: str = Query(min_length=1, max_length=255)) -> OperationList:
        """Find the operation with this key; an empty list means that it was never seen."""
        async with faults.around("find"):
            return OperationList(data=[_shown(each, http) for each in book.find(key).data])

    @routes.get("/ledger")
    async def ledger(
        http: Request,
        authorization: str | None = None,
        after: After = 0,
        limit: Limit = 1000,
    ) -> OperationList:
        """List every operation in order, with how often money moved and how often it was asked."""
        found = book.ledger(authorization, after, limit)
        return OperationList(data=[_shown(each, http) for each in found.data])

    return routes


def steering_routes(steering: Steering) -> APIRouter:
    """Return what only a tester may ask."""
    routes = APIRouter(tags=["sandbox"])

    @routes.post("/authorizations/{authorization}/confirm")
    async def confirm(authorization: str) -> Authorization:
        """Play the customer who confirms the payment."""
        return steering.decide(authorization, "succeeded")

    @routes.post("/authorizations/{authorization}/fail")
    async def fail(authorization: str) -> Authorization:
        """Play the customer who does not confirm the payment."""
        return steering.decide(authorization, "failed")

    @routes.post("/sandbox/authorizations/{authorization}/expire")
    async def expire(authorization: str) -> Authorization:
        """Let the seven days be over."""
        return steering.expire(authorization)

    @routes.post("/sandbox/authorizations/{authorization}/{kind}", status_code=201)
    async def originate(
        authorization: str, kind: Literal["refunds", "chargebacks"], request: MoneyRequest
    ) -> Operation:
        """Refund or charge back without the merchant's doing."""
        return steering.originate(
            "refund" if kind == "refunds" else "chargeback", authorization, request
        )

    @routes.post("/sandbox/operations/correct")
    async def correct(correction: Correction) -> Operation:
        """Play the provider's staff who put a wrong amount right."""
        return steering.correct(correction)

    @routes.post("/sandbox/operations/settle")
    async def settle(settlement: Settlement) -> Operation:
        """End a pending operation; let one fail after all, or a refund succeed after all."""
        return steering.settle(settlement)

    return routes
