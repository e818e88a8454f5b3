"""The return under which the goods of an approved claim come in."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from activities.claims.worth import days_of
from activities.returns.deciding import authorize
from activities.returns.estimating import decision_of
from activities.returns.serials import check_named
from db.claims.tables import ClaimRow
from db.claims.writes import find_returns
from db.documents import ORDERS
from db.inventory.reads import quarantine_of
from db.orders.tables import OrderRow
from db.outbox import add_messages, start_of
from db.returns.returnable import site_of, sold_lines
from db.returns.writes import write_return
from db.warranties.reads import WarrantyRead
from domain.claims.status import ClaimRule
from domain.documents import Document, Kind
from domain.errors import AlreadyExists, IllegalMove, Malformed
from domain.ids import LineId, OrderId, following_id
from domain.orders.status import OrderKind
from domain.policy import Policy
from domain.returns.requests import ReturnLine, ReturnParts
from domain.returns.status import ReturnKind, ReturnReason, ReturnStatus, ShipBack
from domain.returns.terms import terms_of
from domain.warranties.terms import Settlement


async def units_with_customer(db: AsyncConnection, warranty: WarrantyRead) -> int:
    """Return how many units of a warranty have not gone back and are on no return.

    None without an order of ours. Of a line other units may be left, under another warranty.
    """
    if warranty.order_id is None or warranty.order_line_id is None:
        return 0
    sold = await sold_lines(db, [warranty.order_id])
    left = sold[warranty.order_line_id].left
    if warranty.serial is None:
        return min(left, warranty.quantity - warranty.cancelled)
    try:
        await check_named(db, [_line(warranty.order_line_id, warranty, 1)], sold)
    except (AlreadyExists, Malformed):
        return 0
    return min(left, 1)


async def open_return(
    db: AsyncConnection, claim: ClaimRow, warranty: WarrantyRead, policy: Policy, actor: str
) -> None:
    """Let the goods of a locked approved claim come in, by a return of kind warranty.

    Of their money is kept what the refund rule of the term says, and nothing else. Raises
    IllegalMove for goods that no order of ours has brought, that the customer does not have any
    more, and for a refund of which that rule leaves nothing.
    """
    if warranty.order_id is None or warranty.order_line_id is None:
        raise _cannot(claim, "no order of ours has brought the goods: settle it otherwise")
    order = await ORDERS.lock(db, warranty.order_id)
    if claim.resolution == Settlement.REFUND and order.kind == OrderKind.REPLACEMENT:
        raise _cannot(claim, "the goods replaced others, and were not paid for themselves")
    days = days_of(warranty, claim.failed_on)
    if claim.resolution == Settlement.REFUND and days is not None and not days.left:
        raise _cannot(claim, "no day of the warranty was left, by which the price goes back")
    if await units_with_customer(db, warranty) < claim.quantity:
        raise _cannot(claim, "the goods are on a return, or came back")
    line = _line(warranty.order_line_id, warranty, claim.quantity).model_copy(
        update={"comment": claim.symptom, "evidence": tuple(claim.evidence)[:10]}
    )
    asked = ReturnParts.model_construct(
        order_id=OrderId(order.id),
        kind=ReturnKind.WARRANTY,
        ship_back=ShipBack.LABEL,
        lines=(line,),
    )
    sold = await sold_lines(db, [order.id])
    terms = terms_of(asked, sold, policy, datetime.now(UTC).date())
    terms[line.order_line_id] = replace(terms[line.order_line_id], days=days)
    values = await _values(db, claim, order, line, actor)
    made = await write_return(db, values, (line,), terms, actor)
    await ORDERS.change(db, order)
    await authorize(db, made, policy, actor=actor)
    await add_messages(db, start_of(Document(Kind.RETURN, made.id)))


def _line(line_id: UUID, warranty: WarrantyRead, units: int) -> ReturnLine:
    return ReturnLine(
        order_line_id=LineId(line_id),
        quantity=units,
        reason=ReturnReason.DEFECTIVE,
        serials=() if warranty.serial is None else (warranty.serial,),
    )


async def _values(
    db: AsyncConnection, claim: ClaimRow, order: OrderRow, line: ReturnLine, actor: str
) -> dict[str, object]:
    before = await find_returns(db, claim.id)
    site = await site_of(db, line.order_line_id)
    if site is None:
        raise _cannot(claim, "nothing of the goods was sent from a site")
    return {
        "id": _return_id(claim.id, len(before)),
        "order_id": order.id,
        "customer_id": order.customer_id,
        "site_id": site,
        "quarantine_id": await quarantine_of(db, site),
        "status": ReturnStatus.REQUESTED,
        "kind": ReturnKind.WARRANTY,
        "claim_id": claim.id,
        "resolution_wanted": claim.resolution,
        "replacement_timing": claim.replacement_timing,
        "ship_back": ShipBack.LABEL,
        "currency": order.currency,
        "decision": decision_of("claim_approved", {"claim": claim.number, "rule": claim.rule}),
        "notes": "",
        "requested_by": actor,
    }


def _return_id(claim_id: UUID, nth: int) -> UUID:
    """Return the id of a claim's ``nth`` return: the same however often it is opened."""
    return following_id(claim_id, "return", nth)


def _cannot(claim: ClaimRow, why: str) -> IllegalMove:
    return IllegalMove(why, current_status=claim.status, allowed=[], rule=ClaimRule.TO_BE_CHOSEN)
