"""Limits of requests over real connections: who asks too much is told when to come again."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import httpx2

from api.app import create_app
from api.limits.admission import HELD
from api.services import Services
from db.engine import Database
from runtime.settings import Settings
from telemetry import metrics
from tests.api.callers import Callers
from tests.api.conftest import away
from tests.api.test_webhooks import EVENT, sign
from tests.patience import PATIENCE
from tests.serving import served

HALF_AN_HOUR = 1 / 1800


@asynccontextmanager
async def limited(books: Database, **limits: Any) -> AsyncIterator[httpx2.AsyncClient]:
    """Serve the application with these limits."""
    app = create_app(Services(settings=Settings(**limits), db=books, temporal=away))
    async with (
        served(app) as address,
        httpx2.AsyncClient(base_url=address, timeout=PATIENCE) as client,
    ):
        yield client


def refused(kind: str) -> float:
    return metrics.REGISTRY.get_sample_value("stateset_http_limited_total", {"kind": kind}) or 0


async def headers(callers: Callers, role: str) -> dict[str, str]:
    return {"X-API-Key": await callers.key(role)}


async def test_a_caller_beyond_its_rate_is_told_when_to_come_again_and_others_are_served(
    books: Database, callers: Callers
) -> None:
    before = refused("caller")
    mine, others = await headers(callers, "admin"), await headers(callers, "support")
    async with limited(books, caller_rate=HALF_AN_HOUR, caller_burst=2) as http:
        seen = [await http.get("/orders", headers=mine) for _ in range(3)]
        other = await http.get("/orders", headers=others)
    assert [one.status_code for one in seen] == [200, 200, 429]
    assert [one.headers["ratelimit"] for one in seen] == [
        '"requests";r=1;t=1800',
        '"requests";r=0;t=3600',
        '"requests";r=0;t=3600',
    ]
    last = seen[-1]
    assert last.headers["ratelimit-policy"] == '"requests";q=2;w=3600'
    assert last.headers["content-type"] == "application/problem+json"
    assert last.json()["code"] == "rate_limited"
    assert last.json()["retry_after"] == int(last.headers["retry-after"])
    assert 1700 < last.json()["retry_after"] <= 1800
    assert other.status_code == 200
    assert refused("caller") == before + 1


async def test_an_address_without_a_credential_is_refused_and_its_known_callers_are_served(
    books: Database, callers: Callers
) -> None:
    before = refused("stranger")
    known = await headers(callers, "admin")
    async with limited(books, stranger_rate=HALF_AN_HOUR, stranger_burst=3) as http:
        assert (await http.get("/orders", headers=known)).status_code == 200
        asked = [await http.get("/orders") for _ in range(2)]
        asked.append(await http.get("/nowhere"))
        asked.append(await http.get("/orders", headers={"X-API-Key": f"sk_12345678_{'x' * 43}"}))
        asked.append(await http.post("/orders", content=b"[" * 100_000))
        health = await http.get("/health/live")
        again = await http.get("/orders", headers=known)
    assert [one.status_code for one in asked] == [401, 401, 404, 429, 429]
    assert asked[-1].json()["code"] == "rate_limited"
    assert int(asked[-1].headers["retry-after"]) > 1700
    assert (health.status_code, again.status_code) == (200, 200)
    assert refused("stranger") == before + 2


async def test_a_key_that_was_never_seen_counts_against_no_address_when_it_is_good(
    books: Database, callers: Callers
) -> None:
    async with limited(books, stranger_rate=HALF_AN_HOUR, stranger_burst=1) as http:
        for role in ("admin", "support", "warehouse"):
            answer = await http.get("/orders", headers=await headers(callers, role))
            assert answer.status_code == 200, role


async def test_only_a_trusted_proxy_says_for_whom_it_asks(books: Database) -> None:
    from_one, from_other = ({"X-Forwarded-For": f"9.9.9.9, 203.0.113.{n}"} for n in (1, 2))
    limits = {"stranger_rate": HALF_AN_HOUR, "stranger_burst": 1}
    async with limited(books, **limits) as http:
        assert (await http.get("/orders", headers=from_one)).status_code == 401
        assert (await http.get("/orders", headers=from_other)).status_code == 429
    async with limited(books, trusted_proxies="127.0.0.0/8", **limits) as http:
        assert (await http.get("/orders", headers=from_one)).status_code == 401
        assert (await http.get("/orders", headers=from_other)).status_code == 401
        assert (await http.get("/orders", headers=from_other)).status_code == 429


async def test_a_known_credential_does_not_help_where_none_is_asked_for(
    books: Database, callers: Callers
) -> None:
    before = refused("stranger")
    known = await headers(callers, "admin")
    async with limited(books, stranger_rate=HALF_AN_HOUR, stranger_burst=2) as http:
        assert (await http.get("/orders", headers=known)).status_code == 200
        order = "/guest/withdrawals/order"
        asked = [await http.get(order, headers=known) for _ in range(3)]
        again = await http.get("/orders", headers=known)
    assert [one.status_code for one in asked] == [422, 422, 429]
    assert asked[-1].json()["code"] == "rate_limited"
    assert again.status_code == 200
    assert refused("stranger") == before + 1


async def test_kept_answers_of_a_caller_are_bounded_by_day_and_repeats_are_answered(
    books: Database, callers: Callers
) -> None:
    before = refused("answers")
    mine, others = await headers(callers, "admin"), await headers(callers, "support")

    async def create(http: httpx2.AsyncClient, key: str, name: str = "Ada") -> httpx2.Response:
        body = {"name": name, "email": f"{key}@example.com"}
        return await http.post("/customers", json=body, headers=mine | {"Idempotency-Key": key})

    async with limited(books, caller_answers=2) as http:
        first = await create(http, "kept-1")
        repeats = [await create(http, "kept-1") for _ in range(3)]
        unfit = [await create(http, "kept-2", name="") for _ in range(3)]
        second = await create(http, "kept-3")
        beyond = await create(http, "kept-4")
        read = await http.get("/customers", headers=mine)
        other = await http.post(
            "/customers",
            json={"name": "Grace"},
            headers=others | {"Idempotency-Key": "kept-of-others"},
        )
    assert (first.status_code, second.status_code) == (201, 201)
    assert [one.json()["id"] for one in repeats] == [first.json()["id"]] * 3
    assert {one.status_code for one in unfit} == {422}
    assert (beyond.status_code, beyond.json()["code"]) == (429, "rate_limited")
    assert 40_000 < int(beyond.headers["retry-after"]) <= 43_200
    assert (read.status_code, other.status_code) == (200, 201)
    assert refused("answers") == before + 1


async def test_webhooks_of_a_partner_beyond_its_rate_are_refused_and_come_again_unharmed(
    books: Database, callers: Callers
) -> None:
    before = refused("partner")
    body = json.dumps(EVENT)
    signed = [sign(body) for _ in range(3)]
    async with limited(books, webhook_rate=HALF_AN_HOUR, webhook_burst=2) as http:
        told = [
            await http.post("/webhooks/sandbox-carrier", content=body, headers=each)
            for each in signed
        ]
        known = await http.get("/orders", headers=await headers(callers, "admin"))
    async with limited(books) as http:
        again = await http.post("/webhooks/sandbox-carrier", content=body, headers=signed[-1])
    assert [one.status_code for one in told] == [202, 202, 429]
    assert 1700 < int(told[-1].headers["retry-after"]) <= 1800
    assert known.status_code == 200
    assert (again.status_code, again.json()["repeated"]) == (202, False)
    assert refused("partner") == before + 1


async def test_requests_at_once_of_one_caller_are_bounded_and_others_are_served(
    books: Database, callers: Callers, database_url: str
) -> None:
    mine, others = await headers(callers, "admin"), await headers(callers, "support")
    connection = await asyncpg.connect(database_url, ssl=False)
    async with limited(books, caller_requests=2) as http:
        await connection.execute("BEGIN; LOCK TABLE customers")
        asked = [
            asyncio.create_task(http.get("/customers", headers=mine, timeout=PATIENCE))
            for _ in range(5)
        ]
        done, held = await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
        while len(done) < 3:
            more, held = await asyncio.wait(held, return_when=asyncio.FIRST_COMPLETED)
            done |= more
        other = await http.get("/orders", headers=others)
        await connection.execute("ROLLBACK")
        served_late = [await one for one in held]
        free = await http.get("/customers", headers=mine)
    await connection.close()
    assert {one.result().json()["code"] for one in done} == {"too_many_requests_at_once"}
    assert {(one.result().status_code, one.result().headers["retry-after"]) for one in done} == {
        (429, "1")
    }
    assert all(one.status_code != 429 for one in served_late)
    assert (other.status_code, free.status_code) == (200, 200)


async def test_who_never_waits_after_a_refusal_waits_for_the_next_ones(
    books: Database, callers: Callers
) -> None:
    """Beyond 50 refusals at once each is held back for a second: nothing is gained by hurry."""
    mine = await headers(callers, "admin")

    async def refusal(http: httpx2.AsyncClient) -> float:
        began = asyncio.get_running_loop().time()
        await http.get("/orders", headers=mine)
        return asyncio.get_running_loop().time() - began

    async with limited(books, caller_rate=HALF_AN_HOUR, caller_burst=1) as http:
        alone = [await refusal(http) for _ in range(20)]
        at_once = await asyncio.gather(*(refusal(http) for _ in range(100)))
    assert min(alone) < HELD
    assert sum(each >= HELD for each in at_once) >= 30


async def test_limits_of_nothing_are_off(books: Database, callers: Callers) -> None:
    mine = await headers(callers, "admin")
    off = {"caller_rate": 0, "stranger_rate": 0, "webhook_rate": 0, "caller_requests": 0}
    off["caller_answers"] = 0
    async with limited(books, caller_burst=1, stranger_burst=1, max_requests=0, **off) as http:
        for _ in range(3):
            answer = await http.get("/orders", headers=mine)
            assert answer.status_code == 200
            assert "ratelimit" not in answer.headers
            assert (await http.get("/orders")).status_code == 401
