"""Goods that were promised and are not there: counted out, with what else was free there."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from db.engine import to_json
from db.inventory.entering import record_adjusted
from db.inventory.lots import promisable
from db.inventory.movements import Movement
from db.inventory.places import place_id
from db.inventory.posting import post, release
from db.inventory.reads import quarantine_of
from db.inventory.undercutting import lock_balances
from domain.documents import Document
from domain.ids import new_id
from domain.inventory import LocationKind, MovementKind
from domain.shipments.missing import MissingReason

_HELD = text(
    """SELECT r.id, r.lot_id, r.quantity::int AS quantity, t.code AS lot, l.code AS location
    FROM reservations r JOIN locations l ON l.id = r.location_id LEFT JOIN lots t ON t.id = r.lot_id
    WHERE r.id = ANY (:ids) AND r.status = 'active'"""
)
_FREE = text(
    f"""SELECT w.id::uuid AS item_id, coalesce(sum(floor(b.on_hand - b.reserved))
            FILTER (WHERE {promisable("b")} AND l.sellable AND l.active AND s.active), 0) AS free
    FROM jsonb_array_elements_text(CAST(:items AS jsonb)) AS w(id)
        LEFT JOIN balances b ON b.item_id = w.id::uuid
        LEFT JOIN locations l ON l.id = b.location_id LEFT JOIN sites s ON s.id = l.site_id
    GROUP BY 1"""
)


@dataclass(frozen=True, slots=True)
class NotThere:
    """Units of an item that are not where they were promised from."""

    line_id: UUID
    item_id: UUID
    location_id: UUID
    lot_id: UUID | None
    quantity: int
    reason: str
    reservation_id: UUID
    """What was reserved of just these."""
    units: Sequence[UUID] = ()
    """The locked units that they are, of an item that is tracked by serial."""


async def held_by(db: AsyncConnection, reservations: Sequence[UUID]) -> dict[UUID, Any]:
    """Return of these reservations those that are active, with lot, quantity and location."""
    rows = (await db.execute(_HELD, {"ids": list(reservations)})).all()
    return {row.id: row for row in rows}


async def free_of(db: AsyncConnection, items: Sequence[UUID]) -> dict[UUID, int]:
    """Return how many units of these items may be promised now, at whatever site."""
    rows = await db.execute(_FREE, {"items": to_json(sorted(set(items)))})
    return {row.item_id: int(row.free) for row in rows}


async def count_out(
    db: AsyncConnection,
    missing: Sequence[NotThere],
    *,
    site_id: UUID,
    order_id: UUID,
    document: Document,
    actor: str,
) -> list[Movement]:
    """Release what was reserved of missing goods, take them out of the books, and return how.

    Where so many were not found no more can be free: what the books say is free there is put into
    the site's quarantine until it is counted. Of units that are known by serial, and of damaged
    ones, which were found, just those go.
    """
    quarantine = await quarantine_of(db, site_id)
    shelves = {_place(each) for each in missing}
    set_aside = {(each.item_id, quarantine, each.lot_id) for each in missing if _empties(each)}
    free = await lock_balances(db, shelves | set_aside)
    await release(db, order_id, [each.reservation_id for each in missing])
    loss = place_id(LocationKind.LOSS)
    moved = []
    for each in missing:
        out = Movement(
            key=f"missing/{each.reservation_id}",
            kind=MovementKind.ADJUSTMENT,
            item_id=each.item_id,
            quantity=each.quantity,
            from_location_id=each.location_id,
            to_location_id=loss,
            reason=f"{each.reason}: picking",
            document_type=document.kind,
            document_id=document.id,
            line_id=each.line_id,
            lot_id=each.lot_id,
            actor=actor,
            id=new_id(),
        )
        moved.append(out)
        rest = free.pop(_place(each), Decimal(0)) if _empties(each) else Decimal(0)
        if rest > 0:
            moved.append(
                Movement(
                    key=f"missing/{each.reservation_id}/rest",
                    kind=MovementKind.TRANSFER,
                    item_id=each.item_id,
                    quantity=rest,
                    from_location_id=each.location_id,
                    to_location_id=quarantine,
                    reason="to be counted: picking",
                    document_type=document.kind,
                    document_id=document.id,
                    lot_id=each.lot_id,
                    actor=actor,
                )
            )
        await record_adjusted(
            db,
            each.units,
            location_id=loss,
            kind=LocationKind.LOSS,
            entered=False,
            movement_id=out.id,
            reason=out.reason,
            actor=actor,
        )
    await post(db, moved)
    return moved


def _empties(each: NotThere) -> bool:
    """Whether nothing else can be there: the picker looked for more and found none."""
    return each.reason != MissingReason.DAMAGED and not each.units


def _place(each: NotThere) -> tuple[UUID, UUID, UUID | None]:
    return (each.item_id, each.location_id, each.lot_id)
