"""Place recorded sales orders over HTTP as a shop would, and follow them to their end."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from activities.access.accepting import create_key
from db.access import revoke_key
from db.engine import Database
from db.inventory.receiving import Arrival, find_available, receive_stock
from db.loading import count_customers
from db.orders.counts import count_by_status, find_references
from domain.ids import ItemId, new_id
from domain.orders.status import OrderStatus
from runtime.commands.adventureworks import sales
from runtime.commands.adventureworks.company import (
    CURRENCY,
    SOURCE,
    customer_id,
    item_id,
    location_id,
)
from runtime.commands.adventureworks.files import NotReadable
from runtime.commands.concurrency import together
from runtime.commands.shop import Answer, Shop

ACTOR = f"replay:{SOURCE}"
FINISHED_GOODS = 7
"""Their location into which missing stock is received."""
ENDED = frozenset({OrderStatus.COMPLETED, OrderStatus.CLOSED, OrderStatus.CANCELLED})
_POLL = 0.5
_READERS = 8

Recipient = Callable[[sales.SalesOrder], dict[str, str] | None]
"""Says where an order goes, if that is known."""


@dataclass
class Progress:
    """How far the orders are."""

    wanted: int = 0
    ids: dict[UUID, sales.SalesOrder] = field(default_factory=dict)
    """Every order that is in the books, whether accepted now or before."""
    already_there: int = 0
    refused: list[str] = field(default_factory=list)
    by_status: Mapping[str, int] = field(default_factory=dict)

    @property
    def accepted(self) -> int:
        """How many orders were accepted now."""
        return len(self.ids) - self.already_there

    @property
    def sent(self) -> int:
        """How many orders have had their answer."""
        return len(self.ids) + len(self.refused)

    @property
    def ended(self) -> int:
        """How many orders are at their end."""
        return sum(count for status, count in self.by_status.items() if status in ENDED)

    def note(self, order: sales.SalesOrder, answer: Answer) -> None:
        """Count the answer to an order."""
        if answer.status == 201:
            self.already_there += answer.replayed
            self.ids[UUID(answer.body["id"])] = order
        elif answer.code == "already_exists":
            self.already_there += 1
            self.ids[UUID(answer.body["id"])] = order
        else:
            self.refused.append(f"{order.number}: {answer}")


def select_orders(
    folder: Path, count: int, since: date | None, recipient: Recipient
) -> tuple[list[sales.SalesOrder], list[str]]:
    """Return the orders to place, and those that have no known address."""
    chosen = sales.choose(sales.read_orders(folder), count, since)
    good = [order for order in chosen if recipient(order) is not None]
    lost = [f"{o.number}: its address is unknown" for o in chosen if recipient(o) is None]
    return good, lost


def body_of(order: sales.SalesOrder, ship_to: Mapping[str, str]) -> dict[str, Any]:
    """Write the order as ``POST /orders`` takes it, with the data's own prices."""
    return {
        "customer_id": str(customer_id(order.customer_id)),
        "currency": CURRENCY,
        "lines": [
            {
                "item_id": str(item_id(line.product_id)),
                "quantity": line.quantity,
                "unit_price": _money(line.unit_cents),
            }
            for line in order.lines
        ],
        "ship_to": dict(ship_to),
        "payment": {"method": "card", "token": "tok_ok"},
        "external_reference": order.number,
        "tax": _money(order.tax_cents),
        "shipping": _money(order.freight_cents),
    }


def _money(cents: int) -> dict[str, Any]:
    return {"amount": cents, "currency": CURRENCY}


async def find_known(db: Database, orders: Sequence[sales.SalesOrder]) -> dict[str, UUID]:
    """Return the orders that are in the books already. Raises NotReadable before an import."""
    async with db.begin() as connection:
        if not await count_customers(connection, SOURCE):
            raise NotReadable("bring the company in first: stateset import adventureworks DIR")
        return await find_references(connection, SOURCE, [order.number for order in orders])


async def receive_missing(db: Database, orders: Sequence[sales.SalesOrder]) -> int:
    """Receive what these new orders need and the stock lacks; return how many units."""
    async with db.begin() as connection:
        needed: Counter[ItemId] = Counter()
        for order in orders:
            for line in order.lines:
                needed[item_id(line.product_id)] += line.quantity
        there = await find_available(connection, list(needed))
        run = uuid4()
        missing = {item: wanted - there.get(item, 0) for item, wanted in needed.items()}
        arrivals = [
            Arrival(f"receipt/{SOURCE}/{run}/{item}", item, location_id(FINISHED_GOODS), Decimal(n))
            for item, n in sorted(missing.items())
            if n > 0
        ]
        await receive_stock(connection, arrivals, actor=ACTOR)
    return sum(int(arrival.quantity) for arrival in arrivals)


@asynccontextmanager
async def own_key(db: Database) -> AsyncIterator[str]:
    """Make a key that may send its own prices, for the time of the block."""
    async with db.begin() as connection:
        key = await create_key(
            connection,
            new_id(),
            name=SOURCE,
            role="integration",
            scopes=["orders:price"],
            expires_at=datetime.now(UTC) + timedelta(days=1),
        )
    try:
        yield key
    finally:
        async with db.begin() as connection:
            await revoke_key(connection, key[3:11])


async def place_all(
    shop: Shop,
    orders: Sequence[sales.SalesOrder],
    recipient: Recipient,
    progress: Progress,
    concurrency: int,
) -> None:
    """Place the orders, so many at a time, oldest first. Raises NoAnswer."""
    waiting = iter(orders)

    async def work() -> None:
        for order in waiting:
            ship_to = recipient(order)
            if ship_to is not None:
                key = f"{SOURCE}/{order.number}"
                progress.note(order, await shop.post("/orders", body_of(order, ship_to), key))

    await together(*(work() for _ in range(concurrency)))


async def follow(
    db: Database, progress: Progress, posted: asyncio.Event, patience: timedelta
) -> float:
    """Look at the orders until all are posted and have ended, or nothing moved for ``patience``.

    Returns the instant (monotonic seconds) of the last movement.
    """
    moved = time.monotonic()
    before: Mapping[str, int] = {}
    while True:
        finished = posted.is_set()
        async with db.read() as connection:
            progress.by_status = await count_by_status(connection, list(progress.ids))
        if progress.by_status != before:
            before, moved = progress.by_status, time.monotonic()
        if finished and progress.ended == len(progress.ids):
            return moved
        if finished and time.monotonic() - moved > patience.total_seconds():
            return moved
        await asyncio.sleep(_POLL)


async def total_of(shop: Shop, ids: Sequence[UUID]) -> int:
    """Read the orders over HTTP and return the sum of their totals in cents."""
    waiting = iter(ids)
    sums: list[int] = []

    async def work() -> None:
        for order_id in waiting:
            answer = await shop.get(f"/orders/{order_id}")
            sums.append(int(answer.body["total"]["amount"]))

    await together(*(work() for _ in range(_READERS)))
    return sum(sums)
