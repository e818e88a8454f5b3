"""Shortages at picking: use cases in the caller's transaction.

What a picker did not find is taken off the shipment and out of the books, and its line waits for
other stock: its order's run plans it anew. A label that was bought for more is taken back first, as
for units that are cancelled: until then the order keeps what was reported.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import null
from sqlalchemy.ext.asyncio import AsyncConnection

from activities.orders.cancelling import shorten
from activities.orders.changing import wake
from db.documents import ORDERS, SHIPMENTS
from db.events import Event, add_events
from db.inventory.demand import review_for
from db.inventory.entering import find_leaving
from db.inventory.missing import NotThere, count_out, free_of, held_by
from db.inventory.movements import Movement, Share
from db.inventory.splitting import split_reservations
from db.orders.backorders import mark_short
from db.orders.tables import OrderRow
from db.shipments.picking import lines_to_pick, lock_picked, put_all_back
from db.shipments.tables import ShipmentRow
from db.shipments.writes import lock_shipments_of
from db.tasks import cancel_tasks, open_task
from domain.documents import Document, Kind
from domain.ids import new_id
from domain.inventory import MovementKind
from domain.orders.status import ShortagePolicy
from domain.quantities import plain
from domain.shipments.missing import REPORTED, MissingUnits, ReportedShortage
from domain.shipments.picking import ToPick, check_missing
from domain.shipments.status import ShipmentStatus
from domain.tasks import TaskKind


def reports_of(order: OrderRow) -> tuple[ReportedShortage, ...]:
    """Return what is missing of shipments of an order whose labels are to be taken back."""
    return REPORTED.validate_python(order.shortages or ())


def labels_in_the_way(order: OrderRow, shipments: Mapping[UUID, ShipmentRow]) -> list[UUID]:
    """Return the shipments of which labels are to be taken back for what is missing, in order.

    First those it is missing of; then, unless these have left, all of what leaves as a whole.
    """
    reports = reports_of(order)
    due = [each.shipment_id for each in reports]
    if order.ship_complete and not all(each.leaves for each in reports):
        due += [each.id for each in shipments.values() if each.status == ShipmentStatus.BOOKED]
    return due


async def report_missing(
    db: AsyncConnection,
    order: OrderRow,
    shipment: ShipmentRow,
    asked: Sequence[MissingUnits],
    *,
    actor: str,
) -> UUID:
    """Take missing units off a locked shipment, or have its label taken back first.

    Returns the shipment that goes on, itself or the one in its place. Raises what `check_missing`
    and `find_leaving` do. Units are locked by the caller.
    """
    reports = reports_of(order)
    known = {line.line_id for report in reports for line in report.lines}
    lines = await lines_to_pick(db, shipment.id)
    check_missing(shipment.number, shipment.status, asked, lines, known)
    told = [
        {"line_id": each.line_id, "sku": lines[each.line_id].sku, "units": each.quantity}
        | {"reason": each.reason}
        for each in asked
    ]
    await SHIPMENTS.change(db, shipment)
    await SHIPMENTS.add_event(db, shipment, "shortage_reported", actor, {"lines": told})
    if shipment.status == ShipmentStatus.PENDING:
        return await _give_up(db, order, shipment, lines, asked, actor)
    report = ReportedShortage(shipment_id=shipment.id, actor=actor, lines=tuple(asked))
    await _keep(db, order, (*reports, report))
    await wake(db, order)
    return shipment.id


async def settle_missing(db: AsyncConnection, order: OrderRow) -> None:
    """Take what was reported missing off a locked order, where labels have been taken back.

    Of what has left all the same only people are told. What was reported after its order's labels
    were taken back is kept: the run takes back that label, too.
    """
    reports = reports_of(order)
    if not reports:
        return
    shipments = {each.id: each for each in await lock_shipments_of(db, order.id)}
    kept = [report for report in reports if _is_labelled(shipments[report.shipment_id], report)]
    await _keep(db, order, kept)
    for report in reports:
        if report in kept:
            continue
        shipment = shipments[report.shipment_id]
        lines = await lines_to_pick(db, shipment.id)
        if shipment.status == ShipmentStatus.VOIDED:
            await _give_up(db, order, shipment, lines, report.lines, report.actor)
        else:
            facts = _facts(order, shipment, lines, report.lines)
            await _ask_to_count(db, shipment, facts, left=True)


async def note_leaving(db: AsyncConnection, order: OrderRow, shipment_id: UUID) -> None:
    """Note that the label of a locked order's shipment stays: what is missing of it is told."""
    reports = reports_of(order)
    if any(each.shipment_id == shipment_id for each in reports):
        noted = {"leaves": True}
        found = [
            each.model_copy(update=noted) if each.shipment_id == shipment_id else each
            for each in reports
        ]
        await _keep(db, order, found)


async def _keep(db: AsyncConnection, order: OrderRow, reports: Sequence[ReportedShortage]) -> None:
    kept = [each.model_dump(mode="json") for each in reports]
    await ORDERS.change(db, order, shortages=kept or null())


def _is_labelled(shipment: ShipmentRow, report: ReportedShortage) -> bool:
    """Whether the label of what was reported is still to be taken back."""
    return shipment.status == ShipmentStatus.BOOKED and not report.leaves


async def _give_up(
    db: AsyncConnection,
    order: OrderRow,
    shipment: ShipmentRow,
    lines: Mapping[UUID, ToPick],
    asked: Sequence[MissingUnits],
    actor: str,
) -> UUID:
    """Take missing units off a shipment that has no label; return the one that goes on."""
    units = {
        each.line_id: await find_leaving(
            db,
            lines[each.line_id].item_id,
            each.serials,
            location_id=lines[each.line_id].location_id,
        )
        for each in sorted(asked, key=lambda each: lines[each.line_id].item_id)
        if each.serials
    }
    held = await held_by(db, [lines[each.line_id].reservation_id for each in asked])
    missing, splits = [], []
    for each in asked:
        line = lines[each.line_id]
        reserved = held.get(line.reservation_id)
        if reserved is None:
            continue
        quantity, reservation = min(each.quantity, reserved.quantity), line.reservation_id
        if quantity < reserved.quantity:
            splits.append(Share(share := new_id(), reservation, quantity))
            reservation = share
        missing.append(
            NotThere(
                line_id=line.id,
                item_id=line.item_id,
                location_id=line.location_id,
                lot_id=reserved.lot_id,
                quantity=quantity,
                reason=each.reason,
                reservation_id=reservation,
                units=units.get(line.id, ()),
            )
        )
    await split_reservations(db, splits)
    less = {lines[each.line_id].reservation_id: each.quantity for each in missing}
    goes_on = await _shorten(db, order, shipment, less, actor)
    await mark_short(db, [lines[each.line_id].order_line_id for each in missing])
    moved = await count_out(
        db,
        missing,
        site_id=shipment.site_id,
        order_id=order.id,
        document=Document(Kind.SHIPMENT, shipment.id),
        actor=actor,
    )
    await _tell(db, order, shipment, lines, asked, moved, actor)
    return goes_on


async def _shorten(
    db: AsyncConnection,
    order: OrderRow,
    shipment: ShipmentRow,
    less: Mapping[UUID, int],
    actor: str,
) -> UUID:
    """Take units off a pick list, or all of what is to leave as a whole; return what goes on."""
    if order.ship_complete:
        await lock_picked(db, order.id)
        for each in await lock_shipments_of(db, order.id):
            if each.status == ShipmentStatus.PENDING:
                await put_all_back(db, each.id, actor)
                await SHIPMENTS.move(db, each, ShipmentStatus.CANCELLED, actor)
                await cancel_tasks(db, each.id, TaskKind.BOOKING_REFUSED)
    elif shipment.status == ShipmentStatus.PENDING:
        await lock_picked(db, order.id)
        return await shorten(db, shipment, less, actor) or shipment.id
    return shipment.id


async def _tell(
    db: AsyncConnection,
    order: OrderRow,
    shipment: ShipmentRow,
    lines: Mapping[UUID, ToPick],
    asked: Sequence[MissingUnits],
    moved: Sequence[Movement],
    actor: str,
) -> None:
    """Add the events, ask people, and have the sites looked at that have what is lacking."""
    facts = _facts(order, shipment, lines, asked)
    await add_events(db, [_moved(each, shipment, actor) for each in moved])
    await ORDERS.change(db, order)
    missed = [
        {"line_id": lines[each.line_id].order_line_id, "units": each.quantity} for each in asked
    ]
    data = {"shipment_id": shipment.id, "lines": missed}
    await ORDERS.add_event(db, order, "goods_missing", actor, data)
    await _ask_to_count(db, shipment, facts, left=False)
    wanted: Counter[UUID] = Counter()
    for each in asked:
        wanted[lines[each.line_id].item_id] += each.quantity
    free = await free_of(db, list(wanted))
    lacking = any(units > free.get(item, 0) for item, units in wanted.items())
    if lacking and order.shortage_policy == ShortagePolicy.REFUSE:
        await open_task(db, TaskKind.SHORTAGE_REVIEW, Kind.ORDER, order.id, facts)
    await wake(db, order)
    await review_for(db, order.id)


def _facts(
    order: OrderRow,
    shipment: ShipmentRow,
    lines: Mapping[UUID, ToPick],
    asked: Sequence[MissingUnits],
) -> dict[str, Any]:
    return {
        "order": order.number,
        "order_id": order.id,
        "shipment": shipment.number,
        "lines": [
            {
                "sku": lines[each.line_id].sku,
                "location_id": lines[each.line_id].location_id,
                "units": each.quantity,
                "reason": each.reason,
            }
            for each in asked
        ],
    }


async def _ask_to_count(
    db: AsyncConnection, shipment: ShipmentRow, facts: dict[str, Any], *, left: bool
) -> None:
    missed = ", ".join(f"{each['units']} units of {each['sku']}" for each in facts["lines"])
    told = f"{missed} of {shipment.number} were not found."
    if left:
        told = f"{told[:-1]}, and it left before its label could be taken back: all was booked out."
    kind = TaskKind.PICK_SHORTAGE
    await open_task(db, kind, Kind.SHIPMENT, shipment.id, {**facts, "left": left}, told=told)


def _moved(movement: Movement, shipment: ShipmentRow, actor: str) -> Event:
    out = movement.kind is MovementKind.ADJUSTMENT
    place = {"location_id": movement.from_location_id, "item_id": movement.item_id}
    return Event(
        "inventory.adjusted" if out else "inventory.quarantined",
        subject=shipment.number,
        subject_id=movement.id,
        actor=actor,
        correlation_id=f"shipment/{shipment.id}",
        data={
            **place,
            "quantity": plain(Decimal(-movement.quantity if out else movement.quantity)),
            "reason": movement.reason,
            **({"lot_id": movement.lot_id} if movement.lot_id else {}),
        },
    )
