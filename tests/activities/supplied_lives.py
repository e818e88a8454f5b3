"""Random lives of work orders whose parts are moved: issued, returned, installed, taken out."""

import random
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from activities.inventory.inspecting import inspect_unit
from activities.work_orders.issuing import issue_parts
from activities.work_orders.putting_back import return_parts
from activities.work_orders.releasing import cancel_work_order
from activities.work_orders.swapping import swap
from activities.work_orders.working import sign_off
from db.work_orders.tables import WorkOrderRow
from domain.adjustments import InspectedTo, InspectUnit
from domain.errors import DomainError, IllegalMove
from domain.ids import new_id
from domain.inventory import LocationKind
from domain.policy import Policy
from domain.units import UnitStatus
from domain.work_orders.requests import (
    CancelWork,
    InstallComponent,
    IssuedPart,
    IssueParts,
    LeftPart,
    MovedPart,
    PutBackParts,
    RemoveComponent,
    SwapComponents,
)
from domain.work_orders.status import LeftTo, Removed, UnitTo
from tests.activities.done_lives import DoneWork
from tests.activities.work_lives import WENT, Move

OUT = {
    Removed.QUARANTINE: UnitStatus.QUARANTINED,
    Removed.RESTOCK: UnitStatus.IN_STOCK,
    Removed.SCRAP: UnitStatus.SCRAPPED,
}
GENEROUS = Policy(over_issue_tolerance=Decimal(1))
"""Twice of what was planned may be issued, for a reason."""
OVERLAPPING = """SELECT a.position FROM installations a JOIN installations b ON a.id < b.id
    AND (a.unit_id = b.unit_id OR a.parent_unit_id = b.parent_unit_id AND a.position = b.position)
    WHERE tstzrange(a.installed_at, a.removed_at) && tstzrange(b.installed_at, b.removed_at)"""
"""Components that were at two places at once, and places with two at once."""
FOR_SALE = """SELECT u.serial FROM units u JOIN locations l ON l.id = u.location_id
    WHERE u.ownership = 'customer' AND l.sellable"""
"""Goods of customers that are for sale."""


class SuppliedWork(DoneWork):
    """Work that uses up parts, and what the test itself counts of them."""

    @property
    def moves(self) -> list[tuple[int, Move]]:
        """Return what may happen, with weights."""
        return [
            *super().moves,
            (10, self._issue),
            (3, self._put_back),
            (8, self._swap),
            (2, self._inspect),
            (2, self._serve),
            (2, self._give_up),
        ]

    def _lying(self, *states: UnitStatus, among: list[str] | None = None) -> list[str]:
        return [one for one in among or self.hinges if self.at[one] in states]

    def _some(self, rng: random.Random, units: int, *states: UnitStatus) -> tuple[str, ...]:
        """Return hinges in these states, now and then any others."""
        found = self._lying(*states)
        if len(found) < units or rng.random() < 0.1:
            found = self.hinges
        return tuple(rng.sample(found, min(units, len(found))))

    async def _moved(self, rng: random.Random, work: UUID, state: UnitStatus) -> MovedPart | None:
        """Return how much of which part is to move, now and then of any, or too much."""
        left = "open" if state is UnitStatus.IN_STOCK else "out"
        parts = await self.parts(work)
        if rng.random() < 0.9:
            parts = [part for part in parts if part[left] > 0]
        if not parts:
            return None
        part = rng.choice(parts)
        units = rng.choice((1, max(int(part[left]), 1), 2))
        named = self._some(rng, units, state) if part["item_id"] == self.hinge else ()
        return MovedPart(part_id=part["id"], quantity=units, serials=named)

    def _count(self, moved: MovedPart, sign: int, state: UnitStatus) -> None:
        if moved.serials:
            self.at |= dict.fromkeys(moved.serials, state)
        else:
            self.moved["shelf"] += sign * int(moved.quantity)

    async def _issue(self, rng: random.Random) -> object:
        if (work := await self.one(rng, "in_progress", "in_progress", "released")) is None:
            return None
        if (what := await self._moved(rng, work, UnitStatus.IN_STOCK)) is None:
            return None
        why = rng.choice(("", "one broke"))
        asked = IssueParts(parts=(IssuedPart(**what.model_dump(), reason=why),))
        await self.change(
            work, lambda db, found: issue_parts(db, found, asked, GENEROUS, actor="operator")
        )
        self._count(what, -1, UnitStatus.ISSUED)
        return what.serials or what.quantity

    async def _put_back(self, rng: random.Random) -> object:
        if (work := await self.one(rng, "in_progress", "completed")) is None:
            return None
        if (what := await self._moved(rng, work, UnitStatus.ISSUED)) is None:
            return None
        asked = PutBackParts(parts=(what,))
        await self.change(work, lambda db, found: return_parts(db, found, asked, actor="operator"))
        self._count(what, 1, UnitStatus.IN_STOCK)
        return what.serials or what.quantity

    async def _swap(self, rng: random.Random) -> object:
        if (work := await self.one(rng, "in_progress")) is None:
            return None
        remove, install = self._taken_out(rng), self._put_in(rng)
        if remove is None and install is None:
            return None
        asked = SwapComponents(remove=remove, install=install)
        await self.change(work, lambda db, found: swap(db, found, asked, actor="operator"))
        if remove and remove.serial:
            self.at[remove.serial] = OUT[remove.to]
        elif remove and remove.to is not Removed.SCRAP:
            self.moved["shelf" if remove.to is Removed.RESTOCK else "aside"] += 1
        if install:
            self.at[install.serial] = UnitStatus.INSTALLED
        return asked.model_dump(exclude_none=True)

    def _taken_out(self, rng: random.Random) -> RemoveComponent | None:
        to = rng.choice(list(Removed))
        if rng.random() < 0.2:
            return RemoveComponent(item_id=self.screws, to=to)
        inside = self._lying(UnitStatus.INSTALLED)
        if inside and rng.random() < 0.6:
            return RemoveComponent(serial=rng.choice(inside), to=to)
        return None

    def _put_in(self, rng: random.Random) -> InstallComponent | None:
        lying = self._lying(UnitStatus.ISSUED) or self.hinges
        if rng.random() < 0.6:
            position = rng.choice(("left", "right"))
            return InstallComponent(serial=rng.choice(lying), position=position)
        return None

    async def _inspect(self, rng: random.Random) -> object:
        """Put what lies in quarantine onto a shelf, or write it off."""
        lying = self._lying(UnitStatus.QUARANTINED, among=list(self.at))
        if not lying:
            return None
        asked = InspectUnit(
            serial=rng.choice(lying), to=rng.choice(list(InspectedTo)), reason="looked at"
        )
        async with self.shop.books.begin() as db:
            await inspect_unit(db, new_id(), asked, actor="inspector")
        scrapped = asked.to is InspectedTo.SCRAP
        self.at[asked.serial] = UnitStatus.SCRAPPED if scrapped else UnitStatus.IN_STOCK
        return asked.serial, asked.to

    async def _serve(self, rng: random.Random) -> object:
        """Have the site's run look who waits, and runs of work look at it."""
        await self.bench.take("serve_waiting", self.shop.sites["AUS"])
        if work := await self.one(rng, "released", "in_progress"):
            return await self.bench.take("look_at_work_order", work)
        return None

    async def _give_up(self, rng: random.Random) -> object:
        if (work := await self.one(rng, "in_progress")) is None or rng.random() < 0.7:
            return None
        await self.give_up(work, rng)
        return "given up"

    async def give_up(self, work: UUID, rng: random.Random) -> None:
        """Give work up, and say of all that was issued where it goes."""
        left = [part for each in await self.parts(work) for part in await self._left(each, rng)]
        unit_to = rng.choice(list(UnitTo)) if work in self.taken else None
        asked = CancelWork(reason="too dear", unit_to=unit_to, parts=tuple(left))

        async def cancel(db: AsyncConnection, found: WorkOrderRow) -> None:
            await cancel_work_order(db, found, asked, actor="planner")

        await self.change(work, cancel)
        for part in left:
            used = part.to is LeftTo.USED
            if part.serials or not used:
                self._count(part, 1, UnitStatus.SCRAPPED if used else UnitStatus.IN_STOCK)
        if unit_to:
            self.taken.discard(work)
            self.at[self.works[work] or ""] = WENT[unit_to]

    async def _left(self, part: Any, rng: random.Random) -> list[LeftPart]:
        query = """SELECT u.serial FROM units u JOIN unit_events e ON e.unit_id = u.id
            AND e.sequence = u.events WHERE u.status = 'issued' AND e.line_id = :id"""
        lying = [row["serial"] for row in await self.shop.rows(query, id=part["id"])]
        to = rng.choice(list(LeftTo))
        if part["item_id"] == self.hinge:
            return [LeftPart(part_id=part["id"], quantity=1, serials=(x,), to=to) for x in lying]
        units = part["out"]
        return [LeftPart(part_id=part["id"], quantity=units, to=to)] if units else []

    async def end(self) -> None:
        """Bring all that is under way to its end."""
        for work in self.works:
            await self.let_go(work)
            try:
                await self.stop(work)
            except IllegalMove:
                self.told.append("no timer runs")
            query = "SELECT status FROM work_orders WHERE id = :id"
            status = await self.shop.one(query, id=work)
            if status == "completed":
                await self.change(work, lambda db, found: sign_off(db, found, actor="inspector"))
                await self.came_back(work)
            elif status not in ("closed", "cancelled"):
                await self._end(work)

    async def _end(self, work: UUID) -> None:
        try:
            await self.give_up(work, self.rng)
        except DomainError as refusal:
            self.told.append(f"not given up: {refusal.detail}")
            raise

    async def all_is_where_it_should_be(self) -> None:
        """Compare the books with what this life has counted itself."""
        await self.units_are_where_they_should_be()
        expected = {
            "stock": self.opening + self.moved["shelf"],
            "quarantine": self.moved["aside"],
        }
        for kind, units in expected.items():
            assert await self._on_hand(LocationKind(kind)) == units, kind
        query = "SELECT coalesce(sum(reserved), 0)::int FROM balances WHERE item_id = ANY(:items)"
        assert await self.shop.one(query, items=[self.screws, self.hinge]) == 0
        assert await self.shop.rows(OVERLAPPING) == []
        assert await self.shop.rows(FOR_SALE) == []

    async def _on_hand(self, kind: LocationKind) -> int:
        query = """SELECT coalesce(sum(b.on_hand), 0)::int FROM balances b
            JOIN locations l ON l.id = b.location_id WHERE b.item_id = :item AND l.kind = :kind"""
        return int(await self.shop.one(query, item=self.screws, kind=kind))
