"""Size, time and outages over a real connection: always an answer, always in one form."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import asyncpg
import httpx2
import pytest
from fastapi import FastAPI

from api.app import create_app
from api.services import Services
from db.engine import Database, open_engine
from runtime.settings import Settings
from tests.api.callers import Callers
from tests.api.conftest import away
from tests.patience import PATIENCE
from tests.ports import free_port
from tests.serving import served

LIMIT = 2000


@pytest.fixture(scope="module")
def settings() -> Settings:
    return Settings(body_limit=LIMIT)


@pytest.fixture
async def http(app: FastAPI) -> AsyncIterator[httpx2.AsyncClient]:
    async with (
        served(app) as address,
        httpx2.AsyncClient(base_url=address, timeout=PATIENCE) as client,
    ):
        yield client


@pytest.fixture
async def hasty(books: Database, settings: Settings) -> AsyncIterator[httpx2.AsyncClient]:
    """The same, by an application that gives up soon; only for what never comes."""
    soon = settings.model_copy(update={"request_timeout": timedelta(seconds=1)})
    async with (
        served(create_app(Services(settings=soon, db=books, temporal=away))) as address,
        httpx2.AsyncClient(base_url=address, timeout=PATIENCE) as client,
    ):
        yield client


async def headers(callers: Callers, key: str = "k") -> dict[str, str]:
    secret = await callers.key("admin")
    return {"X-API-Key": secret, "Idempotency-Key": key, "Content-Type": "application/json"}


async def test_a_declared_size_above_the_limit_is_refused(
    http: httpx2.AsyncClient, callers: Callers
) -> None:
    answer = await http.post(
        "/customers", content=b" " * (LIMIT + 1), headers=await headers(callers)
    )
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


async def test_an_undeclared_size_is_counted(http: httpx2.AsyncClient, callers: Callers) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(30):
            yield b" " * 100

    for path in ("/customers", "/webhooks/sandbox-carrier"):
        answer = await http.post(path, content=chunks(), headers=await headers(callers))
        assert (answer.status_code, answer.json()["code"]) == (413, "too_large"), path


async def test_a_body_of_exactly_the_limit_is_read(
    http: httpx2.AsyncClient, callers: Callers
) -> None:
    body = b'{"name": "X"}'.ljust(LIMIT)
    answer = await http.post("/customers", content=body, headers=await headers(callers, "exact"))
    assert answer.status_code == 201


async def test_a_body_that_never_ends_is_given_up(
    hasty: httpx2.AsyncClient, callers: Callers
) -> None:
    reader, writer = await asyncio.open_connection(hasty.base_url.host, hasty.base_url.port)
    sent = {**await headers(callers), "Host": "stateset", "Transfer-Encoding": "chunked"}
    lines = "".join(f"{name}: {value}\r\n" for name, value in sent.items())
    writer.write(f"POST /customers HTTP/1.1\r\n{lines}\r\n1\r\n{{\r\n".encode())
    async with asyncio.timeout(PATIENCE):
        status = await reader.readline()
    assert status.startswith(b"HTTP/1.1 408"), status
    writer.close()


async def test_an_answer_that_takes_too_long_is_given_up(
    http: httpx2.AsyncClient, hasty: httpx2.AsyncClient, callers: Callers, database_url: str
) -> None:
    sent = await headers(callers, "late")
    connection = await asyncpg.connect(database_url, ssl=False)
    await connection.execute("BEGIN; LOCK TABLE customers")
    answer = await hasty.post("/customers", json={"name": "Late"}, headers=sent)
    assert (answer.status_code, answer.json()["code"]) == (503, "timed_out")
    assert answer.headers["retry-after"] == "1"
    await connection.execute("ROLLBACK")
    await connection.close()
    again = await http.post("/customers", json={"name": "Late"}, headers=sent)
    assert again.status_code == 201


async def test_the_callers_request_id_comes_back_unless_it_is_odd(
    http: httpx2.AsyncClient,
) -> None:
    good = await http.get("/health/live", headers={"X-Request-Id": "shop-1.2:3"})
    assert good.headers["x-request-id"] == "shop-1.2:3"
    for odd in ("x" * 129, "a b", "<script>", '"'):
        made = (await http.get("/health/live", headers={"X-Request-Id": odd})).headers
        assert made["x-request-id"] != odd
        assert len(made["x-request-id"]) == 32


async def test_every_answer_has_safe_headers(http: httpx2.AsyncClient) -> None:
    for path in ("/health/live", "/nowhere", "/customers"):
        found = (await http.get(path)).headers
        assert found["x-content-type-options"] == "nosniff"
        assert found["x-frame-options"] == "DENY"


async def test_a_lock_that_is_held_too_long_is_a_reason_to_try_again(
    database_url: str, callers: Callers, settings: Settings
) -> None:
    sent = await headers(callers, "locked")
    db = Database(
        open_engine(database_url, application="tests", lock_timeout=timedelta(milliseconds=100))
    )
    connection = await asyncpg.connect(database_url, ssl=False)
    await connection.execute("BEGIN; LOCK TABLE customers")
    async with asking(db, settings) as client:
        answer = await client.post("/customers", json={"name": "Held"}, headers=sent)
    assert (answer.status_code, answer.json()["code"]) == (503, "busy")
    assert answer.headers["retry-after"] == "1"
    await connection.close()
    await db.close()


async def test_without_a_database_everything_says_so_and_nothing_breaks(
    settings: Settings, callers: Callers
) -> None:
    sent = await headers(callers)
    db = Database(open_engine(f"postgresql://x:x@127.0.0.1:{free_port()}/x", application="tests"))
    async with asking(db, settings) as client:
        assert (await client.get("/health/live")).status_code == 200
        health = await client.get("/health")
        assert health.status_code == 503
        assert health.json() == {
            "status": "unavailable",
            "database": "unavailable",
            "temporal": "unavailable",
        }
        assert (await client.get("/health/ready")).status_code == 503
        answer = await client.get("/customers", headers=sent)
        assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable")
        assert answer.headers["retry-after"] == "1"
    await db.close()


async def test_a_connection_that_was_cut_costs_one_answer_at_most(
    app: FastAPI, callers: Callers, database_url: str
) -> None:
    await callers.get("/customers")
    connection = await asyncpg.connect(database_url, ssl=False)
    await connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE application_name = 'tests' AND pid <> pg_backend_pid()"
    )
    await connection.close()
    first = await callers.get("/customers")
    assert first.status_code in (200, 503)
    assert (await callers.get("/customers")).status_code == 200


async def test_temporal_away_degrades_and_does_not_stop_us(callers: Callers) -> None:
    ready = await callers.client.get("/health/ready")
    assert (ready.status_code, ready.json()["status"]) == (200, "degraded")
    assert ready.json()["backlog"] == {"depth": 0, "oldest_seconds": 0.0, "failing": 0}
    health = await callers.client.get("/health")
    assert (health.status_code, health.json()["database"]) == (503, "ok")


def asking(db: Database, settings: Settings) -> httpx2.AsyncClient:
    app = create_app(Services(settings=settings, db=db, temporal=away))
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://stateset")
