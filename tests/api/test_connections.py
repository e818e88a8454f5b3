"""Connections by raw sockets: endless heads, silence, crowds and clients that do not read."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI

from api.app import Server, server_config
from api.connections import Connection
from runtime.settings import Settings
from telemetry import metrics
from tests.patience import PATIENCE
from tests.ports import free_port

MOST = 60
LIVE = b"GET /health/live HTTP/1.1\r\nHost: x\r\n"


@asynccontextmanager
async def running(config: uvicorn.Config) -> AsyncIterator[int]:
    server = Server(config)
    task = asyncio.create_task(server.serve())
    await until(lambda: server.started or task.done())
    try:
        yield config.port
    finally:
        server.should_exit = True
        await task


@pytest.fixture
async def port(app: FastAPI) -> AsyncIterator[int]:
    settings = Settings(api_port=free_port(), max_connections=MOST)
    async with running(server_config(app, settings)) as port:
        yield port


async def ask(port: int, *parts: bytes) -> bytes:
    """Send the parts, one write each, and return all that is answered until the end."""
    async with asyncio.timeout(PATIENCE):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            for part in parts:
                writer.write(part)
                await writer.drain()
        except ConnectionError:
            pass
        answer = b""
        try:
            while more := await reader.read(65_536):
                answer += more
        except ConnectionError:
            pass
        writer.close()
        return answer


def ended(reason: str) -> float:
    found = metrics.REGISTRY.get_sample_value(
        "stateset_http_connections_ended_total", {"reason": reason}
    )
    return found or 0.0


async def until(come: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while True:
            if come():
                return
            await asyncio.sleep(0.01)


async def dawdle(seconds: float) -> None:
    await asyncio.sleep(seconds)


async def opened(expected: int) -> None:
    def found() -> bool:
        return metrics.REGISTRY.get_sample_value("stateset_http_connections") == expected

    await until(found)


LARGE = {
    "one value": LIVE + b"X: " + b"v" * 33_000 + b"\r\n\r\n",
    "one name": LIVE + b"n" * 33_000 + b": v\r\n\r\n",
    "many lines": LIVE + b"X: v\r\n" * 100 + b"\r\n",
    "the address": b"GET /" + b"a" * 33_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    "a value without an end": LIVE + b"X: " + b"v" * 33_000,
    "lines without an end": LIVE + b"X: v\r\n" * 6_000,
    "an address without an end": b"GET /" + b"a" * 33_000,
    "blank lines": b"\r\n" * 20_000,
}


@pytest.mark.parametrize("sent", LARGE.values(), ids=LARGE)
async def test_a_head_that_is_too_large_is_refused_and_closed(sent: bytes, port: int) -> None:
    """D1: 431 above 32 kB or 100 headers, at once or byte by byte."""
    before = ended("head_too_large")
    answer = await ask(port, sent)
    assert answer.startswith(b"HTTP/1.1 431 "), answer
    assert b'"code":"headers_too_large"' in answer
    parts = [sent[start : start + 4_000] for start in range(0, len(sent), 4_000)]
    assert (await ask(port, *parts)).startswith(b"HTTP/1.1 431 ")
    assert ended("head_too_large") == before + 2


async def test_a_head_of_exactly_what_is_allowed_is_served(port: int) -> None:
    """D1: 100 headers, and 32 kB together, are answered."""
    many = LIVE + b"Connection: close\r\n" + b"X: v\r\n" * 98 + b"\r\n"
    assert (await ask(port, many)).startswith(b"HTTP/1.1 200 ")
    large = LIVE + b"Connection: close\r\nX: " + b"v" * 32_000 + b"\r\n\r\n"
    assert (await ask(port, large)).startswith(b"HTTP/1.1 200 ")


async def test_the_second_head_of_a_connection_is_bounded_as_the_first(port: int) -> None:
    """D1: also behind a good request, alone or in one piece with it."""
    second = LIVE + b"X: " + b"v" * 33_000 + b"\r\n\r\n"
    answer = await ask(port, LIVE + b"\r\n", second)
    assert b"HTTP/1.1 431 " in answer
    assert b"HTTP/1.1 431 " in await ask(port, LIVE + b"\r\n" + second)


async def test_trailers_and_chunk_extensions_are_bounded_as_heads_are(port: int) -> None:
    """D1: the parser keeps a trailer, too."""
    chunked = (
        b"POST /webhooks/sandbox-carrier HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
    )
    for endless in (b"0\r\nX: ", b"1;x="):
        answer = await ask(port, chunked + b"\r\n", endless, *[b"v" * 10_000] * 60)
        assert answer.startswith((b"HTTP/1.1 431 ", b"HTTP/1.1 400 ")), endless


async def test_a_large_body_in_small_chunks_is_no_head(port: int) -> None:
    """D1: what is counted is the head, not the body."""
    sent = b"POST /webhooks/sandbox-carrier HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
    chunks = [b"a\r\n0123456789\r\n" * 1_000] * 8
    answer = await ask(port, sent + b"Transfer-Encoding: chunked\r\n\r\n", *chunks, b"0\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 401 "), answer
    body = [b"x" * 80_000, b"x" * 80_000]
    answer = await ask(port, sent + b"Content-Length: 160000\r\n\r\n", *body)
    assert answer.startswith(b"HTTP/1.1 401 "), answer


async def test_an_endless_header_does_not_stop_the_loop(port: int) -> None:
    """D1: 134 MB of one value; others are answered meanwhile."""
    attack = asyncio.create_task(ask(port, LIVE + b"X: ", *[b"v" * 1_000_000] * 134))
    slowest = 0.0
    while not attack.done():
        began = time.monotonic()
        answer = await ask(port, LIVE + b"Connection: close\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 200 ")
        slowest = max(slowest, time.monotonic() - began)
    assert slowest < 1


async def test_what_is_no_http_is_refused_in_the_form_of_every_refusal(port: int) -> None:
    """D1: the answer to bytes that no request begins with."""
    answer = await ask(port, b"\x16\x03\x01\x00\xff rubbish\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b'"code":"unreadable"' in answer


async def test_silent_and_half_connections_are_closed(port: int) -> None:
    """D5: about 10 s until the first, and each later, head is complete."""
    before = ended("head_too_slow")

    async def silence(*parts: bytes, drip: bytes = b"") -> float:
        began = time.monotonic()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for part in parts:
            writer.write(part)
        ended = False
        while not ended:
            try:
                async with asyncio.timeout(0.7):
                    ended = not await reader.read(65_536)
            except TimeoutError:
                writer.write(drip)
            except ConnectionError:
                ended = True
        writer.close()
        return time.monotonic() - began

    took = await asyncio.gather(
        silence(),
        silence(LIVE),
        silence(drip=b"\r\n"),
        silence(LIVE, drip=b"X: v\r\n"),
        silence(LIVE + b"\r\n", drip=b"\r\n"),
        silence(LIVE + b"\r\n" + LIVE, drip=b"X: v\r\n"),
        silence(LIVE + b"Content-Length: 99999\r\n\r\n", drip=b"x"),
    )
    assert all(9 < seconds < 14 for seconds in took), took
    assert ended("head_too_slow") == before + len(took)
    await opened(0)


async def test_a_connection_that_is_used_is_not_closed(port: int) -> None:
    """D5: the time counts from each request's own beginning."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for _ in range(4):
        writer.write(LIVE + b"\r\n")
        assert (await reader.readline()).startswith(b"HTTP/1.1 200 ")
        while (await reader.readline()) != b"\r\n":
            pass
        await reader.readexactly(15)
        await dawdle(3.5)
    writer.close()


async def test_more_connections_than_the_cap_are_answered_503(port: int) -> None:
    """D5: at once, counted, and there is room again when others have gone."""
    await opened(0)
    before = ended("too_many")
    crowd = [await asyncio.open_connection("127.0.0.1", port) for _ in range(MOST)]
    await opened(MOST)
    answer = await ask(port, LIVE + b"\r\n")
    assert answer.startswith(b"HTTP/1.1 503 "), answer
    assert b'"code":"too_many_connections"' in answer
    assert b"retry-after: 1\r\n" in answer
    assert ended("too_many") == before + 1
    assert metrics.REGISTRY.get_sample_value("stateset_http_connections") == MOST
    for _, writer in crowd:
        writer.close()
    await opened(0)
    answer = await ask(port, LIVE + b"Connection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 ")


class Hasty(Connection):
    read_seconds = 0.5


async def large(scope: Any, receive: Any, send: Any) -> None:
    """Answer with much."""
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"x" * 30_000_000})


@pytest.mark.parametrize("wish", [b"", b"Connection: close\r\n"], ids=["kept", "closed"])
async def test_a_client_that_does_not_read_is_cut_off(wish: bytes) -> None:
    """D2: its answer is not held for ever; one that reads slowly gets all of it."""
    before = ended("reader_too_slow")
    config = uvicorn.Config(large, port=free_port(), log_config=None, http=Hasty, ws="none")
    async with running(config) as port:
        await opened(0)
        _, idle = await asyncio.open_connection("127.0.0.1", port)
        reader, slow = await asyncio.open_connection("127.0.0.1", port)
        for writer in (idle, slow):
            writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n" + wish + b"\r\n")
        got = 0
        while got < 30_000_000:
            got += len(await reader.read(1_000_000))
            await dawdle(0.05)
        slow.close()
        await opened(0)
        assert ended("reader_too_slow") == before + 1
        idle.close()
