"""Everybody wants the same item: the last ten units, and the rate while there are enough."""

import asyncio
import itertools
import time
from dataclasses import replace

from api.notifier import OutboxNotifier
from api.orders.batch import Acceptor
from api.orders.router import ROUTE
from db.idempotency import Claim
from domain.ids import OrderId, new_id
from domain.policy import Policy
from tests.bench.client import Ask, Outcome, load, outcome_of
from tests.bench.figures import Figure, Plan, interleaved
from tests.bench.world import World

_BUYERS, _UNITS, _TIMES = 50, 10, 5


async def measure(world: World, plan: Plan) -> list[Figure]:
    """Check that nothing is oversold, then compare a hot item with cold ones."""
    sales = []
    for _ in range(_TIMES):
        item = await world.item(_UNITS)
        asks = world.orders(1, only=item)[:1]
        sold = await load(world.url, asks, token=world.token, connections=_BUYERS, count=_BUYERS)
        if sold.answers != {"201": _UNITS, "409": _BUYERS - _UNITS}:
            raise RuntimeError(f"{_UNITS} units, {_BUYERS} buyers: {sold.answers}")
        sales.append(sold.seconds * 1000)
    found = [
        Figure(
            f"last {_UNITS} units, {_BUYERS} buyers",
            "ms",
            sales,
            target="< 1000",
            note=f"each time {_UNITS} x 201, {_BUYERS - _UNITS} x 409",
        )
    ]
    hot = world.orders(1, only=await world.item(10_000_000))[:1]
    cold = world.orders(1)

    async def run(asks: list[Ask], connections: int) -> Outcome:
        sent = await load(
            world.url, asks, token=world.token, connections=connections, seconds=plan.seconds
        )
        return sent.only(201)

    await run(hot, 8)
    results = await interleaved(
        plan.rounds,
        {
            "hot 32": lambda: run(hot, 32),
            "cold 32": lambda: run(cold, 32),
            "hot 256": lambda: run(hot, 256),
            "cold 256": lambda: run(cold, 256),
            "inside": lambda: _inside(world, hot, 256, plan.seconds),
            "inside cold": lambda: _inside(world, cold, 256, plan.seconds),
        },
    )
    for connections in (32, 256):
        ours = results[f"hot {connections}"]
        floors = results[f"cold {connections}"]
        found += [
            Figure(
                f"one hot item, c={connections}",
                "orders/s",
                [each.rate for each in ours],
                "1,000 cold items",
                [each.rate for each in floors],
                ">= 5000 reservations" if connections == 256 else "",
            ),
            Figure(
                f"one hot item, c={connections}: p99",
                "ms",
                [each.p99 for each in ours],
                "cold items",
                [each.p99 for each in floors],
                "< 100" if connections == 256 else "",
            ),
        ]
    inside = results["inside"]
    found += [
        Figure(
            "one hot item, 256 callers in the process, without HTTP",
            "orders/s",
            [each.rate for each in inside],
            "1,000 cold items",
            [each.rate for each in results["inside cold"]],
            ">= 5000 reservations",
        ),
        Figure(
            "one hot item, 256 callers in the process: p99",
            "ms",
            [each.p99 for each in inside],
            target="< 100",
        ),
        Figure(
            "one hot item, 256 callers in the process: CPU of Python, callers included",
            "ms/order",
            [each.cpu_seconds / each.count * 1000 for each in inside],
        ),
        Figure(
            "one hot item, 256 callers in the process: CPU of PostgreSQL",
            "ms/order",
            [each.watched_ms / each.count for each in inside],
        ),
    ]
    await world.forget()
    return found


async def _inside(world: World, asks: list[Ask], callers: int, seconds: float) -> Outcome:
    """Accept orders as the API does once it has read a request, in this process."""
    acceptor = Acceptor(world.books, OutboxNotifier(world.books), Policy())
    orders = itertools.cycle([world.submission(ask) for ask in asks])
    latencies: list[float] = []

    async def call(until: float) -> None:
        while (began := time.perf_counter()) < until:
            claim = Claim("bench", str(new_id()), ROUTE, "0" * 64)
            order = replace(next(orders), order_id=OrderId(new_id()), claim=claim)
            await acceptor.accept(order)
            latencies.append(time.perf_counter() - began)

    await asyncio.gather(*(call(time.perf_counter() + 0.2) for _ in range(callers)))
    latencies.clear()
    meter, cpu, began = world.meter("postgres"), time.process_time(), time.perf_counter()
    await asyncio.gather(*(call(began + seconds) for _ in range(callers)))
    spent, cpu = time.perf_counter() - began, time.process_time() - cpu
    watched = meter.read()["postgres"]
    return outcome_of({"201": len(latencies)}, latencies, spent, cpu, watched)
