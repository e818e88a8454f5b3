"""Writes of warranties: registered once, locked and changed, cancelled, their near end told."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, cast
from uuid import UUID

from sqlalchemy import select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from db.engine import to_json
from db.events import Event, add_events
from db.metadata import columns_of
from db.warranties.tables import WarrantyRow
from domain.warranties.status import WarrantyStatus


def warranty_event(row: WarrantyRow, what: str, actor: str, data: Mapping[str, Any]) -> Event:
    """Return the event ``warranty.<what>`` of a new or locked warranty."""
    return Event(
        f"warranty.{what}",
        subject=row.number,
        subject_id=row.id,
        actor=actor,
        correlation_id=f"warranty/{row.id}",
        data={"order_id": row.order_id, **data},
    )


# As one parameter: a delivery may bring more units than a statement has parameters for.
_ADD = text(
    """INSERT INTO warranties (id, status, item_id, customer_id, order_id, order_line_id,
        shipment_id, unit_id, quantity, term_id, term_code, duration_months, starts_on, ends_on,
        source, replaces_id, handed_on_until, proof_of_purchase, registered_by)
    SELECT w.id, 'active', w.item_id, w.customer_id, w.order_id, w.order_line_id, w.shipment_id,
        w.unit_id, w.quantity, w.term_id, w.term_code, w.duration_months, w.starts_on, w.ends_on,
        w.source, w.replaces_id, w.handed_on_until, coalesce(w.proof_of_purchase, ''),
        w.registered_by
    FROM jsonb_populate_recordset(NULL::warranties, CAST(:warranties AS jsonb)) w
    ON CONFLICT DO NOTHING RETURNING *"""
)


async def add_warranties(db: AsyncConnection, warranties: Sequence[Mapping[str, Any]]) -> int:
    """Register warranties with their events, and return how many.

    What a shipment has registered before is left out, and a unit with an active one of the term.
    """
    found = await db.execute(_ADD, {"warranties": to_json(warranties)})
    added = cast(Sequence[WarrantyRow], found.all())
    await add_events(
        db,
        [
            warranty_event(
                row,
                "registered",
                row.registered_by,
                {
                    "item_id": row.item_id,
                    "customer_id": row.customer_id,
                    "order_line_id": row.order_line_id,
                    "shipment_id": row.shipment_id,
                    "quantity": row.quantity,
                    "term_id": row.term_id,
                    "starts_on": row.starts_on,
                    "ends_on": row.ends_on,
                    "source": row.source,
                    "replaces_id": row.replaces_id,
                },
            )
            for row in added
        ],
    )
    return len(added)


async def lock_warranty(db: AsyncConnection, warranty_id: UUID) -> WarrantyRow:
    """Lock and return a warranty that is there."""
    query = select(WarrantyRow.__table__).where(WarrantyRow.id == warranty_id)
    return cast(WarrantyRow, (await db.execute(query.with_for_update())).one())


async def change_warranty(
    db: AsyncConnection, row: WarrantyRow, what: str, actor: str, data: Any, **values: Any
) -> None:
    """Write columns of a locked warranty, with the event ``warranty.<what>``."""
    changed = update(columns_of(WarrantyRow)).where(WarrantyRow.id == row.id)
    await db.execute(changed.values(version=row.version + 1, **values))
    await add_events(db, [warranty_event(row, what, actor, data)])


_END = text(
    """UPDATE warranties w SET cancelled = w.cancelled + g.units, version = w.version + 1,
        status = CASE WHEN w.cancelled + g.units = w.quantity THEN 'cancelled' ELSE w.status END
    FROM jsonb_to_recordset(CAST(:ended AS jsonb)) AS g(id uuid, units int) WHERE w.id = g.id"""
)


async def end_warranties(
    db: AsyncConnection, ended: Sequence[tuple[WarrantyRow, int]], why: Mapping[str, UUID]
) -> None:
    """Cancel locked warranties on so many of their units each, with an event for each."""
    if not ended:
        return
    given = [{"id": row.id, "units": units} for row, units in ended]
    await db.execute(_END, {"ended": to_json(given)})
    await add_events(db, [_ended(row, units, why) for row, units in ended])


def _ended(row: WarrantyRow, units: int, why: Mapping[str, UUID]) -> Event:
    left = row.quantity - row.cancelled - units
    status = WarrantyStatus.ACTIVE if left else WarrantyStatus.CANCELLED
    data = {"from": row.status, "to": status, "units": units, **why}
    return warranty_event(row, "cancelled", "system", data)


async def replace_warranties(
    db: AsyncConnection, rows: Sequence[WarrantyRow], why: Mapping[str, UUID]
) -> None:
    """End locked warranties on units that were replaced; claims on them are denied so."""
    for row in rows:
        data = {"from": row.status, "to": WarrantyStatus.REPLACED, **why}
        await change_warranty(db, row, "replaced", "system", data, status=WarrantyStatus.REPLACED)


_FORMER = text(
    """SELECT w.* FROM shipment_lines x JOIN units u ON u.shipment_line_id = x.id
    JOIN warranties w ON w.unit_id = u.id AND w.status = 'active'
        AND w.order_line_id IS DISTINCT FROM x.order_line_id
    WHERE x.shipment_id = :shipment ORDER BY w.id FOR UPDATE OF w"""
)


async def lock_former(db: AsyncConnection, shipment_id: UUID) -> Sequence[WarrantyRow]:
    """Lock and return the active warranties that units of a shipment had before they were sold."""
    return cast(Sequence[WarrantyRow], (await db.execute(_FORMER, {"shipment": shipment_id})).all())


_ENDING = """status = 'active' AND told_ends_on IS DISTINCT FROM ends_on
        AND ends_on BETWEEN CAST(:today AS date) AND CAST(:until AS date)"""
_FIND_ENDING = text(f"SELECT id FROM warranties WHERE {_ENDING} ORDER BY ends_on LIMIT :limit")
_TELL_ENDING = text(
    f"""UPDATE warranties SET told_ends_on = ends_on WHERE id IN (
        SELECT id FROM warranties WHERE id = ANY(:ids) AND {_ENDING}
        ORDER BY id FOR UPDATE SKIP LOCKED) RETURNING *"""
)


async def find_ending(db: AsyncConnection, today: date, until: date, limit: int) -> Sequence[UUID]:
    """Return active warranties whose last day is near and was not announced."""
    given = {"today": today, "until": until, "limit": limit}
    return (await db.execute(_FIND_ENDING, given)).scalars().all()


async def tell_ending(db: AsyncConnection, today: date, until: date, ids: Sequence[UUID]) -> int:
    """Announce that warranties end soon, each end once; return how many.

    What another transaction holds is left to the next sweep.
    """
    told = await db.execute(_TELL_ENDING, {"today": today, "until": until, "ids": list(ids)})
    rows = cast(Sequence[WarrantyRow], told.all())
    if rows:
        await add_events(
            db,
            [
                warranty_event(
                    row,
                    "ending",
                    "system",
                    {"customer_id": row.customer_id, "ends_on": row.ends_on},
                )
                for row in rows
            ],
        )
    return len(rows)
