"""Writes of warranties: registered once, locked and changed, their near end told once."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, cast
from uuid import UUID

from sqlalchemy import select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

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


async def add_warranties(db: AsyncConnection, warranties: Sequence[Mapping[str, Any]]) -> int:
    """Register warranties with their events, and return how many.

    What a shipment has registered before is left out, and a unit with an active one of the term.
    """
    found = await db.execute(
        insert(WarrantyRow)
        .values([{"status": WarrantyStatus.ACTIVE, **each} for each in warranties])
        .on_conflict_do_nothing()
        .returning(WarrantyRow.__table__)
    )
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


async def lock_former(
    db: AsyncConnection, shipment_id: UUID, unit_ids: Sequence[UUID]
) -> Sequence[WarrantyRow]:
    """Lock and return the active warranties on units that others than this shipment registered."""
    query = select(WarrantyRow.__table__).where(
        WarrantyRow.unit_id.in_(unit_ids),
        WarrantyRow.status == WarrantyStatus.ACTIVE,
        WarrantyRow.shipment_id.is_distinct_from(shipment_id),
    )
    found = await db.execute(query.order_by(WarrantyRow.id).with_for_update())
    return cast(Sequence[WarrantyRow], found.all())


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
