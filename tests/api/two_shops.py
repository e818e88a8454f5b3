"""Two shops beside each other, an ERP that sees both, staff, and a customer of one of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx2
from sqlalchemy import text

from db.engine import Database
from tests.api.callers import Callers, new_key
from tests.shop import Shop
from tests.storefront import Storefront, an_order


@dataclass
class Asker:
    """Somebody with a key of their own."""

    client: httpx2.AsyncClient
    secret: str

    async def get(self, path: str) -> httpx2.Response:
        return await self.client.get(path, headers={"X-API-Key": self.secret})

    async def post(self, path: str, body: object) -> httpx2.Response:
        return await self.ask("POST", path, body)

    async def ask(self, method: str, path: str, body: object) -> httpx2.Response:
        headers = {"X-API-Key": self.secret, "Idempotency-Key": uuid4().hex}
        return await self.client.request(method, path, json=body, headers=headers)

    async def ids(self, path: str) -> list[str]:
        answer = await self.get(path)
        assert answer.status_code == 200, answer.text
        return [item["id"] for item in answer.json()["items"]]


@dataclass
class World:
    """Two shops, an ERP that sees both, one customer and something to sell."""

    shop: Asker
    rival: Asker
    erp: Asker
    support: Asker
    buyer: Asker
    customer: str
    sku: str

    def order(self, **rest: Any) -> dict[str, Any]:
        return an_order(self.customer, {self.sku: 1}, **rest)

    async def placed(self, by: Asker, **rest: Any) -> Mapping[str, Any]:
        answer = await by.post("/orders", self.order(**rest))
        assert answer.status_code == 201, answer.text
        body: Mapping[str, Any] = answer.json()
        return body


async def open_world(callers: Callers, books: Database) -> World:
    """Open the company, and give everybody a key."""
    company = Shop(books)
    await company.open()
    storefront = Storefront(company, callers)
    sku = await storefront.item(stock=100)

    async def asker(role: str, name: str, **rest: Any) -> Asker:
        return Asker(callers.client, await new_key(books, role, name=name, **rest))

    return World(
        shop=await asker("integration", "shop"),
        rival=await asker("integration", "rival"),
        erp=await asker("integration", "erp", scopes=["sources:all"]),
        support=await asker("support", "desk"),
        buyer=await asker("customer", "buyer", customer_id=company.customer_id),
        customer=storefront.customer_id,
        sku=sku,
    )


async def shipment_of(order_id: str, books: Database) -> str:
    """Plan a shipment of an order."""
    shipment = str(uuid4())
    async with books.begin() as db:
        await db.execute(
            text(
                """INSERT INTO shipments (id, order_id, site_id, status, carrier, service,
                    ship_from, ship_to)
                SELECT CAST(:shipment AS uuid), o.id, (SELECT id FROM sites LIMIT 1), 'pending',
                    'sandbox', 'ground', '{}', o.ship_to
                FROM orders o WHERE o.id = CAST(:order AS uuid)"""
            ),
            {"shipment": shipment, "order": order_id},
        )
    return shipment
