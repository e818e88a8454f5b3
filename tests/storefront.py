"""A shop seen from outside: a site with a shelf, prices, and orders as their callers write them."""

import json
from typing import Any
from uuid import uuid4

import asyncpg

ADDRESS: dict[str, Any] = {
    "name": "Ada Lovelace",
    "line1": "12, St James's Square, Apt. 4",
    "city": "London",
    "postal_code": "SW1Y 4JH",
    "country": "GB",
}


async def add_site(database_url: str, code: str, rank: int = 100) -> None:
    """Add a site with one shelf to sell from and one for quarantine; sites have no route."""
    connection = await asyncpg.connect(database_url, ssl=False)
    try:
        site = uuid4()
        await connection.execute(
            "INSERT INTO sites (id, code, name, address, rank) VALUES ($1, $2, $2, $3, $4)",
            site,
            code,
            json.dumps(ADDRESS),
            rank,
        )
        for shelf, kind, sellable in (("A-1", "stock", True), ("Q-1", "quarantine", False)):
            await connection.execute(
                "INSERT INTO locations (id, site_id, code, kind, sellable, valued)"
                " VALUES ($1, $2, $3, $4, $5, true)",
                uuid4(),
                site,
                shelf,
                kind,
                sellable,
            )
    finally:
        await connection.close()


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
