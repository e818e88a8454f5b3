"""Answers that are written at once: what the document promises, byte for byte."""

import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from pydantic import TypeAdapter

from tests.api.callers import Callers

# Neither in the order of the view nor with all of its fields.
ADDRESS = {
    "country": "GB",
    "line1": "12, St James's Square, Apt. 4",
    "city": "London",
    "postal_code": "SW1Y 4JH",
    "name": 'Ada "Countess" Löve\u2028lace 🦊',
}
BOOKS = Path(__file__).parent.parent / "db" / "sound.sql"


@pytest.fixture(scope="module", autouse=True)
async def books_full(database_url: str) -> None:
    """Orders delivered, lost, running and cancelled, with everything that belongs to them."""
    connection = await asyncpg.connect(database_url, ssl=False)
    await connection.execute(BOOKS.read_text())
    await connection.execute("UPDATE orders SET ship_to = $1, bill_to = $1", json.dumps(ADDRESS))
    await connection.execute("UPDATE shipments SET ship_to = $1", json.dumps(ADDRESS))
    for moment in ("2030-01-02 03:04:05.12+00", "2030-01-02 03:04:05+00"):
        await connection.execute(
            "INSERT INTO holds (id, document_type, document_id, reason, note, placed_by, placed_at)"
            " SELECT gen_random_uuid(), 'order', id, $1, 'A "
            "\"note\"', 'tests', $2::text::timestamptz FROM orders",
            "manual" if "." in moment else "quality",
            moment,
        )
    await connection.execute(
        "INSERT INTO events (id, type, subject, subject_id, sequence, actor, correlation_id, data)"
        " SELECT gen_random_uuid(), 'order.told.v1', number, id, 1000, 'tests', '',"
        ' \'{"b": [1.5, null, {}], "a": "é"}\' FROM orders'
    )
    await connection.close()


async def ids(callers: Callers, path: str) -> list[str]:
    page = (await callers.get(path)).json()
    return [document["id"] for document in page["items"]]


def model_of(app: FastAPI, template: str) -> TypeAdapter[Any]:
    """Return the response model that the document shows for a GET."""
    [route] = [
        route
        for route in app.routes
        if isinstance(route, APIRoute) and route.path == template and "GET" in route.methods
    ]
    return TypeAdapter(route.response_model)


async def test_what_is_written_is_what_the_declared_model_would_write(
    app: FastAPI, callers: Callers
) -> None:
    orders, shipments = await ids(callers, "/orders"), await ids(callers, "/shipments")
    assert (len(orders), len(shipments)) == (4, 4)
    asked = {
        "/orders": ["/orders", "/orders?limit=2", f"/orders?customer_id={uuid4()}"],
        "/orders/{order_id}": [f"/orders/{each}" for each in orders],
        "/orders/{order_id}/timeline": [f"/orders/{each}/timeline" for each in orders],
        "/shipments/{shipment_id}/timeline": [f"/shipments/{each}/timeline" for each in shipments],
    }
    for template, paths in asked.items():
        declared = model_of(app, template)
        for path in paths:
            answer = await callers.get(path)
            assert answer.status_code == 200, answer.text
            assert answer.headers["content-type"] == "application/json"
            assert declared.dump_json(declared.validate_json(answer.content)) == answer.content


async def test_the_answers_compared_show_every_part_of_an_order(callers: Callers) -> None:
    orders = (await callers.get("/orders")).json()["items"]
    for part in ("lines", "holds", "shipments", "payments"):
        assert any(order[part] for order in orders), part
    assert any(each["tracking_numbers"] for order in orders for each in order["shipments"])
    assert any(each["captured"]["amount"] for order in orders for each in order["payments"])
    assert {order["ship_to"]["name"] for order in orders} == {ADDRESS["name"]}
    assert {order["ship_to"]["phone"] for order in orders} == {""}
    assert {hold["placed_at"] for order in orders for hold in order["holds"]} == {
        "2030-01-02T03:04:05.120000Z",
        "2030-01-02T03:04:05Z",
    }


async def test_who_may_not_read_is_told_so_before_what_was_wrong(callers: Callers) -> None:
    answer = await callers.client.get("/orders/nonsense?limit=x")
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert answer.headers["content-type"] == "application/problem+json"
    assert (await callers.get("/orders/nonsense")).json()["errors"][0]["pointer"] == (
        "/path/order_id"
    )
    long = {"If-None-Match": "x" * 1001}
    refused = await callers.get(f"/orders/{uuid4()}", headers=long)
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (
        422,
        "/header/If-None-Match",
    )
