"""Everybody wants the same item: the last ten units, and the rate while there are enough."""

from tests.bench.client import Outcome, load
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

    async def run(asks: list, connections: int) -> Outcome:  # type: ignore[type-arg]
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
    await world.forget()
    return found
