"""From accepted to completed: beside no-op runs of the same shape on the same Temporal."""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence

from temporalio.client import Client

from domain.documents import Kind, run_id
from tests.bench.client import Outcome, in_process, load
from tests.bench.figures import Figure, Plan, interleaved
from tests.bench.histories import History, read_history
from tests.bench.watch import Statements, counted, rss_mb
from tests.bench.world import World, working

_PATIENCE = 240
_IDLE = 3.0


async def measure(world: World, plan: Plan) -> list[Figure]:
    """Measure one-parcel orders: throughput, latency, cost, histories, memory."""
    many = 20 if plan.quick else 200
    client = await world.temporal()
    async with working(world):
        idle = {name: rss_mb(world.pids()[name]) for name in ("api", "worker")}
        await world.autopilot(True)
        await _complete(world, 10)
        runs = await _histories(world, client)
        shapes = [list(run.shape) for run in runs[:2]]

        async def floor() -> tuple[Outcome, dict[str, float]]:
            meter = world.meter("temporal")
            order = {
                "address": world.stack.record.temporal_address,
                "order": shapes[0],
                "shipment": shapes[1],
                "count": many,
            }
            outcome = await in_process("tests.bench.noop_worker", order)
            spent = {"worker": outcome.cpu_seconds * 1000, **meter.read()}
            return outcome, {name: ms / many for name, ms in spent.items()}

        async def ours() -> tuple[float, dict[str, float]]:
            await _preload(world, many)
            meter = world.meter()
            seconds = await _release(world, many)
            return many / seconds, {name: ms / many for name, ms in meter.read().items()}

        results = await interleaved(1 if plan.quick else 2, {"ours": ours, "floor": floor})
        found = _throughput(results["ours"], results["floor"])
        found += await _latency(world, plan)
        found += await _statements(world, 10 if plan.quick else 40)
        found += _costs(runs)
        found += await _memory(world, plan, idle)
    return found


def _throughput(ours: Sequence, floors: Sequence) -> list[Figure]:  # type: ignore[type-arg]
    found = [
        Figure(
            "orders completed, one parcel each",
            "orders/s",
            [rate for rate, _ in ours],
            "no-op runs of the same shape",
            [outcome.rate for outcome, _ in floors],
            ">= 80 % of the no-op",
        )
    ]
    total = [sum(cpu.values()) for _, cpu in ours]
    found.append(
        Figure(
            "completed order: CPU of everything",
            "ms/order",
            total,
            "no-op, worker and Temporal",
            [sum(cpu.values()) for _, cpu in floors],
            "<= 60",
        )
    )
    for name in ours[0][1]:
        beside = [cpu[name] for _, cpu in floors if name in cpu]
        found.append(
            Figure(
                f"completed order: CPU of {name}",
                "ms/order",
                [cpu[name] for _, cpu in ours],
                "no-op" if beside else "",
                beside,
            )
        )
    return found


async def _latency(world: World, plan: Plan) -> list[Figure]:
    """Offer five orders a second, whatever happens to them, and ask the books how long it took."""
    seconds = 5 if plan.quick else 30
    since = await world.value("SELECT now()")
    sent = await load(
        world.url, world.orders(1), token=world.token, connections=8, seconds=seconds, rate=5
    )
    await _until(world, "completed", sent.only(201).count, since)
    async with world.connection() as db:
        rows = await db.fetch(
            "SELECT extract(epoch FROM confirmed_at - placed_at) * 1000 AS confirmed,"
            " extract(epoch FROM completed_at - placed_at) * 1000 AS completed"
            " FROM orders WHERE placed_at >= $1",
            since,
        )
    found = []
    for what, target in (("confirmed", "p99 < 100"), ("completed", "p50 < 1000, p99 < 3000")):
        times = sorted(float(row[what]) for row in rows)
        for name, share in (("p50", 0.5), ("p99", 0.99)):
            value = times[round((len(times) - 1) * share)]
            found.append(
                Figure(f"accepted to {what}, 5/s offered: {name}", "ms", [value], target=target)
            )
    return found


async def _statements(world: World, many: int) -> list[Figure]:
    async with counted(world.database_url, world.log) as idle:
        await asyncio.sleep(_IDLE)
    await _preload(world, many)
    async with counted(world.database_url, world.log) as statements:
        seconds = await _release(world, many)
        # The last run's own statements come just after the status that was waited for.
        await asyncio.sleep(1)
    net: Statements = statements.minus(idle, (seconds + 1) / _IDLE)
    per_order = {
        text: round(count / many, 2)
        for text, count in net.by_text.most_common()
        if count >= many / 4
    }
    return [
        Figure(
            "completed order: statements after acceptance",
            "/order",
            [net.count / many],
            target="<= 25 for the life cycle",
            detail={"statements": per_order},
        ),
        Figure(
            "completed order: transactions after acceptance",
            "/order",
            [net.transactions / many],
            target="<= 8",
        ),
    ]


def _costs(runs: Sequence[History]) -> list[Figure]:
    """Compare the first order's histories with the budget; they come in pairs, order first."""
    pairs = [runs[at : at + 2] for at in range(0, len(runs), 2)]
    actions: Counter[str] = sum((run.actions for run in pairs[0]), Counter())
    return [
        Figure(
            "completed order: billable actions",
            "",
            [sum(run.billable for run in pair) for pair in pairs],
            target="<= 10",
            detail={"actions": dict(actions)},
        ),
        Figure(
            "completed order: history events",
            "",
            [sum(run.events for run in pair) for pair in pairs],
            target="<= 40",
        ),
        Figure(
            "completed order: history size",
            "B",
            [sum(run.size for run in pair) for pair in pairs],
            target="<= 8000 a run",
        ),
    ]


async def _memory(world: World, plan: Plan, idle: dict[str, float]) -> list[Figure]:
    """Leave orders open, waiting for a carrier that does not move, and weigh the worker."""
    many = 50 if plan.quick else 500
    await world.autopilot(False)
    since = await world.value("SELECT now()")
    pids = world.pids()
    before = rss_mb(pids["worker"])
    await load(world.url, world.orders(1), token=world.token, connections=8, count=many)
    deadline = time.monotonic() + _PATIENCE
    while await world.value(
        "SELECT count(*) < $1 FROM shipments WHERE booked_at >= $2", many, since
    ):
        if time.monotonic() > deadline:
            raise RuntimeError("not all shipments were booked")
        await asyncio.sleep(0.25)
    after = rss_mb(pids["worker"])
    return [
        Figure("memory of the API, idle", "MB", [idle["api"]], target="< 150"),
        Figure("memory of the API, after the load", "MB", [rss_mb(pids["api"])], target="< 150"),
        Figure("memory of the worker, idle", "MB", [idle["worker"]]),
        Figure("memory of the worker, after the load", "MB", [after]),
        Figure(
            f"memory per open order, {many} open",
            "kB",
            [(after - before) * 1024 / many],
            target="<= 120",
        ),
    ]


async def _histories(world: World, client: Client) -> list[History]:
    async with world.connection() as db:
        rows = await db.fetch(
            "SELECT o.number AS o, s.number AS s FROM orders o"
            " JOIN shipments s ON s.order_id = o.id"
            " WHERE o.status = 'completed' ORDER BY o.id DESC LIMIT 5"
        )
    return [
        await read_history(client, run_id(kind, row[name]))
        for row in rows
        for kind, name in ((Kind.ORDER, "o"), (Kind.SHIPMENT, "s"))
    ]


async def _preload(world: World, many: int) -> None:
    """Accept orders and hold their starts back."""
    async with world.connection() as db:
        await db.execute(
            "ALTER TABLE outbox ALTER COLUMN next_attempt_at SET DEFAULT now() + interval '1 hour'"
        )
    try:
        sent = await load(world.url, world.orders(1), token=world.token, connections=8, count=many)
        sent.only(201)
    finally:
        async with world.connection() as db:
            await db.execute("ALTER TABLE outbox ALTER COLUMN next_attempt_at SET DEFAULT now()")


async def _release(world: World, many: int) -> float:
    """Let the held orders go; return how many seconds it takes until all are completed."""
    before = await world.value("SELECT count(*) FROM orders WHERE status = 'completed'")
    began = time.monotonic()
    async with world.connection() as db:
        await db.execute("UPDATE outbox SET next_attempt_at = now()")
        await db.execute("NOTIFY outbox")
    await _until(world, "completed", before + many)
    return time.monotonic() - began


async def _complete(world: World, many: int) -> None:
    await _preload(world, many)
    await _release(world, many)


async def _until(world: World, status: str, many: int, since: object = None) -> None:
    deadline = time.monotonic() + _PATIENCE
    query = "SELECT count(*) FROM orders WHERE status = $1 AND placed_at >= coalesce($2, placed_at)"
    async with world.connection() as db:
        while (count := await db.fetchval(query, status, since)) < many:
            if time.monotonic() > deadline:
                raise RuntimeError(f"only {count} of {many} orders are {status}")
            await asyncio.sleep(0.1)
