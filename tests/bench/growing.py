"""What a long history costs: every question, every sweep and the accepting of an order, twice."""

import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from statistics import median, quantiles
from typing import Any

import asyncpg
import httpx2
import structlog

from activities.access.accepting import create_key
from api.app import create_app
from api.services import Services
from db.engine import Database, open_engine
from domain.access import Role
from domain.ids import new_id
from relay.sweeps import SWEEPS, Sweeper
from tests.asking import Questions, known
from tests.bench.figures import Figure, Plan
from tests.bench.world import World
from tests.database import fresh_database, migrate, named
from tests.history import History

SMALL = 10_000
"""Orders in the history that the long one is compared with."""
TIMES = 15
WORST = 12
"""So many of the questions are printed, those that grew the most."""
NOTICED = 0.5
"""Milliseconds: less is the noise of one answer."""

READY = """
INSERT INTO prices (item_id, currency, valid_from, amount)
    SELECT id, 'USD', now(), 1000 FROM items WHERE sku = 'MUG';
INSERT INTO movements (id, key, kind, item_id, quantity, from_location_id, to_location_id, actor,
    occurred_at)
    SELECT gen_random_uuid(), 'bench/open', 'adjustment', i.id, 1000000, o.id, s.id, 'bench', now()
    FROM items i, locations o, locations s
    WHERE i.sku = 'MUG' AND o.kind = 'opening' AND s.code = 'A-1'
"""

Times = Mapping[str, list[float]]


async def measure(world: World, plan: Plan) -> list[Figure]:
    """Compare books of ``SMALL`` orders with books of ``plan.size``."""
    # The requests are served in this process, and its report is read.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    await migrate(await _empty(world.database_url))
    async with fresh_database(named(world.database_url, "growing")) as url:
        owner = await asyncpg.connect(url, ssl=False)
        books = Database(open_engine(url, application="bench", pool=4))
        try:
            history = History(owner)
            await history.begin()
            await owner.execute(READY)
            await history.grow(SMALL)
            asked = await _asked(world, books, owner)
            small = await _time(asked)
            began = time.monotonic()
            await history.grow(plan.size)
            filled = time.monotonic() - began
            return _figures(plan.size, small, await _time(asked), filled)
        finally:
            await books.close()
            await owner.close()


async def _empty(url: str) -> str:
    connection = await asyncpg.connect(named(url, "postgres"), ssl=False)
    await connection.execute("CREATE DATABASE growing")
    await connection.close()
    return named(url, "growing")


async def _asked(
    world: World, books: Database, owner: Any
) -> dict[str, Callable[[], Awaitable[Any]]]:
    """Return what is measured, by its name."""
    app = create_app(Services(world.settings(), books, world.temporal))
    async with books.begin() as db:
        key = await create_key(db, new_id(), name="bench", role=Role.ADMIN)
    client = httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app),
        base_url="http://stateset",
        headers={"Authorization": f"Bearer {key}"},
    )
    sweeper = Sweeper(books, await world.temporal())
    asked: dict[str, Callable[[], Awaitable[Any]]] = {
        f"sweep {name}": partial(sweep.find, sweeper) for name, sweep in SWEEPS.items()
    }
    for question in Questions(app.openapi(), await known(owner)):
        asked[f"GET {question}"] = partial(client.get, question)
    row = await owner.fetchrow("SELECT c.id AS c, i.id AS i FROM customers c, items i LIMIT 1")
    item = await owner.fetchval("SELECT id FROM items WHERE sku = 'MUG'")
    order = world.order([]) | {
        "customer_id": str(row["c"]),
        "lines": [{"item_id": str(item), "quantity": 1}],
    }

    async def place() -> None:
        keyed = {"Idempotency-Key": str(new_id())}
        (await client.post("/orders", json=order, headers=keyed)).raise_for_status()

    return {"POST /orders": place, **asked}


async def _time(asked: Mapping[str, Callable[[], Awaitable[Any]]]) -> Times:
    """Return the milliseconds of each; the first time does not count."""
    found: dict[str, list[float]] = {}
    for name, ask in asked.items():
        await ask()
        found[name] = []
        for _ in range(TIMES):
            began = time.perf_counter()
            await ask()
            found[name].append((time.perf_counter() - began) * 1000)
    return found


def _figures(size: int, small: Times, large: Times, filled: float) -> list[Figure]:
    def growth(name: str) -> float:
        return median(large[name]) / median(small[name])

    beside = f"{SMALL:,} orders"
    worst = sorted(small, key=growth, reverse=True)[:WORST]
    grew = [
        name
        for name in small
        if growth(name) > 1.2 and median(large[name]) - median(small[name]) > NOTICED
    ]
    everything = [[one for name in times for one in times[name]] for times in (small, large)]
    least, most = (quantiles(times, n=100)[98] for times in everything)
    return [
        Figure("filling", "s", [filled], note=f"{size:,} orders by SQL"),
        Figure(
            f"all {len(small)}: p99 at {size:,} orders", "ms", [most], beside, [least], "<= 1.2"
        ),
        Figure("of these grew by more than 1.2 times", "", [len(grew)], target="0"),
        *(
            Figure(name, "ms", [median(large[name])], beside, [median(small[name])], "<= 1.2")
            for name in ("POST /orders", *worst)
        ),
    ]
