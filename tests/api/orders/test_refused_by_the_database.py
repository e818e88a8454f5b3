"""What the database alone refuses: a definite no that names the field, and nothing is written."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from tests.api.orders.conftest import problem
from tests.storefront import ADDRESS, Storefront, dollars


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database_url, ssl=False)
    yield connection
    await connection.close()


@asynccontextmanager
async def stricter(database: asyncpg.Connection, change: str, back: str) -> AsyncIterator[None]:
    """The schema of a release that is stricter than the rules of this one."""
    await database.execute(change)
    try:
        yield
    finally:
        await database.execute(back)


def an_item(**rest: Any) -> dict[str, Any]:
    return {"sku": uuid4().hex, "name": "Mug", "prices": [dollars(100)], **rest}


def a_site(**rest: Any) -> dict[str, Any]:
    return {"code": uuid4().hex[:8], "name": "Here", "address": ADDRESS, **rest}


REFUSED: dict[str, tuple[str, str, str, dict[str, Any], list[str]]] = {
    "a constraint with a name of its own": (
        "ALTER TABLE items ADD CONSTRAINT odd CHECK (weight_grams < 5000) NOT VALID",
        "ALTER TABLE items DROP CONSTRAINT odd",
        "/items",
        an_item(weight_grams=6000),
        [],
    ),
    "a constraint named by its column": (
        "ALTER TABLE items ADD CONSTRAINT ck_items_name CHECK (name <> 'Mug') NOT VALID",
        "ALTER TABLE items DROP CONSTRAINT ck_items_name",
        "/items",
        an_item(),
        ["/name"],
    ),
    "a column that must be filled": (
        "ALTER TABLE items ADD COLUMN colour text NOT NULL DEFAULT '';"
        " ALTER TABLE items ALTER COLUMN colour DROP DEFAULT",
        "ALTER TABLE items DROP COLUMN colour",
        "/items",
        an_item(),
        [],
    ),
    "a narrower number": (
        "ALTER TABLE items ALTER COLUMN tax_rate TYPE numeric(2, 2)",
        "ALTER TABLE items ALTER COLUMN tax_rate TYPE numeric(9, 6)",
        "/items",
        an_item(tax_rate="0.999"),
        [],
    ),
    "a smaller integer, which the driver refuses": (
        "ALTER TABLE items ALTER COLUMN weight_grams TYPE smallint",
        "ALTER TABLE items ALTER COLUMN weight_grams TYPE integer",
        "/items",
        an_item(weight_grams=40_000),
        [],
    ),
    "a shorter text": (
        "ALTER TABLE sites ALTER COLUMN name TYPE varchar(3)",
        "ALTER TABLE sites ALTER COLUMN name TYPE text",
        "/inventory/sites",
        a_site(),
        [],
    ),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_a_value_that_the_database_refuses_is_malformed_and_nothing_is_written(
    case: str, shop: Storefront, database: asyncpg.Connection
) -> None:
    """T10's kind: it will be refused for ever, so that 500 or 503 would say what is not so."""
    change, back, path, body, pointers = REFUSED[case]
    key = uuid4().hex
    before = await shop.counts()
    async with stricter(database, change, back):
        answer = await shop.callers.post(path, body, key=key)
        refused = problem(answer, 422, "malformed")
        assert [each["pointer"] for each in refused.get("errors", [])] == pointers
        assert "cannot be stored" in refused["detail"]
        assert body["name"] not in answer.text
        assert "retry-after" not in answer.headers
    assert await shop.counts() == before
    kept = await shop.callers.post("/items", an_item(), key=key)
    assert kept.status_code == 201, "a refusal frees the key"


async def test_what_another_row_has_already_exists(
    shop: Storefront, database: asyncpg.Connection
) -> None:
    """A unique constraint that no rule of ours knows is a conflict, named by its column."""
    change = "CREATE UNIQUE INDEX uq_items_weight_grams ON items (weight_grams) WHERE name = 'Odd'"
    async with stricter(database, change, "DROP INDEX uq_items_weight_grams"):
        one = await shop.callers.post("/items", an_item(name="Odd", weight_grams=1))
        assert one.status_code == 201
        other = await shop.callers.post("/items", an_item(name="Odd", weight_grams=3))
        path = f"/items/{other.json()['id']}"
        changed = await shop.callers.ask("PATCH", path, json={"weight_grams": 1})
        refused = problem(changed, 409, "already_exists")
        assert [each["pointer"] for each in refused["errors"]] == ["/weight_grams"]
        assert (await shop.callers.get(path)).json()["weight_grams"] == 3


async def test_an_order_that_the_database_refuses_takes_no_other_one_with_it(
    shop: Storefront, database: asyncpg.Connection
) -> None:
    """T10's kind: orders that are accepted together fall one by one."""
    sku = await shop.item(stock=10)
    change = "ALTER TABLE orders ADD CONSTRAINT odd CHECK (external_reference <> 'odd')"
    async with stricter(database, change, "ALTER TABLE orders DROP CONSTRAINT odd"):
        references = [*(f"web-{n}" for n in range(6)), "odd"]
        answers = await asyncio.gather(
            *(shop.place({sku: 1}, external_reference=one) for one in references)
        )
    assert [answer.status_code for answer in answers] == [201] * 6 + [422]
    assert "cannot be stored" in problem(answers[-1], 422, "malformed")["detail"]
