"""Answers carry the headers that the description of the API tells of."""

from typing import Any
from uuid import uuid4

import httpx2
from fastapi import FastAPI

from db.engine import Database
from tests.api.callers import Callers
from tests.shop import Shop
from tests.storefront import Storefront


def described_headers(app: FastAPI, place: str, answer: httpx2.Response) -> dict[str, Any]:
    """Return what is described of the headers of this answer of an operation, by their names."""
    method, path = place.split()
    described = app.openapi()
    told = described["paths"][path][method.lower()]["responses"][str(answer.status_code)]
    return {name: described["components"]["headers"][name] for name in told["headers"]}


def credential_of(answer: httpx2.Response) -> str | None:
    return answer.request.headers.get("authorization")


async def test_an_answer_has_just_the_headers_that_are_described(
    app: FastAPI, callers: Callers, books: Database
) -> None:
    """D22: of something new, a repeat, what is unchanged, and each kind of refusal with its own."""
    company = Shop(books)
    await company.open()
    shop, key, body = Storefront(company, callers), uuid4().hex, {"name": "Ada"}
    made = await callers.post("/customers", body, key=key)
    again = await callers.post("/customers", body, key=key)
    where = made.headers["location"]
    shown = await callers.get(where)
    tag = {"If-None-Match": shown.headers["etag"]}
    unchanged = await callers.get(where, headers=tag)
    order = await shop.placed({await shop.item(): 1})
    seen = [
        ("POST /customers", made, 201, {"Location"}),
        ("POST /customers", again, 201, {"Location", "Idempotent-Replayed"}),
        ("GET /customers/{customer_id}", shown, 200, {"ETag"}),
        ("GET /customers/{customer_id}", unchanged, 304, {"ETag"}),
        ("GET /customers", await callers.client.get("/customers"), 401, {"WWW-Authenticate"}),
        ("GET /customers/{customer_id}", await callers.get(f"/customers/{uuid4()}"), 404, set()),
        (
            "POST /orders/{order_id}/cancel",
            await callers.post(f"/orders/{order['id']}/cancel", {}),
            503,
            {"Retry-After"},
        ),
        ("GET /health/live", await callers.client.get("/health/live"), 200, set()),
    ]
    for place, answer, status, names in seen:
        assert answer.status_code == status, (place, answer.text)
        told = described_headers(app, place, answer)
        limits = {"RateLimit", "RateLimit-Policy"} if credential_of(answer) else set()
        expected = names | limits | {"X-Request-Id"}
        assert {name for name in told if name in answer.headers} == expected, place
        always = {name for name, one in told.items() if one.get("required")}
        assert always <= set(names) | {"X-Request-Id"}, place
    assert shown.headers["etag"] == unchanged.headers["etag"]
    assert int(seen[6][1].headers["retry-after"]) >= 1


async def test_a_request_is_known_by_the_id_that_it_brings(callers: Callers) -> None:
    own = await callers.get("/customers", headers={"X-Request-Id": "web-4711"})
    odd = await callers.get("/customers", headers={"X-Request-Id": "not one"})
    assert own.headers["x-request-id"] == "web-4711"
    assert odd.headers["x-request-id"] not in ("", "not one")
