"""A customer's facts, planted wherever somebody may write some, and what then happens to her."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Protocol
from uuid import uuid4

from tests.patience import eventually
from tests.storefront import an_order, dollars

FACTS = {
    "name": "Philippa Planted",
    "email": "philippa@planted.example",
    "phone": "+493055577701",
    "home": "77 Planted Row",
    "floor": "Planted Loft",
    "recipient": "Quentin Planted",
    "company": "Planted and Daughters",
    "street": "99 Planted Avenue",
    "city": "Plantedham",
    "recipient_phone": "+493055577702",
    "door": "the planted key lies under the mat",
    "hold": "planted: her purse was stolen",
    "release": "planted: she showed her passport",
    "lost": "planted: her neighbour saw nobody",
    "return": "planted: it smells of her perfume",
    "rejection": "planted: she wore it to a wedding",
    "claim": "planted: it broke in her hand",
    "evidence": "https://photos.example.com/planted-thumb.jpg",
    "ruling": "planted: her receipt is torn",
    "failure": "planted: no such bell at her door",
}
"""Twenty, and each is found only where it was written."""
HOME = {"name": FACTS["name"], "line1": FACTS["home"], "line2": FACTS["floor"]}
TO = {
    "name": FACTS["recipient"],
    "company": FACTS["company"],
    "line1": FACTS["street"],
    "line2": FACTS["door"],
    "phone": FACTS["recipient_phone"],
}
TOWN = {"city": FACTS["city"], "postal_code": "78701", "country": "US"}


class World(Protocol):
    """The product over HTTP, as its administrator; and the carrier."""

    async def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Return the answer, which must be no refusal."""
        ...

    async def advance(self, number: str, to: str) -> None:
        """Let a parcel travel so far."""
        ...


async def live_through(world: World) -> list[str]:
    """Let the customer order, lose, return and claim; returns the numbers of her documents."""
    customer = await world.ask(
        "POST",
        "/customers",
        {**{name: FACTS[name] for name in ("name", "email", "phone")}, "address": {**HOME, **TOWN}},
    )
    sku = await _an_item(world)
    lost = await _an_order(world, customer["id"], sku)
    await world.advance(*lost["shipments"][0]["tracking_numbers"], "lost")
    task = await _task(world, lost["shipments"][0]["id"])
    await world.ask(
        "POST", f"/tasks/{task['id']}/decide", {"choice": "refund", "note": FACTS["lost"]}
    )
    kept = await _an_order(world, customer["id"], sku)
    await world.advance(*kept["shipments"][0]["tracking_numbers"], "delivered")
    await _ended(world, f"/orders/{kept['id']}", "completed")
    line = {"order_line_id": kept["lines"][0]["id"], "quantity": 1, "reason": "other"}
    asked = {"order_id": kept["id"], "lines": [{**line, "comment": FACTS["return"]}]}
    back = await world.ask("POST", "/returns", asked)
    await world.ask("POST", f"/returns/{back['id']}/reject", {"reason": FACTS["rejection"]})
    claim = await _a_claim(world, kept["id"])
    await _ended(world, f"/orders/{lost['id']}", "completed")
    documents = (lost, *lost["shipments"], kept, *kept["shipments"], back, claim)
    return [document["number"] for document in documents]


async def _an_item(world: World) -> str:
    """Sell an item with a warranty, too dear for a return of it to be authorized by itself."""
    sku, code = (f"{kind}-{uuid4().hex[:10].upper()}" for kind in ("SKU", "TERM"))
    term = {"code": code, "duration_months": 24, "covers": ["parts"]}
    await world.ask("POST", "/warranties/terms", term)
    item = {"sku": sku, "name": "Mug", "prices": [dollars(30_000)], "warranty_term": code}
    await world.ask("POST", "/items", item)
    stock = {"sku": sku, "site": "AUS", "quantity": "2", "reason": "initial_balance"}
    await world.ask("POST", "/inventory/adjustments", stock)
    return sku


async def _an_order(world: World, customer_id: str, sku: str) -> Any:
    """Order a unit, stop the order and let it go on; returns it once it has its label."""
    body = an_order(customer_id, {sku: 1}, ship_to={**TO, **TOWN}, payment={"method": "card"})
    order = await world.ask("POST", "/orders", body)
    path = f"/orders/{order['id']}"
    held = await world.ask("POST", f"{path}/holds", {"reason": "manual", "note": FACTS["hold"]})
    [hold] = held["holds"]
    released = {"note": FACTS["release"]}
    await world.ask("POST", f"{path}/holds/{hold['id']}/release", released)
    await world.ask("POST", f"{path}/payments", {"token": "tok_ok"})

    async def labelled() -> Any:
        seen = await world.ask("GET", path)
        return seen if seen["shipments"] and seen["shipments"][0]["tracking_numbers"] else None

    return await eventually(labelled)


async def _task(world: World, document_id: str) -> Any:
    async def asked() -> Any:
        tasks = await world.ask("GET", f"/tasks?document_id={document_id}&status=open")
        return tasks["items"]

    [task] = await eventually(asked)
    return task


async def _a_claim(world: World, order_id: str) -> Any:
    warranties = await world.ask("GET", f"/warranties?order_id={order_id}")
    claim = await world.ask(
        "POST",
        "/warranties/claims",
        {
            "warranty_id": warranties["items"][0]["id"],
            "failed_on": str(datetime.now(UTC).date()),
            "symptom": "crack",
            "description": FACTS["claim"],
            "evidence": [FACTS["evidence"]],
        },
    )
    path = f"/warranties/claims/{claim['id']}"
    await world.ask("POST", f"{path}/deny", {"reason": FACTS["ruling"]})
    return await _ended(world, path, "denied")


async def _ended(world: World, path: str, status: str) -> Any:
    async def there() -> Any:
        seen = await world.ask("GET", path)
        return seen if seen["status"] == status else None

    return await eventually(there)


def found_in(texts: Iterable[bytes]) -> set[str]:
    """Return which of the facts stand in these texts, by the names of where they were written."""
    whole = b"\n".join(texts)
    return {name for name, fact in FACTS.items() if fact.encode() in whole}
