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
from tests.shop import HOME, SITES
from tests.units import adjust, pick, serials, stock_saws

Move = Callable[[], Awaitable[Any]]


_LINE = "SELECT quantity, location_id FROM shipment_lines WHERE shipment_id = :id"
_OF_RETURN = "SELECT l.id FROM return_lines l WHERE l.return_id = :back"
_EXPECTED = """u.status = 'sold' AND u.order_line_id IN (
    SELECT order_line_id FROM return_lines WHERE return_id = :back)"""
_WAITING = f"u.disposition_id IS NULL AND u.return_line_id IN ({_OF_RETURN})"


class Units:
    """The units of an item, and what happens to them by chance; what is refused changes nothing."""

    def __init__(self, bench: Bench, rng: random.Random) -> None:
        self.bench = bench
        self.rng = rng
        self.serials = serials(6)
        self.orders: list[Any] = []
        self.told: list[str] = []
        self.item: ItemId

    async def begin(self) -> None:
        self.item = await stock_saws(self.bench.shop, *self.serials[:4])

    @property
    def moves(self) -> list[tuple[int, Move]]:
        """Return what may happen; what comes late in a unit's life is tried more often."""
        return [
            (1, self._count),
            (2, self._order),
            (3, self._pick),
            (4, self._book),
            (5, self._send),
            (6, self._end),
            (4, self._ask_back),
            (6, self._receive),
            (6, self._inspect),
        ]

    async def go_on(self) -> None:
        """Let one thing happen, and look whether each unit is at one place, and counted there."""
        query = "SELECT DISTINCT order_id AS id FROM order_lines WHERE item_id = :item ORDER BY 1"
        self.orders = await self._all(query)
        weights = [weight for weight, _ in self.moves]
        chosen = self.rng.choices([move for _, move in self.moves], weights, k=8)
        moves = [*chosen, self._pick]
        if self.rng.random() < 0.02:
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

    async def _fitting(self, which: str, units: int = 0, **given: Any) -> list[str]:
        """Return serials of units that fit, as many as are wanted; now and then of any others."""
        query = f"SELECT u.serial AS id FROM units u WHERE u.item_id = :item AND {which}"
        found = await self._all(query, **given)
        units = units or self.rng.randint(1, 2)
        if len(found) < units or self.rng.random() < 0.1:
            return self._some()
        return self.rng.sample(found, units)

    async def _one(self, query: str, **given: Any) -> UUID | None:
        rows = await self.bench.shop.rows(query, orders=self.orders, **given)
        return self.rng.choice(rows)["id"] if rows else None

    async def _all(self, query: str, **given: Any) -> list[Any]:
        rows = await self.bench.shop.rows(query, orders=self.orders, item=self.item, **given)
        return [row["id"] for row in rows]

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

    async def _order(self, postal_code: str = HOME) -> object:
        units = self.rng.randint(1, 2)
        on_hand, reserved = await self.bench.shop.stock(self.item)
        if on_hand - reserved < units or len(self.orders) > 4:
            return None
        order = await self.bench.shop.place((self.item, units), postal_code=postal_code)
        await self.bench.take("authorize_payment", order)
        return units

    async def _pick(self) -> object:
        if shipment := await self._shipment("pending", "booked"):
            [line] = await self.bench.shop.rows(_LINE, id=shipment)
            free = "u.location_id = :place AND u.status = 'in_stock' AND u.shipment_line_id IS NULL"
            named = await self._fitting(free, line["quantity"], place=line["location_id"])
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
            units, named = await self._meant(OrderId(order))
            await ask_back(self.bench, OrderId(order), units, *named)
            return units, named
        return None

    async def _meant(self, order: OrderId) -> tuple[int, list[str]]:
        """Return how many units of an order are to come back, and which, if that is said."""
        units = self.rng.choice((1, 1, 2))
        sold = "u.status = 'sold' AND u.order_line_id IN (SELECT id FROM order_lines WHERE"
        named = await self._fitting(f"{sold} order_id = :order)", units, order=order)
        return units, self.rng.choice(([], named))

    async def _receive(self) -> object:
        if back := await self._return("authorized"):
            left = "SELECT quantity - received FROM return_lines WHERE return_id = :id"
            units = self.rng.randint(1, await self.bench.shop.one(left, id=back) or 1)
            named = await self._fitting(_EXPECTED, units, back=back)
            await receive(self.bench, back, await line_of(self.bench, back), *named)
            return named
        return None

    async def _quantity(self, dispositions: tuple[UUID, ...]) -> int:
        query = (
            "SELECT coalesce(sum(quantity), 1)::int FROM return_dispositions WHERE id = ANY(:ids)"
        )
        return int(await self.bench.shop.one(query, ids=list(dispositions)))

    async def _inspect(self) -> object:
        if back := await self._return("received", "inspected"):
            end = self.rng.choice(list(Disposition))
            query = """SELECT d.id FROM return_dispositions d JOIN return_lines l
                ON l.id = d.return_line_id WHERE l.return_id = :back AND d.revised_at IS NULL"""
            standing = await self._one(f"{query} AND CAST(:orders AS uuid[]) <> '{{}}'", back=back)
            revise = (standing,) if standing and self.rng.random() < 0.5 else ()
            which = "u.disposition_id = ANY(:revise)" if revise else _WAITING
            units = await self._quantity(revise)
            named = await self._fitting(which, units, back=back, revise=list(revise))
            line = await line_of(self.bench, back)
            await inspect(self.bench, back, line, end, *named, revise=revise)
            return named, end
        return None
