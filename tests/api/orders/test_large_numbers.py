"""Numbers that no field takes: refused by name whatever their size, never rounded to what fits."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest
from fastapi import FastAPI

from tests.api.orders.conftest import problem
from tests.storefront import ADDRESS, Storefront, an_order, dollars

NUMBERS = [
    "9223372036854775808",
    "18446744073709551616",
    "12345678901234567890123",
    "-9223372036854775809",
    "9" * 4300,
    "1e400",
    "9223372036854775808.0",
]
HERE = "the number"
"""Stands in a body for the number."""


def bodies(shop: Storefront) -> dict[str, tuple[str, dict[str, Any]]]:
    """Return by its pointer a field of every family, the route that takes it, and a body."""
    order = an_order(shop.customer_id, {"SKU": 1})
    item = {"sku": f"N-{uuid4().hex}", "name": "Mug"}
    return {
        "/lines/0/quantity": ("/orders", {**order, "lines": [{"sku": "SKU", "quantity": HERE}]}),
        "/lines/0/unit_price/amount": (
            "/orders",
            {**order, "lines": [{"sku": "SKU", "quantity": 1, "unit_price": dollars_of(HERE)}]},
        ),
        "/shipping/amount": ("/orders", {**order, "shipping": dollars_of(HERE)}),
        "/weight_grams": ("/items", {**item, "weight_grams": HERE}),
        "/tax_rate": ("/items", {**item, "tax_rate": HERE}),
        "/prices/0/amount": ("/items", {**item, "prices": [dollars_of(HERE)]}),
        "/rank": (
            "/inventory/sites",
            {"code": uuid4().hex[:8], "name": "Site", "address": ADDRESS, "rank": HERE},
        ),
        "/quantity": (
            "/inventory/adjustments",
            {"sku": "SKU", "site": "AUS", "quantity": HERE, "reason": "found"},
        ),
    }


def dollars_of(amount: Any) -> dict[str, Any]:
    return {**dollars(0), "amount": amount}


async def ask(shop: Storefront, path: str, body: dict[str, Any], number: str) -> httpx2.Response:
    written = json.dumps(body).replace(json.dumps(HERE), number)
    sent = {"content-type": "application/json"}
    return await shop.callers.ask("POST", path, content=written, headers=sent)


@pytest.mark.parametrize("number", NUMBERS, ids=lambda number: number[:25])
async def test_a_number_that_no_field_takes_is_refused_and_its_field_named(
    number: str, shop: Storefront
) -> None:
    """T10's kind: what would be rounded on the way is not what was written."""
    before = await shop.counts()
    for pointer, (path, body) in bodies(shop).items():
        refused = problem(await ask(shop, path, body, number), 422, "malformed")
        pointers = [each["pointer"] for each in refused["errors"]]
        assert pointer in pointers, (pointer, refused)
        assert set(pointers) <= {pointer, "/lines"}
        assert number not in json.dumps(refused)
    assert await shop.counts() == before


async def test_a_number_that_would_take_long_to_read_is_malformed(shop: Storefront) -> None:
    """Beyond 4,300 digits a number is not read at all, so that its field is not known."""
    for path, body in bodies(shop).values():
        refused = problem(await ask(shop, path, body, "9" * 4301), 422, "malformed")
        assert "more than 4300 digits" in refused["detail"]


@pytest.mark.parametrize("number", ["9223372036854775808", "12345678901234567890123", "1e400"])
@pytest.mark.parametrize(
    "address", ["/orders?limit=", "/events?limit=", f"/orders/{UUID(int=0)}/timeline?after="]
)
async def test_a_number_in_an_address_is_refused_alike(
    address: str, number: str, shop: Storefront
) -> None:
    """T10: a parameter of the query is named as such."""
    refused = problem(await shop.callers.get(address + number), 422, "malformed")
    name = address.partition("?")[2].removesuffix("=")
    assert [each["pointer"] for each in refused["errors"]] == [f"/query/{name}"]


def integers(schema: Any, of: str, place: str = "") -> Iterator[tuple[str, Any]]:
    """Return every integer of a schema with where it stands."""
    if isinstance(schema, dict):
        if schema.get("type") == "integer":
            yield f"{of}{place}", schema
        for name, inner in schema.items():
            yield from integers(inner, of, f"{place}/{name}")
    elif isinstance(schema, list):
        for inner in schema:
            yield from integers(inner, of, place)


def taken(schema: Any, schemas: dict[str, Any], seen: set[str]) -> set[str]:
    """Return the names of the schemas that a body is made of."""
    for name in [
        name for name in schemas if f'"#/components/schemas/{name}"' in json.dumps(schema)
    ]:
        if name not in seen:
            seen.add(name)
            taken(schemas[name], schemas, seen)
    return seen


def test_every_integer_that_a_body_takes_has_bounds_of_64_bits(app: FastAPI) -> None:
    """T10's kind: a field without a bound would take a number that no column has room for."""
    described = app.openapi()
    schemas = described["components"]["schemas"]
    names: set[str] = set()
    for methods in described["paths"].values():
        for route in methods.values():
            taken(route.get("requestBody", {}), schemas, names)
    found = [each for name in sorted(names) for each in integers(schemas[name], name)]
    assert len(found) >= 6
    for where, schema in found:
        bounds = (schema.get("minimum", schema.get("exclusiveMinimum")), schema.get("maximum"))
        assert None not in bounds, where
        assert -(2**63) <= bounds[0] <= bounds[1] < 2**63, where
