"""Bad requests are refused in one form, change nothing, and never break the server."""

import json
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from tests.api.callers import Callers

MEMBERS = {"type", "title", "status", "detail", "instance", "code", "request_id"}
CUSTOMER = '{"name": "X", "email": %s}'

BODIES: dict[str, tuple[bytes, set[int]]] = {
    "empty": (b"", {422}),
    "not JSON": (b"name=X", {400}),
    "truncated": (b'{"name": "X"', {400}),
    "scalar": (b"1", {422}),
    "array": (b"[]", {422}),
    "null": (b"null", {422}),
    "invalid UTF-8": (b'{"name": "\xff\xfe"}', {400}),
    "deeply nested": (b"[" * 100_000, {400}),
    "deeply nested and closed": (b'{"name":' + b"[" * 5000 + b"]" * 5000 + b"}", {400, 422}),
    "lone surrogate": (b'{"name": "\\ud800"}', {422}),
    "lone surrogate in a field name": (b'{"name": "X", "\\ud800": 1}', {422}),
    "NUL": (b'{"name": "a\\u0000b"}', {422}),
    "NaN": (b'{"name": NaN}', {400, 422}),
    "missing field": (b"{}", {422}),
    "null for a field": (b'{"name": null}', {422}),
    "unknown field": (b'{"name": "X", "nmae": 1}', {422}),
    "assigning what is ours": (b'{"name": "X", "status": "suspended", "version": 9}', {422}),
    "wrong type": (b'{"name": 7}', {422}),
    "too long": (json.dumps({"name": "x" * 201}).encode(), {422}),
    "only white space": (b'{"name": "   "}', {422}),
    "bad email": (b'{"name": "X", "email": "not an address"}', {422}),
    "email with a line break": (b'{"name": "X", "email": "a@b.c\\nBcc: x@y.z"}', {422}),
    "bad telephone": (b'{"name": "X", "phone": "call me"}', {422}),
    "bad country": (
        json.dumps(
            {
                "name": "X",
                "address": {
                    "name": "X",
                    "line1": "1",
                    "city": "C",
                    "postal_code": "1",
                    "country": "us",
                },
            }
        ).encode(),
        {422},
    ),
}


async def count(database_url: str) -> list[int]:
    tables = ("customers", "items", "movements", "events", "idempotency_keys", "outbox")
    connection = await asyncpg.connect(database_url, ssl=False)
    rows = [await connection.fetchval(f"SELECT count(*) FROM {table}") for table in tables]
    await connection.close()
    return rows


def is_problem(answer: Any) -> bool:
    body = answer.json()
    return (
        answer.headers["content-type"] == "application/problem+json"
        and set(body) >= MEMBERS
        and body["status"] == answer.status_code
        and body["type"] == f"/problems/{body['code']}"
        and body["request_id"] == answer.headers["x-request-id"]
    )


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
async def test_a_bad_body_is_refused_and_changes_nothing(
    body: tuple[bytes, set[int]], callers: Callers, database_url: str
) -> None:
    sent, expected = body
    await callers.key("admin")
    before = await count(database_url)
    answer = await callers.ask(
        "POST", "/customers", content=sent, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code in expected, answer.text
    assert is_problem(answer)
    assert await count(database_url) == before


async def test_what_is_wrong_is_named_by_its_place(callers: Callers) -> None:
    answer = await callers.post(
        "/items", {"sku": "A", "name": "A", "prices": [{"amount": -1, "currency": "USD"}]}
    )
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/prices/0/amount"]


async def test_what_was_sent_is_not_echoed(callers: Callers) -> None:
    answer = await callers.post("/customers", {"name": "X", "email": "planted-secret"})
    assert answer.status_code == 422
    assert "planted-secret" not in answer.text


NUMBERS: dict[str, Any] = {
    "boolean": True,
    "fraction": 1.5,
    "text": "1",
    "negative": -1,
    "too large": 2**63,
    "400 digits": 10**400,
    "null": None,
}


@pytest.mark.parametrize("weight", NUMBERS.values(), ids=NUMBERS)
async def test_an_integer_is_nothing_but_an_integer(weight: Any, callers: Callers) -> None:
    answer = await callers.post("/items", {"sku": "W", "name": "W", "weight_grams": weight})
    assert answer.status_code == 422


@pytest.mark.parametrize(
    "literal",
    [
        "NaN",
        "Infinity",
        "-Infinity",
        "1e400",
        "0.1",
        "true",
        '"0.1234567"',
        '"NaN"',
        '"1"',
        '"-0.1"',
        '"1e-1000000000"',
        "9" * 5000,
    ],
)
async def test_a_rate_is_a_decimal_string_below_one(literal: str, callers: Callers) -> None:
    body = f'{{"sku": "R", "name": "R", "tax_rate": {literal}}}'
    answer = await callers.ask(
        "POST", "/items", content=body, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code in (400, 422), answer.text
    assert is_problem(answer)


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=101",
        "limit=-1",
        "limit=1e3",
        "limit=x",
        "after=x",
        "after=%00",
        "after=-1",
        "statsu=active",
        "status=ACTIVE",
        "email=%00",
        "sort=name",
        "email=" + "x" * 300,
    ],
)
async def test_a_bad_query_is_refused(query: str, callers: Callers) -> None:
    answer = await callers.get(f"/customers?{query}")
    assert answer.status_code == 422, answer.text
    assert is_problem(answer)


async def test_search_text_is_only_text(callers: Callers) -> None:
    for text in ("' OR 1=1 --", "%", "_", "\\", "../../etc/passwd", "a" * 200):
        answer = await callers.client.get(
            "/items", params={"sku": text}, headers={"X-API-Key": await callers.key("admin")}
        )
        assert (answer.status_code, answer.json()["items"]) == (200, [])


@pytest.mark.parametrize("wrong", ["null", "-1", "1e3", "%2e%2e%2f", "0" * 40, "%00"])
async def test_an_id_that_is_none_is_malformed(wrong: str, callers: Callers) -> None:
    for path in ("customers", "items", "shipments", "payments", "tasks"):
        answer = await callers.get(f"/{path}/{wrong}")
        assert answer.status_code in (404, 422), answer.text
        assert is_problem(answer)


async def test_an_unknown_id_is_not_found(callers: Callers) -> None:
    for path in ("customers", "items", "shipments", "payments", "tasks"):
        answer = await callers.get(f"/{path}/{uuid4()}")
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
        assert is_problem(answer)


async def test_unknown_addresses_and_methods_are_problems_too(callers: Callers) -> None:
    nowhere = await callers.get("/nowhere")
    assert nowhere.status_code == 404
    assert is_problem(nowhere)
    method = await callers.ask("DELETE", "/customers")
    assert method.status_code == 405
    assert is_problem(method)
    assert "GET" in method.headers["allow"]


@pytest.mark.parametrize("key", ["", " ", '""', "a b", "ключ".encode(), "x" * 256, "tab\there"])
async def test_a_malformed_idempotency_key_is_refused(key: Any, callers: Callers) -> None:
    secret = await callers.key("admin")
    answer = await callers.client.post(
        "/customers", json={"name": "X"}, headers={"X-API-Key": secret, "Idempotency-Key": key}
    )
    assert answer.status_code == 400
    assert is_problem(answer)


async def test_two_idempotency_keys_are_refused(callers: Callers) -> None:
    secret = await callers.key("admin")
    headers = [("X-API-Key", secret), ("Idempotency-Key", "a"), ("Idempotency-Key", "b")]
    answer = await callers.client.post("/customers", json={"name": "X"}, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "unreadable")


async def test_a_quoted_key_is_the_key(callers: Callers) -> None:
    key = uuid4().hex
    first = await callers.post("/customers", {"name": "Q"}, key=key)
    again = await callers.post("/customers", {"name": "Q"}, key=f'"{key}"')
    assert again.json() == first.json()
