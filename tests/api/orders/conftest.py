"""A shop to order from, over HTTP."""

from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from sqlalchemy import text

from db.engine import Database
from db.verify.books import verify
from tests.api.callers import Callers
from tests.storefront import add_site, an_order, dollars

MASTER = ("api_keys", "alembic_version")


@dataclass
class Shop:
    """Items, customers and orders of a module's own database."""

    callers: Callers
    books: Database
    customer_id: str

    async def customer(self, **fields: Any) -> str:
        made = await self.callers.post("/customers", {"name": "Somebody", **fields})
        assert made.status_code == 201, made.text
        return str(made.json()["id"])

    async def item(
        self, stock: int = 10, price: int = 1000, site: str = "MAIN", **rest: Any
    ) -> str:
        """A fresh item with stock; returns its SKU."""
        sku = f"SKU-{uuid4().hex[:10].upper()}"
        made = await self.callers.post(
            "/items", {"sku": sku, "name": f"Item {sku}", "prices": [dollars(price)], **rest}
        )
        assert made.status_code == 201, made.text
        if stock:
            await self.fill(sku, stock, site)
        return sku

    async def fill(self, sku: str, quantity: int, site: str = "MAIN") -> None:
        asked = {"sku": sku, "site": site, "quantity": str(quantity), "reason": "initial_balance"}
        made = await self.callers.post("/inventory/adjustments", asked)
        assert made.status_code == 201, made.text

    def order(self, wanted: dict[str, int], /, **rest: Any) -> dict[str, Any]:
        return {**an_order(self.customer_id, wanted), **rest}

    async def place(self, wanted: dict[str, int], /, **rest: Any) -> httpx2.Response:
        how = {name: rest.pop(name) for name in ("key", "role", "headers") if name in rest}
        return await self.callers.post("/orders", self.order(wanted, **rest), **how)

    async def placed(self, wanted: dict[str, int], /, **rest: Any) -> dict[str, Any]:
        answer = await self.place(wanted, **rest)
        assert answer.status_code == 201, answer.text
        body: dict[str, Any] = answer.json()
        return body

    async def rows(self, statement: str, **given: Any) -> list[dict[str, Any]]:
        async with self.books.read() as db:
            found = await db.execute(text(statement), given)
            return [dict(row) for row in found.mappings()]

    async def counts(self) -> dict[str, int]:
        """How many rows each table of documents has."""
        tables = await self.rows(
            "SELECT table_name AS name FROM information_schema.tables"
            " WHERE table_schema = 'public' ORDER BY 1"
        )
        union = " UNION ALL ".join(
            f"SELECT '{table['name']}' AS name, count(*) AS rows FROM {table['name']}"
            for table in tables
            if table["name"] not in MASTER
        )
        return {row["name"]: row["rows"] for row in await self.rows(union)}

    async def reserved(self, sku: str) -> int:
        found = await self.rows(
            "SELECT coalesce(sum(b.reserved), 0)::int AS units FROM balances b"
            " JOIN items i ON i.id = b.item_id WHERE i.sku = :sku",
            sku=sku,
        )
        return int(found[0]["units"])

    async def assert_sound(self) -> None:
        """Every rule of the books holds."""
        broken = [found for found in await verify(self.books.engine) if found.broken]
        assert not broken


@pytest.fixture(scope="module")
async def shop(callers: Callers, books: Database, database_url: str) -> Shop:
    await add_site(database_url, "MAIN", rank=1)
    await add_site(database_url, "SPARE", rank=2)
    shop = Shop(callers, books, "")
    shop.customer_id = await shop.customer(name="Ada")
    return shop


def problem(answer: httpx2.Response, status: int, code: str) -> dict[str, Any]:
    """Check that an answer is this problem, well formed, and return its body."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert body["code"] == code, body
    assert body["status"] == status
    assert body["type"] == f"/problems/{code}"
    assert {"title", "detail", "instance"} <= body.keys()
    return body
