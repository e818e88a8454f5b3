"""What it takes to accept an order: beside the same statements by bare asyncpg."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from activities.orders.accepting import accept_orders
from api.orders.rendering import fresh_order_json
from domain.policy import Policy
from tests.bench.client import Ask, Outcome, load
from tests.bench.figures import Figure, Plan, interleaved
from tests.bench.floors import Recorder, Statement, replay
from tests.bench.watch import counted
from tests.bench.world import World

_RECORDED = 200
_ROW = ("INSERT INTO bench_rows (body) VALUES ($1)", ("x" * 200,))


@dataclass(frozen=True)
class Run:
    """One run of load and what it cost; CPU in ms by process, WAL in bytes."""

    outcome: Outcome
    cpu: dict[str, float]
    wal: int

    def each(self, name: str) -> float:
        return self.cpu[name] / self.outcome.count


async def measure(world: World, plan: Plan) -> list[Figure]:
    """Measure acceptance with no worker running, so that nothing else uses the machine."""
    one, five = world.orders(1), world.orders(5)
    async with world.connection() as db:
        await db.execute("CREATE TABLE bench_rows (id bigserial PRIMARY KEY, body text NOT NULL)")
    recorded = {"1": await _record(world, one), "5": await _record(world, five)}
    for asks in (one, five):
        await load(world.url, asks, token=world.token, connections=8, count=150)

    def floor(lines: str) -> Callable[[], Awaitable[Run]]:
        return lambda: _floor(world, recorded[lines], plan.seconds)

    results = await interleaved(
        plan.rounds,
        {
            "row": lambda: _floor(world, [[_ROW]], plan.seconds, in_transaction=False),
            "floor 1": floor("1"),
            "c32 1": lambda: _ours(world, one, 32, plan.seconds),
            "floor 5": floor("5"),
            "c32 5": lambda: _ours(world, five, 32, plan.seconds),
            "c8 1": lambda: _ours(world, one, 8, plan.seconds),
            "c8 5": lambda: _ours(world, five, 8, plan.seconds),
        },
    )
    rows = [run.outcome.rate for run in results["row"]]
    figures = []
    for lines in ("1", "5"):
        for connections in (32, 8):
            figures += _figures(
                lines, connections, results[f"c{connections} {lines}"], results[f"floor {lines}"]
            )
    figures.append(
        Figure(
            "the floor itself: 1-line order by asyncpg",
            "orders/s",
            [run.outcome.rate for run in results["floor 1"]],
            "one-row inserts/s",
            rows,
        )
    )
    figures += await _counts(world, plan)
    await world.forget()
    return figures


def _figures(lines: str, connections: int, ours: list[Run], floors: list[Run]) -> list[Figure]:
    name = f"accept, {lines} line{'s' if lines > '1' else ''}, c={connections}"
    rate = Figure(
        name,
        "orders/s",
        [run.outcome.rate for run in ours],
        "same SQL, asyncpg c=32",
        [run.outcome.rate for run in floors],
        ">= 900" if connections == 8 else ">= 2000 batched",
        detail={
            "client_cpu_us": [
                round(run.outcome.cpu_seconds / run.outcome.count * 1e6, 1) for run in ours
            ]
        },
    )
    found = [
        rate,
        Figure(f"{name}: p50", "ms", [run.outcome.p50 for run in ours]),
        Figure(f"{name}: p99", "ms", [run.outcome.p99 for run in ours], target="< 80"),
    ]
    if connections == 32:
        found += [
            Figure(
                f"{name}: CPU of the API",
                "ms/order",
                [run.each("api") for run in ours],
                target="<= 15 with the database",
            ),
            Figure(
                f"{name}: CPU of PostgreSQL",
                "ms/order",
                [run.each("postgres") for run in ours],
                "same SQL, asyncpg",
                [run.each("postgres") for run in floors],
            ),
            Figure(
                f"{name}: WAL",
                "B/order",
                [run.wal / run.outcome.count for run in ours],
                "same SQL, asyncpg",
                [run.wal / run.outcome.count for run in floors],
                "< 12000",
            ),
        ]
    return found


async def _counts(world: World, plan: Plan) -> list[Figure]:
    """Count statements in PostgreSQL's own log: alone, and while 32 callers share batches."""
    found = []
    for connections, count, target in ((1, 50, "<= 6"), (32, 320, "")):
        orders = world.orders(1)
        async with counted(world.database_url, world.log) as statements:
            sent = await load(
                world.url, orders, token=world.token, connections=connections, count=count
            )
        sent.only(201)
        name = f"accept, 1 line, c={connections}"
        bells = sum(n for text, n in statements.by_text.items() if "NOTIFY" in text)
        found += [
            Figure(
                f"{name}: round trips",
                "/order",
                [(statements.count - bells) / count],
                target=target,
                detail={"statements": dict(statements.by_text)},
            ),
            Figure(
                f"{name}: transactions",
                "/order",
                [(statements.transactions - bells) / count],
                target="1" if connections == 1 else "",
            ),
        ]
    return found


async def _ours(world: World, asks: list[Ask], connections: int, seconds: float) -> Run:
    wal, meter = await world.wal(), world.meter("api", "postgres")
    outcome = await load(
        world.url, asks, token=world.token, connections=connections, seconds=seconds
    )
    return Run(outcome.only(201), meter.read(), await world.wal() - wal)


async def _floor(
    world: World, units: list[list[Statement]], seconds: float, *, in_transaction: bool = True
) -> Run:
    wal = await world.wal()
    outcome = await replay(
        world.database_url,
        units,
        world.folder,
        seconds=seconds,
        in_transaction=in_transaction,
        keep=[str(each) for each in (world.customer, world.shelf, *world.items)],
        watch=world.pids()["postgres"],
    )
    return Run(outcome, {"postgres": outcome.watched_ms}, await world.wal() - wal)


async def _record(world: World, asks: list[Ask]) -> list[list[Statement]]:
    """Accept orders one by one, keep each one's statements, and take all of it back."""
    recorder = Recorder(world.books.engine)
    units = []
    for ask in asks[:_RECORDED]:
        async with world.books.engine.connect() as db:
            await accept_orders(db, [world.submission(ask)], Policy(), fresh_order_json)
            await db.rollback()
        units.append(recorder.take())
    recorder.stop()
    return units
