"""Reversals: the opposite of an adjustment that was made by mistake, once."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from db.inventory.counting import find_balancing
from db.inventory.movements import Movement, Place
from db.inventory.posting import lock_places, post
from db.inventory.undercutting import refuse_to_undercut
from domain.access import EVERYTHING, Reach
from domain.adjustments import ReverseMovement, check_reversible, reversed_at
from domain.errors import AlreadyExists, Malformed, NotFound
from domain.inventory import VIRTUAL, LocationKind, MovementKind
from domain.items import Tracking
from domain.quantities import LARGEST_BALANCE

# What is written down never changes, so that it need not be locked.
_MADE = text(
    """SELECT m.id, m.kind, m.document_type, m.item_id, i.sku, i.tracking, m.lot_id, m.quantity,
        m.from_location_id, m.to_location_id, f.kind AS from_kind, m.reverses_id, m.occurred_at,
        now() AS now
    FROM movements m JOIN items i ON i.id = m.item_id JOIN locations f ON f.id = m.from_location_id
    WHERE m.id = :id"""
)
_REVERSAL = text("SELECT id FROM movements WHERE reverses_id = :id")


@dataclass(frozen=True, slots=True)
class Reversal:
    """What has been reversed, and by how much the stock of a location changed."""

    item_id: UUID
    sku: str
    location_id: UUID
    lot_id: UUID | None
    quantity: Decimal
    occurred_at: datetime


async def reverse_movement(
    db: AsyncConnection,
    reversal_id: UUID,
    movement_id: UUID,
    asked: ReverseMovement,
    *,
    actor: str,
    reach: Reach = EVERYTHING,
) -> Reversal:
    """Post the opposite of an adjustment.

    Raises NotFound; IllegalMove for what is no adjustment by hand, AlreadyExists with the id of an
    earlier reversal, Malformed for a moment at which it cannot have been, and what taking by hand
    is refused with: OutOfStock with the holders within ``reach``, IllegalMove for goods of returns.
    """
    made = (await db.execute(_MADE, {"id": movement_id})).one_or_none()
    if made is None:
        raise NotFound(f"there is no movement {movement_id}")
    check_reversible(
        made.kind,
        document_type=made.document_type,
        is_reversal=made.reverses_id is not None,
        has_serials=made.tracking == Tracking.SERIAL,
    )
    takes = LocationKind(made.from_kind) in VIRTUAL
    location_id = made.to_location_id if takes else made.from_location_id
    await lock_places(db, [Place(made.item_id, location_id, made.lot_id)])
    await _refuse_a_second(db, movement_id)
    opposite = Movement(
        id=reversal_id,
        key=f"reversal/{movement_id}",
        kind=MovementKind.ADJUSTMENT,
        item_id=made.item_id,
        quantity=made.quantity,
        from_location_id=made.to_location_id,
        to_location_id=made.from_location_id,
        actor=actor,
        reason=asked.reason,
        lot_id=made.lot_id,
        occurred_at=reversed_at(asked.occurred_at, made.occurred_at, made.now),
        reverses_id=movement_id,
    )
    balancing = await find_balancing(db, opposite, location_id)
    if takes and balancing is None:
        where = {"item": made.item_id, "location": location_id, "lot": made.lot_id}
        await refuse_to_undercut(db, made.quantity, where, reach=reach)
    posted = await post(db, [opposite, *([balancing] if balancing else [])])
    if posted.balances[0].on_hand > LARGEST_BALANCE:
        raise Malformed(f"a location holds at most {LARGEST_BALANCE} of an item")
    return Reversal(
        item_id=made.item_id,
        sku=made.sku,
        location_id=location_id,
        lot_id=made.lot_id,
        quantity=-made.quantity if takes else made.quantity,
        occurred_at=opposite.occurred_at or made.now,
    )


async def _refuse_a_second(db: AsyncConnection, movement_id: UUID) -> None:
    found = (await db.execute(_REVERSAL, {"id": movement_id})).scalar_one_or_none()
    if found is not None:
        raise AlreadyExists("the movement is reversed already", id=str(found))
