"""Registering warranties: by a delivery, and by people, in the caller's transaction."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from activities.warranties.cancelling import cancel_former, end_handed_on
from db.customers import get_customer
from db.documents import ORDERS
from db.inventory.units import lock_units
from db.items import get_item
from db.returns.returnable import orders_of
from db.warranties.reads import find_active
from db.warranties.replacing import Replacing, replacing_on_claim
from db.warranties.sold import (
    Sold,
    delivered_with_term,
    sold_unit,
    tracking_of_line,
    without_warranty,
)
from db.warranties.tables import WarrantyTermRow
from db.warranties.terms import find_newest_term, get_term
from db.warranties.writes import add_warranties
from domain.access import EVERYTHING, Reach
from domain.errors import AlreadyExists, IllegalMove, NotFound, QuantityExceeded
from domain.ids import new_id
from domain.units import UnitStatus, check_serials, serial_key
from domain.warranties.coverage import last_day, replacement_end
from domain.warranties.requests import RegisterWarranty
from domain.warranties.status import WarrantySource, WarrantyStatus
from domain.warranties.terms import ReplacementRule


async def register_delivered(db: AsyncConnection, shipment_id: UUID) -> None:
    """Register a warranty for each line of a locked shipment that is delivered, with its term.

    Of units that are known by their serials one for each. What each of these had before ends, also
    where it has no warranty anew. What replaces goods on a claim has what theirs has left instead.
    The shipment with the line, or the unit, is its key, so that once is as good as twice.
    """
    today = datetime.now(UTC).date()
    await cancel_former(db, shipment_id)
    delivered = await delivered_with_term(db, shipment_id)
    warranties = [
        {
            **_of_order(sold),
            "shipment_id": shipment_id,
            "quantity": sold.quantity,
            **_term(sold.term_id, sold.term_code),
            **_days(sold.duration_months, sold.starts_on(sold.starts, today)),
            "source": WarrantySource.DELIVERY,
            "registered_by": "system",
        }
        for sold in delivered
    ]
    if warranties:
        await add_warranties(db, warranties)
    handed_on = []
    for replacing in await replacing_on_claim(db, shipment_id):
        handed_on += _handed_on(replacing, shipment_id)
    fresh = await add_warranties(db, handed_on) if handed_on else 0
    await end_handed_on(db, shipment_id, sum(row["quantity"] for row in handed_on) if fresh else 0)


async def register_by_hand(
    db: AsyncConnection,
    warranty_id: UUID,
    asked: RegisterWarranty,
    *,
    actor: str,
    reach: Reach = EVERYTHING,
    staff: bool = True,
) -> None:
    """Register units that a delivery did not: of an order's line, or with a proof of purchase.

    Raises NotFound for a line out of ``reach``, an unknown item, customer or term; Malformed unless
    a unit is named by its serial where the item has them; QuantityExceeded for more units than the
    line has without a warranty; IllegalMove where no term says anything, and for a unit that the
    customer does not have; AlreadyExists, with its id if it is within ``reach``, for a unit that is
    under the warranty. Units whose warranty is void are registered by ``staff`` alone.
    """
    if asked.order_line_id is not None:
        values = await _of_line(db, asked.order_line_id, asked, reach, staff)
    else:
        values = await _with_proof(db, asked, reach)
    given: dict[str, Any] = {
        "quantity": asked.quantity,
        "source": WarrantySource.MANUAL,
        "registered_by": actor,
    }
    if asked.serial is not None:
        given["unit_id"] = await _unit(db, asked.serial, values, staff)
    if not await add_warranties(db, [{**values, **given, "id": warranty_id}]):
        raise await _known(db, given["unit_id"], values["term_code"], reach)


async def speaks_against(db: AsyncConnection, asked: RegisterWarranty, reach: Reach) -> str:
    """Return in words why a unit with a proof of purchase is not registered; empty if it may be.

    Raises what `register_by_hand` does where nothing depends on the proof.
    """
    values = await _with_proof(db, asked, reach)
    if asked.serial is None:
        return ""
    try:
        unit = await _unit(db, asked.serial, values, staff=True)
    except (NotFound, IllegalMove) as refusal:
        return str(refusal)
    if await find_active(db, unit, values["term_code"], EVERYTHING) is not None:
        raise await _known(db, unit, values["term_code"], reach)
    return ""


async def _known(db: AsyncConnection, unit_id: UUID, code: str, reach: Reach) -> AlreadyExists:
    first = await find_active(db, unit_id, code, reach)
    known = {} if first is None else {"id": str(first)}
    return AlreadyExists("the unit is under this warranty already", **known)


async def _of_line(
    db: AsyncConnection, line_id: UUID, asked: RegisterWarranty, reach: Reach, staff: bool
) -> Mapping[str, Any]:
    orders = [await ORDERS.lock(db, order_id) for order_id in await orders_of(db, [line_id])]
    if not orders or not reach.covers(orders[0].customer_id, orders[0].source):
        raise NotFound(f"there is no line {line_id} of an order")
    sold = await without_warranty(db, line_id, void=not staff)
    if sold is not None:
        _check_serial(await tracking_of_line(db, line_id), asked)
    left = 0 if sold is None else sold.quantity
    if sold is None or asked.quantity > left:
        raise QuantityExceeded(
            f"{left} delivered units of the line are without a warranty",
            errors=[{"pointer": "/quantity", "message": "more than are without a warranty"}],
            remaining_units=left,
        )
    term = await _named(db, asked.term)
    if term is None and sold.term_id is not None:
        term = await get_term(db, sold.term_id)
    if term is None:
        raise IllegalMove("it was sold without a warranty", current_status="none", allowed=[])
    starts_on = asked.starts_on or sold.starts_on(term.starts, datetime.now(UTC).date())
    days = _days(term.duration_months, starts_on)
    return {**_of_order(sold), **_term(term.id, term.code), **days}


async def _with_proof(
    db: AsyncConnection, asked: RegisterWarranty, reach: Reach
) -> Mapping[str, Any]:
    if asked.item_id is None or asked.customer_id is None or asked.starts_on is None:
        raise ValueError("a warranty without an order says what, whose and since when")
    item = await get_item(db, asked.item_id)
    _check_serial(item.tracking, asked)
    customer = await get_customer(db, asked.customer_id, reach)
    term = await _named(db, asked.term or item.warranty_term)
    if term is None:
        raise IllegalMove("it is sold without a warranty", current_status="none", allowed=[])
    return {
        "item_id": item.id,
        "customer_id": customer.id,
        "proof_of_purchase": asked.proof_of_purchase,
        **_term(term.id, term.code),
        **_days(term.duration_months, asked.starts_on),
    }


def _check_serial(tracking: str, asked: RegisterWarranty) -> None:
    named = () if asked.serial is None else (asked.serial,)
    check_serials(tracking, Decimal(asked.quantity), named, "/serial")


async def _unit(db: AsyncConnection, serial: str, values: Mapping[str, Any], staff: bool) -> UUID:
    """Return the unit of an item with a serial, which no other customer may have (R2).

    With an order's line it has to be with the customer who bought it so.
    """
    found = await lock_units(db, values["item_id"], [serial])
    unit = found.get(serial_key(serial))
    line_id = values.get("order_line_id")
    if unit is None or line_id not in (None, unit.order_line_id):
        raise NotFound(f"there is no unit {serial} of these goods")
    wrong, status = "", unit.status
    if unit.holder_customer_id not in (None, values["customer_id"]):
        wrong = "another customer has the unit"
    elif line_id is not None:
        became = await sold_unit(db, unit.id)
        if unit.status != UnitStatus.SOLD:
            wrong = "the customer does not have the unit"
        elif not became.delivered:
            wrong = "the unit has not been delivered"
        elif became.void and not staff:
            wrong = "the unit's warranty was taken back, or went on with another unit"
            status = WarrantyStatus.VOID
    if wrong:
        raise IllegalMove(wrong, current_status=status, allowed=[])
    return unit.id


async def _named(db: AsyncConnection, code: str | None) -> WarrantyTermRow | None:
    if code is None:
        return None
    term = await find_newest_term(db, code)
    if term is None:
        raise NotFound(f"there is no warranty term {code}")
    return term


def _handed_on(replacing: Replacing, shipment_id: UUID) -> list[dict[str, Any]]:
    """Return the warranty on goods that replace others; none where nothing of it is left."""
    rule = ReplacementRule(replacing.replacement_rule)
    starts_on, months = replacing.delivered_on, replacing.duration_months
    ends_on = replacement_end(rule, replacing.ends_on, months, replacing.minimum_days, starts_on)
    if ends_on is not None and ends_on < starts_on:
        return []
    row = {
        "id": new_id(),
        "item_id": replacing.item_id,
        "customer_id": replacing.customer_id,
        "order_id": replacing.order_id,
        "order_line_id": replacing.order_line_id,
        "unit_id": replacing.unit_id,
        "shipment_id": shipment_id,
        "quantity": replacing.quantity,
        **_term(replacing.term_id, replacing.term_code),
        "duration_months": months,
        "starts_on": starts_on,
        "ends_on": ends_on,
        "handed_on_until": ends_on,
        "source": WarrantySource.REPLACEMENT,
        "replaces_id": replacing.replaces_id,
        "registered_by": "system",
    }
    return [row]


def _of_order(sold: Sold) -> dict[str, Any]:
    return {
        "id": new_id(),
        "item_id": sold.item_id,
        "customer_id": sold.customer_id,
        "order_id": sold.order_id,
        "order_line_id": sold.order_line_id,
        "unit_id": sold.unit_id,
    }


def _term(term_id: UUID | None, code: str | None) -> dict[str, Any]:
    return {"term_id": term_id, "term_code": code}


def _days(months: int | None, starts_on: date) -> dict[str, Any]:
    return {
        "duration_months": months,
        "starts_on": starts_on,
        "ends_on": last_day(starts_on, months, 0),
    }
