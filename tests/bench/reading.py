"""What it takes to read an order, and to repeat the answer of a finished key."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import httpx2

from db.orders.reads import get_order
from domain.ids import OrderId
from runtime.local.children import spawn
from runtime.local.ports import free_port
from tests.bench.client import Ask, Outcome, load
from tests.bench.figures import Figure, Plan, interleaved
from tests.bench.floors import Recorder, Statement, replay
from tests.bench.world import World

_KEYS = 200


async def measure(world: World, plan: Plan) -> list[Figure]:
    """Measure reads of 5-line orders, all in memory, c=32."""
    placed = [
        replace(ask, key=f"replay-{number}") for number, ask in enumerate(world.orders(5)[:_KEYS])
    ]
    (await load(world.url, placed, token=world.token, connections=8, count=_KEYS)).only(201)
    async with world.connection() as db:
        ids = [row["id"] for row in await db.fetch("SELECT id FROM orders LIMIT 200")]
    reads = [Ask("GET", f"/orders/{each}") for each in ids]
    units = [await _record(world, OrderId(each)) for each in ids]
    async with _bare(world, reads[0]) as bare:
        results = await interleaved(
            plan.rounds,
            {
                "bare": lambda: load(bare, [Ask("GET", "/")], connections=32, seconds=plan.seconds),
                "query": lambda: replay(
                    world.database_url,
                    units,
                    world.folder,
                    seconds=plan.seconds,
                    in_transaction=False,
                ),
                "read": lambda: load(
                    world.url, reads, token=world.token, connections=32, seconds=plan.seconds
                ),
                "replay": lambda: load(
                    world.url, placed, token=world.token, connections=32, seconds=plan.seconds
                ),
            },
        )
        meter = world.meter("api", "postgres")
        last = await load(world.url, reads, token=world.token, connections=32, seconds=plan.seconds)
        cpu = {name: spent / last.only(200).count for name, spent in meter.read().items()}
    await world.forget()
    return _figures(results, cpu)


def _figures(results: dict[str, list[Outcome]], cpu: dict[str, float]) -> list[Figure]:
    rates = {name: [run.rate for run in runs] for name, runs in results.items()}
    for run in (*results["read"], *results["bare"]):
        run.only(200)
    for run in results["replay"]:
        run.only(201)
    client = [run.cpu_seconds / run.count * 1e6 for run in results["bare"]]
    name = "read, 5 lines, c=32"
    return [
        Figure(name, "reads/s", rates["read"], "bare ASGI", rates["bare"], ">= 1800"),
        Figure(f"{name}: by the query", "reads/s", rates["read"], "bare query", rates["query"]),
        Figure(f"{name}: p50", "ms", [run.p50 for run in results["read"]]),
        Figure(f"{name}: p99", "ms", [run.p99 for run in results["read"]], target="< 40"),
        Figure(f"{name}: CPU of the API", "ms/read", [cpu["api"]]),
        Figure(f"{name}: CPU of PostgreSQL", "ms/read", [cpu["postgres"]]),
        Figure(
            "repeated Idempotency-Key, c=32: time",
            "ms each",
            [1000 / rate for rate in rates["replay"]],
            "read",
            [1000 / rate for rate in rates["read"]],
            "<= 1.2 x read",
        ),
        Figure("the load client's own CPU", "us/request", client, note="on bare ASGI"),
    ]


async def _record(world: World, order_id: OrderId) -> list[Statement]:
    recorder = Recorder(world.books.engine)
    async with world.books.read() as db:
        await get_order(db, order_id)
    recorder.stop()
    return recorder.take()


@asynccontextmanager
async def _bare(world: World, read: Ask) -> AsyncIterator[str]:
    """Serve the bytes of one answer with nothing around it."""
    headers = {"Authorization": f"Bearer {world.token}"}
    async with httpx2.AsyncClient() as client:
        answer = await client.get(world.url + read.path, headers=headers)
        body = world.folder / "answer"
        body.write_bytes(answer.content)
        port = free_port()
        argv = [sys.executable, "-m", "tests.bench.bare", str(port), str(body)]
        child = spawn("bare", argv, log=world.folder / "bare.log")
        url = f"http://127.0.0.1:{port}"
        try:
            async with asyncio.timeout(20):
                while True:
                    try:
                        await client.get(url)
                        break
                    except httpx2.TransportError:
                        await asyncio.sleep(0.05)
            yield url
        finally:
            await child.stop(signal.SIGTERM, 5)
