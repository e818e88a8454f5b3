"""A shop seen from outside: a site with a shelf, prices, and orders as their callers write them."""

from typing import Any

from activities.inventory.accepting import create_site
from db.engine import Database, open_engine
from domain.addresses import Address
from domain.ids import new_id
from domain.inventory import CreateLocation, CreateSite, LocationKind

ADDRESS: dict[str, Any] = {
    "name": "Ada Lovelace",
    "line1": "12, St James's Square, Apt. 4",
    "city": "London",
    "postal_code": "SW1Y 4JH",
    "country": "GB",
}


PLACES = (CreateLocation(code="A-1"), CreateLocation(code="Q-1", kind=LocationKind.QUARANTINE))
"""A shelf to sell from, and one for quarantine."""


async def add_site(database_url: str, code: str, rank: int = 100) -> None:
    """Add a site; sites have no route."""
    site = CreateSite(code=code, name=code, address=Address(**ADDRESS), rank=rank, locations=PLACES)
    books = Database(open_engine(database_url, application="tests"))
    async with books.begin() as db:
        await create_site(db, new_id(), site, actor="tests")
    await books.close()


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
