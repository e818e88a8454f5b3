"""The company seen from outside: prices and orders as its callers write them, and its answers."""

from typing import Any
from uuid import uuid4

import httpx2

from tests.api.callers import Callers
from tests.shop import Shop

ADDRESS: dict[str, Any] = {
    "name": "Ada Lovelace",
    "line1": "12, St James's Square, Apt. 4",
    "city": "London",
    "postal_code": "SW1Y 4JH",
    "country": "GB",
}


def dollars(amount: int) -> dict[str, Any]:
    """An amount in cents, as the API writes it."""
    return {"amount": amount, "currency": "USD"}


def an_order(customer_id: str, lines: dict[str, int], **rest: Any) -> dict[str, Any]:
    """The body of an order; ``lines`` are quantities by SKU."""
    return {
        "customer_id": customer_id,
        "lines": [{"sku": sku, "quantity": quantity} for sku, quantity in lines.items()],
        "ship_to": ADDRESS,
        "payment": {"method": "card", "token": "tok_ok"},
        **rest,
    }


class Storefront:
    """The company as its callers deal with it: items, customers and orders over HTTP."""

    def __init__(self, company: Shop, callers: Callers) -> None:
        """Ask through these callers; what came of it is seen in the company's books."""
        self.callers = callers
        self.books = company.books
        self.customer_id = str(company.customer_id)
        self.rows = company.rows
        self.counts = company.counts
        self.assert_sound = company.assert_sound

    async def customer(self, **fields: Any) -> str:
        made = await self.callers.post("/customers", {"name": "Somebody", **fields})
        assert made.status_code == 201, made.text
        return str(made.json()["id"])

    async def item(self, stock: int = 10, price: int = 1000, site: str = "AUS", **rest: Any) -> str:
        """A fresh item with stock; returns its SKU."""
        sku = f"SKU-{uuid4().hex[:10].upper()}"
        made = await self.callers.post(
            "/items", {"sku": sku, "name": f"Item {sku}", "prices": [dollars(price)], **rest}
        )
        assert made.status_code == 201, made.text
        if stock:
            await self.fill(sku, stock, site)
        return sku

    async def fill(self, sku: str, quantity: int, site: str = "AUS") -> None:
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

    async def reserved(self, sku: str) -> int:
        found = await self.rows(
            "SELECT coalesce(sum(b.reserved), 0)::int AS units FROM balances b"
            " JOIN items i ON i.id = b.item_id WHERE i.sku = :sku",
            sku=sku,
        )
        return int(found[0]["units"])
