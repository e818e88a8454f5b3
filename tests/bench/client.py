"""A cheap HTTP/1.1 load client in a process of its own: keep-alive, closed or open loop."""

import asyncio
import itertools
import json
import os
import random
import re
import subprocess
import sys
import time
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit
from uuid import UUID

import uvloop

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Ask:
    """One request; a POST without a key gets a fresh one each time that it is sent."""

    method: str
    path: str
    body: str = ""
    key: str | None = None
    token: str = ""
    """Whose request it is, if not of who sends the others."""


@dataclass(frozen=True)
class Outcome:
    """What a run of load came to; latencies in ms, CPU is that of the client's own process."""

    answers: dict[str, int]
    seconds: float
    p50: float
    p95: float
    p99: float
    cpu_seconds: float
    watched_ms: float = 0
    """CPU time of another process meanwhile, without what came before the clock ran."""

    @property
    def count(self) -> int:
        return sum(self.answers.values())

    @property
    def rate(self) -> float:
        """Answers per second."""
        return self.count / self.seconds

    def only(self, status: int) -> "Outcome":
        """Return this outcome if every answer has this status; a fast wrong answer is no figure."""
        if set(self.answers) != {str(status)}:
            raise RuntimeError(f"expected {status} only, the answers were {self.answers}")
        return self


async def load(
    url: str,
    asks: Sequence[Ask],
    *,
    token: str = "",
    connections: int = 1,
    seconds: float = 60,
    count: int | None = None,
    rate: float | None = None,
) -> Outcome:
    """Send ``asks`` in turn until ``seconds`` are over or ``count`` are answered.

    With ``rate`` (per second) requests leave at fixed times whatever happened to those before
    them, and a latency counts from the time at which its request should have left.
    """
    order = {
        "url": url,
        "token": token,
        "connections": connections,
        "seconds": seconds,
        "count": count,
        "rate": rate,
        "asks": [asdict(ask) for ask in asks],
    }
    return await in_process("tests.bench.client", order)


async def in_process(module: str, order: dict[str, Any]) -> Outcome:
    """Run a module that reads its order from standard input and writes an outcome."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        module,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
        limit=1 << 24,
    )
    try:
        said, _ = await process.communicate(json.dumps(order).encode())
    except BaseException:
        process.kill()
        await process.wait()
        raise
    if process.returncode:
        raise RuntimeError(f"{module} ended with {process.returncode}")
    return Outcome(**json.loads(said))


def outcome_of(
    answers: dict[str, int],
    latencies: list[float],
    seconds: float,
    cpu: float,
    watched_ms: float = 0,
) -> Outcome:
    """Sum up a run; ``latencies`` in seconds."""
    ordered = sorted(latencies) or [0.0]
    last = len(ordered) - 1
    return Outcome(
        answers=answers,
        seconds=seconds,
        p50=ordered[round(last * 0.5)] * 1000,
        p95=ordered[round(last * 0.95)] * 1000,
        p99=ordered[round(last * 0.99)] * 1000,
        cpu_seconds=cpu,
        watched_ms=watched_ms,
    )


class Traffic:
    """Which request is next, and how those before it were answered."""

    def __init__(self, order: dict[str, Any]) -> None:
        place = urlsplit(order["url"])
        self.host, self.port = str(place.hostname), place.port
        self.asks: Iterator[tuple[bytes, bytes | None]] = itertools.cycle(
            [_prepared(ask, place.netloc, order["token"]) for ask in order["asks"]]
        )
        self.left: float = float("inf") if order["count"] is None else order["count"]
        self.seconds: float = order["seconds"]
        self.rate: float | None = order["rate"]
        self.until = 0.0
        self.due: deque[float] = deque()
        self.idle: deque[Connection] = deque()
        self.answers: Counter[str] = Counter()
        self.latencies: list[float] = []
        self.open = 0
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        # Version 4 by hand: uuid4 asks the kernel each time.
        self._random = random.Random(os.urandom(16))

    def next_request(self) -> bytes:
        head, tail = next(self.asks)
        if tail is None:
            return head
        return head + str(UUID(int=self._random.getrandbits(128), version=4)).encode() + tail

    def free(self, connection: "Connection") -> None:
        """Give a connection its next request, or none."""
        now = time.perf_counter()
        if self.rate is not None:
            if self.due:
                connection.send(self.due.popleft())
            else:
                self.idle.append(connection)
        elif self.left > 0 and now < self.until:
            self.left -= 1
            connection.send(now)
        if not self.open and (self.rate is None or now >= self.until) and not self.over.done():
            self.over.set_result(None)

    async def run(self, connections: int) -> float:
        """Run to the end; return how long it took."""
        loop = asyncio.get_running_loop()
        made = [
            (await loop.create_connection(lambda: Connection(self), self.host, self.port))[1]
            for _ in range(connections)
        ]
        started = time.perf_counter()
        self.until = started + self.seconds
        for connection in made:
            self.free(connection)
        if self.rate is not None:
            await self._release(started, self.rate)
        await self.over
        return time.perf_counter() - started

    async def _release(self, started: float, rate: float) -> None:
        for number in range(round(self.seconds * rate)):
            intended = started + number / rate
            await asyncio.sleep(max(0.0, intended - time.perf_counter()))
            if self.idle:
                self.idle.popleft().send(intended)
            else:
                self.due.append(intended)
        self.until = time.perf_counter()
        if not self.open:
            self.over.set_result(None)


class Connection(asyncio.Protocol):
    """One connection that has at most one request under way."""

    def __init__(self, traffic: Traffic) -> None:
        self._traffic = traffic
        self._transport: asyncio.Transport | None = None
        self._since = 0.0
        self._got = b""
        self._status = ""
        self._left = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are registered as nothing.
        self._transport = cast(asyncio.Transport, transport)

    def send(self, since: float) -> None:
        """Send the next request, whose latency counts from ``since``."""
        assert self._transport is not None
        self._since = since
        self._traffic.open += 1
        self._transport.write(self._traffic.next_request())

    def data_received(self, data: bytes) -> None:
        if self._status:
            self._left -= len(data)
        else:
            self._got += data
            end = self._got.find(b"\r\n\r\n")
            if end < 0:
                return
            length = _LENGTH.search(self._got, 0, end + 2)
            self._left = (int(length[1]) if length else 0) - (len(self._got) - end - 4)
            self._status, self._got = self._got[9:12].decode(), b""
        if self._left <= 0:
            traffic, status, self._status = self._traffic, self._status, ""
            traffic.open -= 1
            traffic.answers[status] += 1
            traffic.latencies.append(time.perf_counter() - self._since)
            self._since = 0.0
            traffic.free(self)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._since and not self._traffic.over.done():
            self._traffic.over.set_exception(exc or ConnectionResetError("the server hung up"))


def _prepared(ask: dict[str, Any], host: str, token: str) -> tuple[bytes, bytes | None]:
    """Return a request as bytes, in two parts when a fresh key goes in between."""
    body = ask["body"].encode()
    lines = [f"{ask['method']} {ask['path']} HTTP/1.1", f"Host: {host}"]
    if token := ask["token"] or token:
        lines.append(f"Authorization: Bearer {token}")
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    head = "".join(f"{line}\r\n" for line in lines)
    if ask["method"] != "POST":
        return f"{head}\r\n".encode() + body, None
    head += "Idempotency-Key: "
    if ask["key"] is None:
        return head.encode(), b"\r\n\r\n" + body
    return f"{head}{ask['key']}\r\n\r\n".encode() + body, None


async def _main() -> None:
    order = json.loads(sys.stdin.buffer.read())
    traffic = Traffic(order)
    before = time.process_time()
    seconds = await traffic.run(order["connections"])
    cpu = time.process_time() - before
    outcome = outcome_of(dict(traffic.answers), traffic.latencies, seconds, cpu)
    print(json.dumps(asdict(outcome)))


if __name__ == "__main__":
    uvloop.run(_main())
