"""Random lives of the units of one item: counted in and out, picked, sold, lost, brought back."""

import random
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from db.verify.books import verify
from db.verify.inventory import CHECKS as OF_STOCK
from db.verify.units import CHECKS as OF_UNITS
from domain.errors import DomainError
from domain.ids import ItemId, OrderId, ReturnId
from domain.orders.requests import Cancellation
from domain.orders.status import CancelReason
from domain.returns.status import Disposition
from domain.shipments.outcomes import BookingOutcome
from tests.activities.bench import Bench
from tests.activities.serial_returns import ask_back, inspect, line_of, receive
from tests.shop import SITES
from tests.units import adjust, pick, serials, stock_saws

Move = Callable[[], Awaitable[Any]]


class Units:
    """The units of an item, and what happens to them by chance; what is refused changes nothing."""

    def __init__(self, bench: Bench, rng: random.Random) -> None:
        self.bench = bench
        self.rng = rng
        self.serials = serials(6)
        self.orders: list[OrderId] = []
        self.told: list[str] = []
        self.item: ItemId

    async def begin(self) -> None:
        self.item = await stock_saws(self.bench.shop, *self.serials[:4])

    async def go_on(self) -> None:
        """Let one thing happen, and look whether each unit is at one place, and counted there."""
        moves: list[Move] = [
            self._count,
            self._order,
            self._pick,
            self._book,
            self._send,
            self._end,
            self._ask_back,
            self._receive,
            self._inspect,
        ]
        # What comes late in a unit's life can seldom happen: it is tried more often.
        weights = [1, 2, 3, 4, 5, 6, 4, 6, 6]
        moves = [*self.rng.choices(moves, weights, k=8), self._pick]
        if self.rng.random() < 0.05:
            moves.insert(0, self._cancel)
        for move in moves:
            try:
                done = await move()
            except DomainError as refusal:
                # What is refused changes nothing: something else happens, too.
                self.told.append(f"{move.__name__} refused: {refusal.detail}")
                continue
            if done not in (None, BookingOutcome.HELD):
                self.told.append(f"{move.__name__}: {done}")
                break
        engine = self.bench.shop.books.engine
        found = await verify(engine, checks=[*OF_UNITS, *OF_STOCK])
        assert [(one.id, one.samples) for one in found if one.broken] == []

    def _some(self, most: int = 2) -> list[str]:
        return self.rng.sample(self.serials, self.rng.randint(1, most))

    async def _one(self, query: str, **given: Any) -> UUID | None:
        rows = await self.bench.shop.rows(query, orders=self.orders, **given)
        return self.rng.choice(rows)["id"] if rows else None

    async def _shipment(self, *statuses: str) -> UUID | None:
        query = "SELECT id FROM shipments WHERE order_id = ANY(:orders) AND status = ANY(:statuses)"
        return await self._one(query, statuses=list(statuses))

    async def _return(self, *statuses: str) -> ReturnId | None:
        query = "SELECT id FROM returns WHERE order_id = ANY(:orders) AND status = ANY(:statuses)"
        back = await self._one(query, statuses=list(statuses))
        return ReturnId(back) if back else None

    async def _count(self) -> object:
        named, sign = tuple(self._some()), self.rng.choice((1, -1))
        await adjust(self.bench.shop, self.item, named, site=self.rng.choice(SITES), sign=sign)
        return sign, named

    async def _order(self) -> object:
        units = self.rng.randint(1, 2)
        on_hand, reserved = await self.bench.shop.stock(self.item)
        if on_hand - reserved < units or len(self.orders) > 4:
            return None
        order = await self.bench.shop.place((self.item, units))
        await self.bench.take("authorize_payment", order)
        self.orders.append(order)
        return units

    async def _pick(self) -> object:
        if shipment := await self._shipment("pending", "booked"):
            named = self._some()
            await pick(self.bench.shop, shipment, *named)
            return named
        return None

    async def _book(self) -> object:
        if shipment := await self._shipment("pending"):
            return await self.bench.take("book_shipment", shipment)
        return None

    async def _send(self) -> object:
        if shipment := await self._shipment("booked"):
            await self.bench.scan(shipment, "PU")
            await self.bench.take("hand_over_shipment", shipment)
            return "sent"
        return None

    async def _end(self) -> object:
        if shipment := await self._shipment("picked_up"):
            code = self.rng.choice(("DL", "DL", "RT", "LO"))
            await self.bench.scan(shipment, code)
            await self.bench.take("settle_shipment", shipment)
            if code == "LO":
                await self.bench.take("write_off_shipment", shipment)
            return code
        return None

    async def _cancel(self) -> object:
        query = "SELECT id FROM orders WHERE id = ANY(:orders) AND status = 'confirmed'"
        if order := await self._one(query):
            reason = CancelReason.CUSTOMER_REQUEST
            cancellation = Cancellation(order_id=OrderId(order), reason=reason, actor="customer")
            if await self.bench.take("recall_shipments", order):
                status = await self.bench.take("cancel_order", cancellation)
                await self.bench.take("void_payment", order)
                return status
        return None

    async def _ask_back(self) -> object:
        query = "SELECT order_id AS id FROM shipments WHERE order_id = ANY(:orders)"
        order = await self._one(f"{query} AND status = 'delivered'")
        if order:
            named = self.rng.choice(([], self._some(1)))
            await ask_back(self.bench, OrderId(order), 1, *named)
            return named
        return None

    async def _receive(self) -> object:
        if back := await self._return("authorized"):
            named = self._some()
            await receive(self.bench, back, await line_of(self.bench, back), *named)
            return named
        return None

    async def _inspect(self) -> object:
        if back := await self._return("received", "inspected"):
            named, end = self._some(1), self.rng.choice(list(Disposition))
            query = """SELECT d.id FROM return_dispositions d JOIN return_lines l
                ON l.id = d.return_line_id WHERE l.return_id = :back AND d.revised_at IS NULL"""
            standing = await self._one(f"{query} AND CAST(:orders AS uuid[]) <> '{{}}'", back=back)
            revise = (standing,) if standing and self.rng.random() < 0.5 else ()
            line = await line_of(self.bench, back)
            await inspect(self.bench, back, line, end, *named, revise=revise)
            return named, end
        return None
