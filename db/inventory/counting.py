"""Counts that are posted, and what is late: both leave every posted count standing."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from db.inventory.counts import get_expected, post_lines
from db.inventory.movements import Movement, Place
from db.inventory.places import place_id
from db.inventory.posting import lock_places, note_counted, post
from db.inventory.undercutting import refuse_to_undercut
from domain.errors import AlreadyExists
from domain.inventory import LocationKind, MovementKind

COUNT = "count"
"""What kind of document the movements of a count are for."""
_SINCE = text(
    """SELECT id, count_id, counted_at FROM count_lines
    WHERE item_id = :item AND location_id = :location
        AND lot_id IS NOT DISTINCT FROM CAST(:lot AS uuid)
        AND posted_at IS NOT NULL AND counted_at >= :moment
    ORDER BY counted_at LIMIT 1"""
)


async def find_balancing(db: AsyncConnection, late: Movement, location_id: UUID) -> Movement | None:
    """Return what balances a movement at the first count of its locked balance since; or None.

    ``late`` says when it occurred. What is there now has been counted, or follows from that.
    """
    count = await _find_count(db, late, location_id)
    if count is None:
        return None
    loss = place_id(LocationKind.LOSS)
    entered = late.to_location_id == location_id
    return Movement(
        key=f"count/{count.id}/{late.id}",
        kind=MovementKind.COUNT,
        item_id=late.item_id,
        quantity=late.quantity,
        from_location_id=location_id if entered else loss,
        to_location_id=loss if entered else location_id,
        actor=late.actor,
        reason="balances what was written down later",
        document_type=COUNT,
        document_id=count.count_id,
        line_id=count.id,
        occurred_at=count.counted_at,
        lot_id=late.lot_id,
        balances_id=late.id,
    )


async def _find_count(db: AsyncConnection, late: Movement, location_id: UUID) -> Row[Any] | None:
    given = {
        "item": late.item_id,
        "location": location_id,
        "lot": late.lot_id,
        "moment": late.occurred_at,
    }
    return (await db.execute(_SINCE, given)).one_or_none()


async def post_count(
    db: AsyncConnection, count_id: UUID, lines: Sequence[Row[Any]], *, actor: str
) -> list[tuple[Row[Any], Decimal]]:
    """Have what was counted stand as of then, and return each line with its variance.

    What has moved since is applied on top. Raises before anything is written: OutOfStock with the
    holders when less would be there than is promised, IllegalMove for goods that a return is not
    done with, and AlreadyExists for a balance that was counted at the very moment already.
    """
    places = [Place(each.item_id, each.location_id, each.lot_id, each.counted_at) for each in lines]
    await lock_places(db, places)
    expected = await get_expected(db, places)
    varied = [(line, line.counted - was) for line, was in zip(lines, expected, strict=True)]
    movements = []
    for line, variance in varied:
        movements += await _movements(db, count_id, line, variance, actor)
    await post(db, movements)
    await note_counted(db, places)
    await post_lines(db, {line.id: was for line, was in zip(lines, expected, strict=True)})
    return varied


async def _movements(
    db: AsyncConnection, count_id: UUID, line: Row[Any], variance: Decimal, actor: str
) -> list[Movement]:
    """Return what makes the books agree with a line, and what balances that at a later count."""
    loss = place_id(LocationKind.LOSS)
    more = variance > 0
    own = Movement(
        key=f"count/{line.id}",
        kind=MovementKind.COUNT,
        item_id=line.item_id,
        quantity=abs(variance),
        from_location_id=loss if more else line.location_id,
        to_location_id=line.location_id if more else loss,
        actor=actor,
        reason="count",
        document_type=COUNT,
        document_id=count_id,
        line_id=line.id,
        occurred_at=line.counted_at,
        lot_id=line.lot_id,
    )
    balancing = await find_balancing(db, own, line.location_id)
    if balancing is not None and balancing.occurred_at == line.counted_at:
        raise AlreadyExists(
            "this was counted at that very moment already", id=str(balancing.document_id)
        )
    if not variance:
        return []
    if balancing is not None:
        return [own, balancing]
    if not more:
        where = {"item": line.item_id, "location": line.location_id, "lot": line.lot_id}
        await refuse_to_undercut(db, -variance, where)
    return [own]
