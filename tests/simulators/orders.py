"""Requests that the tests send to the partners."""

from typing import Any
from uuid import uuid4

from tests.partners import Simulator

HERE = {
    "name": "Grace Hopper",
    "line1": "1 Main St",
    "city": "Reno",
    "postal_code": "89501",
    "country": "US",
}


async def reserve(
    payments: Simulator, token: str = "tok_ok", amount: int = 1000, key: str | None = None
) -> dict[str, Any]:
    """Authorize; return the operation."""
    return await move(payments, "/authorizations", key, token=token, amount=amount, currency="USD")


async def move(
    payments: Simulator, path: str, key: str | None = None, **body: Any
) -> dict[str, Any]:
    """Post an operation under a key, a new one unless given; return the operation."""
    headers = {"idempotency-key": key or f"test/{uuid4()}"}
    answer = await payments.http.post(path, json=body, headers=headers)
    answer.raise_for_status()
    operation: dict[str, Any] = answer.json()
    return operation


def label_order(postal_code: str = "89501", boxes: int = 1, **changes: Any) -> dict[str, Any]:
    """A booking's body with a new reference."""
    return {
        "reference": str(uuid4()),
        "service": "ground",
        "ship_from": HERE,
        "ship_to": {**HERE, "postal_code": postal_code},
        "parcels": [{"weight_grams": 500}] * boxes,
        **changes,
    }


async def book(carrier: Simulator, postal_code: str = "89501") -> str:
    """Book one parcel; return its tracking number."""
    booking = await carrier.ask("POST", "/bookings", label_order(postal_code))
    number: str = booking["parcels"][0]["tracking_number"]
    return number


async def codes(carrier: Simulator, number: str) -> list[str]:
    """Return the codes of a parcel's scans."""
    parcel = await carrier.ask("GET", f"/parcels/{number}")
    return [scan["code"] for scan in parcel["scans"]]
