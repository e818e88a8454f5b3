"""The whole of StateSet on free ports with a small shop in it, and a worker that comes and goes."""

import asyncio
import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import httpx2
from temporalio.client import Client

from activities.access.accepting import create_key
from activities.orders.rows import Submission
from db.customers import add_customer
from db.engine import Database, open_engine, to_json
from db.idempotency import Claim
from db.inventory.receiving import Arrival, open_stock
from domain.access import Role
from domain.customers import CreateCustomer
from domain.ids import CustomerId, ItemId, LocationId, OrderId, new_id
from domain.orders.placing import PlaceOrder
from runtime.local.children import Child
from runtime.local.plan import Programs
from runtime.local.ports import free_port
from runtime.local.postgres import remove
from runtime.local.processes import Command
from runtime.local.stack import Stack
from runtime.settings import Settings
from runtime.temporal import connect
from tests.bench.client import Ask
from tests.bench.watch import OWN, Meter
from tests.partners import CARRIER_KEY

ITEMS = 1000
# Tables that are counted while empty are planned for as if they stayed so.
_COUNT = "VACUUM (ANALYZE) customers, sites, locations, items, prices, balances"
_ADDRESS = {
    "name": "Ada Lovelace",
    "line1": "500 Congress Ave",
    "city": "Austin",
    "postal_code": "78701",
    "country": "US",
}


@dataclass
class World:
    """The running servers, and the shop's ids."""

    folder: Path
    stack: Stack
    books: Database
    customer: CustomerId
    shelf: LocationId
    items: list[ItemId]
    worker: Child | None = None
    metrics_port: int = 0

    @property
    def url(self) -> str:
        return self.stack.record.api_url

    @property
    def token(self) -> str:
        return str(self.stack.record.api_key)

    @property
    def database_url(self) -> str:
        return self.stack.record.database_url

    @property
    def log(self) -> Path:
        """The log of PostgreSQL."""
        return self.folder / "data" / "logs" / "postgres.log"

    def pids(self, *names: str) -> dict[str, int]:
        """Return the processes of these names, by default all."""
        found = {name: each.pid for name, each in self.stack.record.processes.items()}
        if self.worker is not None:
            found["worker"] = self.worker.pid
        return {name: found[name] for name in names or found}

    def meter(self, *names: str) -> Meter:
        return Meter(self.pids(*names))

    def order(self, items: list[ItemId]) -> dict[str, Any]:
        """Return the body of an order for one unit of each item."""
        return {
            "customer_id": str(self.customer),
            "lines": [{"item_id": str(item), "quantity": 1} for item in items],
            "ship_to": _ADDRESS,
            "payment": {"method": "card", "token": "tok_ok"},
        }

    def orders(self, lines: int, *, only: ItemId | None = None) -> list[Ask]:
        """Return requests for orders of so many lines, spread over all items or for one."""
        step = 7 * lines
        return [
            Ask(
                "POST",
                "/orders",
                to_json(
                    self.order(
                        [only or self.items[(n * step + 7 * at) % ITEMS] for at in range(lines)]
                    )
                ),
            )
            for n in range(ITEMS)
        ]

    def submission(self, ask: Ask) -> Submission:
        """Return what the API makes of a request for an order."""
        return Submission(
            OrderId(new_id()),
            PlaceOrder.model_validate_json(ask.body),
            actor="bench",
            claim=Claim("bench", str(new_id()), "POST /orders", "0" * 64),
        )

    async def item(self, units: int) -> ItemId:
        """Add an item with so much stock."""
        item = ItemId(new_id())
        await self._stock([item], units)
        return item

    async def _stock(self, items: list[ItemId], units: int) -> None:
        async with self.connection() as db, db.transaction():
            await db.execute(
                "INSERT INTO items (id, sku, sku_key, name, status, weight_grams)"
                " SELECT id, 'SKU-' || id, 'sku-' || id, 'Mug', 'active', 400"
                " FROM unnest($1::uuid[]) AS id",
                items,
            )
            await db.execute(
                "INSERT INTO prices (item_id, currency, valid_from, amount)"
                " SELECT id, 'USD', now(), 2500 FROM unnest($1::uuid[]) AS id",
                items,
            )
        arrivals = [Arrival(f"open/{item}", item, self.shelf, Decimal(units)) for item in items]
        async with self.books.begin() as books:
            await open_stock(books, arrivals, actor="bench")

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Any]:
        """A connection of our own, whose statements are not counted."""
        connection = await asyncpg.connect(
            self.database_url, ssl=False, server_settings={"application_name": OWN}
        )
        try:
            yield connection
        finally:
            await connection.close()

    async def value(self, query: str, *given: Any) -> Any:
        async with self.connection() as db:
            return await db.fetchval(query, *given)

    async def wal(self) -> int:
        """Return how many bytes of WAL were ever written."""
        return int(await self.value("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn"))

    async def forget(self) -> None:
        """Remove all orders that were accepted and never processed, and their promises."""
        async with self.connection() as db:
            # Events are append-only by a trigger, which a superuser may pass by.
            await db.execute("SET session_replication_role = replica")
            await db.execute(
                "TRUNCATE orders, reservations, outbox, events, idempotency_keys, inbound_facts,"
                " tasks CASCADE"
            )
            await db.execute("UPDATE balances SET reserved = 0")
            await db.execute(_COUNT)
            await db.execute("CHECKPOINT")

    async def temporal(self) -> Client:
        return await connect(self.settings())

    def settings(self) -> Settings:
        """Return the settings of a worker of this world."""
        return Settings(
            database_url=self.database_url,
            temporal_address=self.stack.record.temporal_address,
            metrics_port=self.metrics_port,
        )

    async def autopilot(self, enabled: bool) -> None:
        """Let parcels travel as fast as they can, or not at all."""
        async with httpx2.AsyncClient(base_url=self.stack.record.carrier_url) as client:
            answer = await client.post(
                "/sandbox/autopilot",
                json={"enabled": enabled, "seconds_per_scan": 0},
                headers={"Authorization": f"Bearer {CARRIER_KEY}"},
            )
            answer.raise_for_status()


@asynccontextmanager
async def working(world: World) -> AsyncIterator[Child]:
    """Run a worker; entered when it is ready to dispatch."""
    world.metrics_port = free_port()
    record = world.stack.record
    environment = {
        "STATESET_DATABASE_URL": record.database_url,
        "STATESET_TEMPORAL_ADDRESS": record.temporal_address,
        "STATESET_CARRIER_URL": record.carrier_url,
        "STATESET_PAYMENTS_URL": record.payments_url,
        "STATESET_METRICS_PORT": str(world.metrics_port),
    }
    child = Command("worker", Programs().worker, environment).launch(world.folder / "data" / "logs")
    world.worker = child
    try:
        async with asyncio.timeout(60):
            while "worker_ready" not in child.last_words(200):
                if not child.running:
                    raise RuntimeError(f"the worker ended:\n{child.last_words()}")
                await asyncio.sleep(0.05)
        yield child
    finally:
        world.worker = None
        await child.stop(signal.SIGTERM, 40)


@asynccontextmanager
async def a_world(limits: dict[str, str]) -> AsyncIterator[World]:
    """Start everything but the worker, with these limits; leave nothing in the end."""
    folder = _folder()
    free = dict.fromkeys(("api_port", "postgres_port", "temporal_port", "ui_port"), 0)
    settings = Settings.model_validate(
        {
            "data_dir": folder / "data",
            "metrics_port": 0,
            "database_url": None,
            "temporal_address": None,
            **free,
        }
    )

    async def make_key(url: str) -> str:
        books = Database(open_engine(url, application=OWN, pool=2))
        try:
            async with books.begin() as db:
                return await create_key(db, new_id(), name="bench", role=Role.ADMIN)
        finally:
            await books.close()

    # As in the image: without byte code every run compiles its workflow's source again.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ.update(limits)
    try:
        stack = Stack(settings, make_api_key=make_key, programs=Programs(worker=()))
        async with stack:
            await stack.ready()
            books = Database(open_engine(stack.record.database_url, application=OWN, pool=4))
            try:
                yield await _furnished(folder, stack, books)
            finally:
                await books.close()
    finally:
        remove(folder / "data")
        shutil.rmtree(folder, ignore_errors=True)


def _folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="stateset-bench-"))
    folder.chmod(0o711)  # PostgreSQL's own user passes through it under root.
    return folder


async def _furnished(folder: Path, stack: Stack, books: Database) -> World:
    customer, shelf, site = CustomerId(new_id()), LocationId(new_id()), UUID(int=1)
    world = World(folder, stack, books, customer, shelf, [ItemId(new_id()) for _ in range(ITEMS)])
    async with books.begin() as db:
        await add_customer(db, customer, CreateCustomer(name="Ada Lovelace"))
    async with world.connection() as db:
        await db.execute(
            "INSERT INTO sites (id, code, name, address, rank) VALUES ($1, 'AUS', 'AUS', $2, 1)",
            site,
            to_json(_ADDRESS),
        )
        for kind, place, sellable in (("stock", shelf, True), ("quarantine", new_id(), False)):
            await db.execute(
                "INSERT INTO locations (id, site_id, code, kind, sellable, valued)"
                " VALUES ($1, $2, $3, $3, $4, true)",
                place,
                site,
                kind,
                sellable,
            )
    await world._stock(world.items, 1_000_000)
    async with world.connection() as db:
        await db.execute(_COUNT)
    return world
