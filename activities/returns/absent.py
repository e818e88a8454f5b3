"""Goods of returns that never came and count as received: accepted, and lost on their way."""

from sqlalchemy.ext.asyncio import AsyncConnection

from activities.returns.disposing import lose_absent
from activities.returns.serials import lock_units_of
from db.returns.tables import ReturnRow
from db.returns.writes import count_received, goods_of, write_disposition
from domain.ids import ReturnLineId
from domain.returns.requests import InspectedUnits
from domain.returns.status import Disposition

LOST = "lost on its way to us"
"""What a disposition says of goods that never came."""


async def accept_absent(db: AsyncConnection, found: ReturnRow, actor: str, note: str = LOST) -> int:
    """Accept what has not come of a locked return, as scrapped where it is; no stock moves.

    Returns how many units.
    """
    goods = await goods_of(db, found.id)
    lost = {line.id: left for line in goods if (left := line.quantity - line.received)}
    if lost:
        await lock_units_of(db, goods)
        await count_received(db, found.id, lost)
    for line_id, quantity in lost.items():
        units = InspectedUnits(
            return_line_id=ReturnLineId(line_id),
            quantity=quantity,
            disposition=Disposition.SCRAP,
            accepted=True,
            note=note,
        )
        disposition_id = await write_disposition(db, units, None, actor, came=False)
        # What stays with the customer, is so for its serial units, too.
        if note == LOST:
            line = next(line for line in goods if line.id == line_id)
            await lose_absent(db, found, line, quantity, disposition_id, actor)
    return sum(lost.values())
