"""Lots of returned goods: they come back into the lot that they were shipped from.

Where a line was shipped from several lots, the warehouse says which one it is.
"""

from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from db.returns.lots import LotThere, lots_in_quarantine, lots_with_customer
from db.returns.tables import ReturnRow
from db.returns.writes import GoodsRow, StandingRow
from domain.errors import Malformed
from domain.items import Tracking
from domain.lots import lot_key
from domain.returns.requests import InspectedUnits, ReceivedLine


async def lots_that_come(
    db: AsyncConnection, goods: dict[UUID, GoodsRow], lines: Sequence[ReceivedLine]
) -> dict[UUID, UUID]:
    """Return the lot of the units that come of each line, for items that are tracked by lot.

    Raises Malformed where it is not named and could be several, or was not shipped.
    """
    chosen = {}
    for position, units in enumerate(lines):
        line = goods[units.return_line_id]
        there = None
        if line.tracking == Tracking.LOT:
            there = await lots_with_customer(db, line.order_line_id)
        lot = choose(there, line.sku, units.lot, units.quantity, f"/lines/{position}/lot")
        if lot is not None:
            chosen[line.id] = lot
    return chosen


class LotsWaiting:
    """The lots of a return's goods that wait in quarantine, as dispositions take from them."""

    def __init__(self, there: dict[UUID, list[LotThere]]) -> None:
        """Keep them by the return's line; lines of items without lots are not in it."""
        self._there = there

    @classmethod
    async def of(
        cls,
        db: AsyncConnection,
        found: ReturnRow,
        goods: Iterable[GoodsRow],
        back: Iterable[StandingRow],
    ) -> "LotsWaiting":
        """Return what waits, and what is moved ``back`` because its disposition is revised."""
        there = {
            line.id: await lots_in_quarantine(db, found.id, found.quarantine_id, line.order_line_id)
            for line in goods
            if line.tracking == Tracking.LOT
        }
        waiting = cls(there)
        for each in back:
            if each.lot_id is not None and each.location_id is not None:
                waiting.add(each.return_line_id, each.lot_id, each.lot or "", each.quantity)
        return waiting

    def add(self, line_id: UUID, lot_id: UUID, code: str, units: int) -> None:
        """Count units of a lot that come into quarantine."""
        known = next((one for one in self._there[line_id] if one.id == lot_id), None)
        if known is None:
            self._there[line_id].append(LotThere(lot_id, code, lot_key(code), units))
        else:
            known.units += units

    def take(self, line: GoodsRow, units: InspectedUnits, position: int) -> UUID | None:
        """Return the lot that inspected units are of, and count them off; None without lots."""
        there = self._there.get(line.id)
        pointer = f"/lines/{position}/lot"
        lot_id = choose(there, line.sku, units.lot, units.quantity, pointer)
        for one in there or ():
            one.units -= units.quantity if one.id == lot_id else 0
        return lot_id


async def lot_that_turned_up(
    db: AsyncConnection, each: StandingRow, asked: Iterable[InspectedUnits]
) -> LotThere | None:
    """Return the lot of goods that were given up as lost: the one that is named, or the soonest.

    None of an item without lots.
    """
    if each.tracking != Tracking.LOT:
        return None
    named = {
        lot_key(units.lot)
        for units in asked
        if units.return_line_id == each.return_line_id and units.lot
    }
    there = await lots_with_customer(db, each.order_line_id)
    return next((one for one in there if one.code_key in named), there[0])


def choose(
    there: Sequence[LotThere] | None, sku: str, code: str | None, units: int, pointer: str
) -> UUID | None:
    """Return the lot that units are of, of those that are ``there``; None of an item without lots.

    Raises Malformed for one that is not there, or not as often, and where it could be several.
    """
    if there is None:
        if code is None:
            return None
        raise _wrong(pointer, f"{sku} has no lots", "not of an item without lots")
    key = code and lot_key(code)
    here = [one for one in there if one.units > 0]
    fitting = [one for one in here if key in (None, one.code_key)]
    names = ", ".join(f"{one.code} ({one.units})" for one in here)
    if code is None and len(fitting) > 1:
        raise _wrong(pointer, f"the units of {sku} may be of lots {names}: say which", "needed")
    if not fitting or fitting[0].units < units:
        raise _wrong(pointer, f"there are {names or 'none'} of {sku}", "not so many of this lot")
    return fitting[0].id


def _wrong(pointer: str, words: str, message: str) -> Malformed:
    return Malformed(words, errors=[{"pointer": pointer, "message": message}])
