"""What seldom happens to units: cancelled lines, refused labels, lost returns, replacements."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from activities.returns.deciding import cancel_return
from activities.returns.receiving import finish_receiving
from activities.tasks import accept_answer
from db.tasks import open_task
from domain.access import Role
from domain.answers import BookingAnswer
from domain.documents import Kind
from domain.ids import OrderId, TaskId
from domain.orders.placing import Service
from domain.returns.status import ReplacementTiming, ResolutionWanted
from domain.shipments.booking import AnswerDetails
from domain.tasks import Decision, TaskKind
from tests.activities.serial_lives import Move, Units
from tests.activities.serial_returns import ask_back
from tests.shop import address
from tests.units import remove

UNSERVICEABLE = "00000"
_DETAILS: dict[str, Callable[[], AnswerDetails]] = {
    BookingAnswer.CHANGE_ADDRESS: lambda: AnswerDetails(address=address()),
    BookingAnswer.CHANGE_SERVICE: lambda: AnswerDetails(service=Service.EXPRESS),
    BookingAnswer.SMALLER_BOXES: lambda: AnswerDetails(heaviest_box_grams=30_000),
    BookingAnswer.SPLIT: lambda: AnswerDetails(shipments=2),
}


class TroubledUnits(Units):
    """Units to which anything may happen."""

    @property
    def moves(self) -> list[tuple[int, Move]]:
        """Return what may happen, with weights."""
        return [
            *super().moves,
            (1, self._order_to_nowhere),
            (1, self._cancel_units),
            (1, self._count_out),
            (2, self._finish),
            (8, self._decide),
            (4, self._lose_return),
            (1, self._give_up_return),
            (4, self._ask_for_another),
            (2, self._end_otherwise),
            (8, self._steps),
        ]

    async def _order_to_nowhere(self) -> object:
        return await self._order(UNSERVICEABLE)

    async def _cancel_units(self) -> object:
        query = "SELECT id FROM orders WHERE id = ANY(:orders) AND status = 'confirmed'"
        if order := await self._one(query):
            await self.bench.shop.cancel_units(OrderId(order), 1)
            await self.bench.take("withdraw_labels", order)
            await self.bench.take("cancel_order_lines", order)
            return "one"
        return None

    async def _count_out(self) -> object:
        [serial] = self._some(1)
        row = await self.bench.shop.rows(
            "SELECT 1 FROM units u JOIN locations l ON l.id = u.location_id"
            " WHERE u.serial = :serial AND l.site_id IS NOT NULL",
            serial=serial,
        )
        if not row:
            return None
        await remove(self.bench.shop, serial)
        return serial

    async def _finish(self) -> object:
        if back := await self._return("authorized"):
            async with self.bench.shop.books.begin() as db:
                await finish_receiving(db, back, actor="warehouse")
            return "finished"
        return None

    async def _decide(self) -> object:
        query = """SELECT id, kind, choices FROM tasks WHERE status = 'open' AND document_id IN (
            SELECT id FROM shipments WHERE order_id = ANY(:orders) UNION ALL
            SELECT id FROM returns WHERE order_id = ANY(:orders))"""
        tasks = await self.bench.shop.rows(query, orders=self.orders)
        if not tasks:
            return None
        task = self.rng.choice(tasks)
        choice = self.rng.choice([one for one in task["choices"] if one != "own_label"])
        details = AnswerDetails()
        if task["kind"] == TaskKind.BOOKING_REFUSED and choice in _DETAILS:
            details = _DETAILS[choice]()
        await self._answer(task["id"], choice, details)
        return task["kind"], choice

    async def _answer(self, task: UUID, choice: str, details: AnswerDetails) -> None:
        decision = Decision(task_id=TaskId(task), choice=choice, note="", actor="staff")
        async with self.bench.shop.books.begin() as db:
            asker = await accept_answer(db, decision, Role.ADMIN, details)
        if asker is not None:
            await self.bench.take("decide_task", decision)

    async def _lose_return(self) -> object:
        if back := await self._return("authorized"):
            async with self.bench.shop.books.begin() as db:
                await open_task(db, TaskKind.RETURN_PARCEL_LOST, Kind.RETURN, back, {})
            return "asked"
        return None

    async def _give_up_return(self) -> object:
        if back := await self._return("requested", "authorized"):
            async with self.bench.shop.books.begin() as db:
                await cancel_return(db, back, "", actor="support")
            return "cancelled"
        return None

    async def _ask_for_another(self) -> object:
        query = "SELECT order_id AS id FROM shipments WHERE order_id = ANY(:orders)"
        if order := await self._one(f"{query} AND status = 'delivered'"):
            timing = self.rng.choice(list(ReplacementTiming))
            rest: dict[str, Any] = {"resolution_wanted": ResolutionWanted.REPLACEMENT}
            units, named = await self._meant(OrderId(order))
            rest["replacement_timing"] = timing
            await ask_back(self.bench, OrderId(order), units, *named, **rest)
            return units, named, timing
        return None

    async def _end_otherwise(self) -> object:
        """Let a carrier say that a parcel has ended otherwise than it said before."""
        query = "SELECT id FROM shipments WHERE order_id = ANY(:orders)"
        ended = "status IN ('lost', 'returned', 'delivered')"
        if shipment := await self._one(f"{query} AND {ended}"):
            code = self.rng.choice(("DL", "RT", "LO"))
            await self.bench.scan(shipment, code)
            await self.bench.take("settle_shipment", shipment)
            return code
        return None

    async def _steps(self) -> None:
        """Take the steps of runs."""
        for order in await self._all("SELECT id FROM orders WHERE id = ANY(:orders)"):
            await self.bench.take("authorize_payment", order)
        query = "SELECT id FROM returns WHERE order_id = ANY(:orders)"
        for back in await self._all(query):
            await self.bench.take("settle_return", back)
        lost = "SELECT id FROM shipments WHERE order_id = ANY(:orders) AND status = 'returned'"
        for shipment in await self._all(lost):
            await self.bench.take("settle_shipment", shipment)
