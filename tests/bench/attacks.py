"""What an attack costs the others: another caller's latency, the health routes, and memory."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace

import httpx2

from activities.access.accepting import create_key
from db.engine import to_json
from domain.access import Role
from domain.ids import new_id
from tests.bench.client import Ask, Outcome, load
from tests.bench.figures import Figure, Plan
from tests.bench.watch import rss_mb
from tests.bench.world import World

_RATE = 20
"""Requests per second of the other caller: reads, short lists, and something new."""


@dataclass(frozen=True)
class Attack:
    """Requests in a closed loop, which never wait for anything but answers."""

    name: str
    asks: Sequence[Ask]
    token: str
    connections: int


@dataclass
class Seen:
    """What was seen of the server meanwhile."""

    live: list[float] = field(default_factory=list)
    ready: list[int] = field(default_factory=list)
    megabytes: list[float] = field(default_factory=list)


async def measure(world: World, plan: Plan) -> list[Figure]:
    """Measure a quiet other caller, and the same in each attack."""
    await _fill(world)
    other = await _key(world, "the other one", Role.SUPPORT)
    seconds = 4.0 if plan.quick else 12.0
    async with world.connection() as db:
        ids = [row["id"] for row in await db.fetch("SELECT id FROM orders LIMIT 100")]
    asks = [Ask("GET", f"/orders/{each}") for each in ids]
    asks += [Ask("GET", "/orders?limit=5"), Ask("POST", "/customers", '{"name": "Ada"}')] * 20
    quiet, before = await _watched(world, asks, other, seconds)
    figures = []
    for attack in await _attacks(world):
        under = asyncio.create_task(
            load(
                world.url,
                attack.asks,
                token=attack.token,
                connections=attack.connections,
                seconds=seconds + 2,
            )
        )
        await asyncio.sleep(1)
        met, seen = await _watched(world, asks, other, seconds)
        try:
            answers = (await under).answers
        except RuntimeError:
            answers = {"cut off": 1}
        figures += _figures(attack.name, quiet, met, seen, min(before.megabytes), answers)
    await world.forget()
    return figures


async def _attacks(world: World) -> list[Attack]:
    keys = [await _key(world, f"one of 40 ({number})", Role.ADMIN) for number in range(40)]
    row = {
        "item_id": str(world.items[0]),
        "location_id": str(world.shelf),
        "quantity": 1,
        "reason": "found",
    }
    long_lists = [Ask("GET", "/orders?limit=100", token=key) for key in keys]
    unpaid = [
        replace(ask, body=ask.body.replace(',"payment":{"method":"card","token":"tok_ok"}', ""))
        for ask in world.orders(1)
    ]
    return [
        Attack("500 connections, one key, lists of 100", long_lists[:1], keys[0], 500),
        Attack("40 callers, lists of long orders", long_lists, "", 40),
        Attack(
            "200 adjust one row",
            [Ask("POST", "/inventory/adjustments", to_json(row))],
            keys[0],
            200,
        ),
        Attack("no credential, 200 connections", [Ask("GET", "/orders")], "", 200),
        Attack("a burst of unpaid orders", unpaid, keys[0], 64),
    ]


async def _fill(world: World) -> None:
    for lines, count in ((5, 100), (500, 40)):
        placed = world.orders(lines)[:count]
        token = world.token
        (await load(world.url, placed, token=token, connections=4, count=count)).only(201)


async def _key(world: World, name: str, role: Role) -> str:
    async with world.books.begin() as db:
        return await create_key(db, new_id(), name=name, role=role)


async def _watched(
    world: World, asks: Sequence[Ask], token: str, seconds: float
) -> tuple[Outcome, Seen]:
    async with _looking(world) as seen:
        met = await load(world.url, asks, token=token, connections=16, seconds=seconds, rate=_RATE)
    return met, seen


@asynccontextmanager
async def _looking(world: World) -> AsyncIterator[Seen]:
    """Ask for the health four times a second, as whatever restarts processes does."""
    seen, pid = Seen(), world.pids("api")["api"]

    async def look() -> None:
        async with httpx2.AsyncClient(base_url=world.url, timeout=5) as http:
            while True:
                began = time.perf_counter()
                with suppress(httpx2.TimeoutException):
                    (await http.get("/health/live")).raise_for_status()
                seen.live.append((time.perf_counter() - began) * 1000)
                seen.ready.append(await _status(http))
                seen.megabytes.append(rss_mb(pid))
                await asyncio.sleep(0.25)

    looking = asyncio.create_task(look())
    try:
        yield seen
    finally:
        looking.cancel()
        (failure,) = await asyncio.gather(looking, return_exceptions=True)
        if not isinstance(failure, asyncio.CancelledError):
            raise RuntimeError("the server's health could not be read") from failure


async def _status(http: httpx2.AsyncClient) -> int:
    try:
        return (await http.get("/health/ready")).status_code
    except httpx2.TimeoutException:
        return 0


def _figures(
    name: str, quiet: Outcome, met: Outcome, seen: Seen, before: float, answers: dict[str, int]
) -> list[Figure]:
    well = {status for status in met.answers if status[0] == "2"}
    refused = sum(count for status, count in met.answers.items() if status not in well)
    told = " ".join(f"{count}x{status}" for status, count in sorted(answers.items()))
    live = sorted(seen.live)[round((len(seen.live) - 1) * 0.95)]
    return [
        Figure(
            f"{name}: another caller's p95",
            "ms",
            [met.p95],
            "quiet",
            [quiet.p95],
            "<= 3 x or 100 ms",
        ),
        Figure(f"{name}: its refusals", "", [refused], target="0", note=f"attack: {told}"),
        Figure(f"{name}: /health/live, p95", "ms", [live], target="< 100"),
        Figure(
            f"{name}: /health/ready not 200",
            f"of {len(seen.ready)}",
            [sum(status != 200 for status in seen.ready)],
            target="0",
        ),
        Figure(f"{name}: more memory", "MB", [max(seen.megabytes) - before], target="<= 100"),
    ]
