"""A ledger of one item over HTTP: adjusted, reversed and counted on days that are long past."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx2

from tests.api.callers import Callers

BEGAN = datetime(2024, 3, 1, 12, tzinfo=UTC)


def day(number: int) -> str:
    """Return noon of the n-th day."""
    return (BEGAN + timedelta(days=number - 1)).isoformat().replace("+00:00", "Z")


class Ledger:
    """What moves of one item at the first shelf of AUS."""

    def __init__(self, callers: Callers, item: dict[str, Any]) -> None:
        self.callers = callers
        self.item = item
        self.place = {"sku": item["sku"], "site": "AUS"}

    async def adjust(self, quantity: int, on: int | None = None, **rest: Any) -> httpx2.Response:
        """Count so many in or (negative) out, on the n-th day or now."""
        reason = "found" if quantity > 0 else "internal_use"
        when = {} if on is None else {"occurred_at": day(on)}
        body = {**self.place, "quantity": quantity, "reason": reason, **when, **rest}
        return await self.callers.post("/inventory/adjustments", body)

    async def move(self, quantity: int, on: int | None = None, **rest: Any) -> str:
        """Adjust and return the movement's id."""
        made = await self.adjust(quantity, on, **rest)
        assert made.status_code == 201, made.text
        movement: str = made.json()["id"]
        return movement

    async def reverse(self, movement: str, on: int | None = None, **rest: Any) -> httpx2.Response:
        """Reverse a movement, as of the n-th day or its own."""
        when = {} if on is None else {"occurred_at": day(on)}
        path = f"/inventory/movements/{movement}/reverse"
        return await self.callers.post(path, {"reason": "typed twice", **when}, **rest)

    async def count(self, counted: int, on: int | None = None, **rest: Any) -> dict[str, Any]:
        """Send what was counted on the n-th day, or now, and return the count."""
        when = {} if on is None else {"counted_at": day(on)}
        made = await self.callers.post(
            "/inventory/counts",
            {"lines": [{**self.place, "counted": counted, **when, **rest}]},
            role="warehouse",
        )
        assert made.status_code == 201, made.text
        sent: dict[str, Any] = made.json()
        return sent

    async def decide(self, count: str, choice: str, role: str = "admin") -> httpx2.Response:
        """Answer what is asked about a count."""
        asked = (await self.callers.get(f"/tasks?document_id={count}")).json()["items"]
        path = f"/tasks/{asked[0]['id']}/decide"
        return await self.callers.post(path, {"choice": choice}, role=role)

    async def post_count(self, counted: int, on: int | None = None, **rest: Any) -> dict[str, Any]:
        """Send a count, have another person accept it if that is asked, and return it as posted."""
        count = await self.count(counted, on, **rest)
        if count["status"] == "review":
            answer = await self.decide(count["id"], "accept")
            assert answer.status_code == 200, answer.text
        posted: dict[str, Any] = (await self.callers.get(f"/inventory/counts/{count['id']}")).json()
        assert posted["status"] == "posted"
        return posted

    async def on_hand(self) -> Any:
        """Return what is there now."""
        shown = (await self.callers.get(f"/inventory?item_id={self.item['id']}")).json()["items"]
        return sum(one["on_hand"] for one in shown)

    async def as_of(self, moment: int | str) -> Any:
        """Return what was there on the n-th day, or at a moment."""
        at = day(moment) if isinstance(moment, int) else moment
        path = f"/inventory/on_hand?item_id={self.item['id']}&as_of={at}"
        shown = (await self.callers.get(path)).json()["items"]
        return sum(one["on_hand"] for one in shown)

    async def movements(self) -> list[dict[str, Any]]:
        """Return all that moved, newest first."""
        path = f"/inventory/movements?item_id={self.item['id']}&limit=100"
        found: list[dict[str, Any]] = (await self.callers.get(path)).json()["items"]
        return found


async def a_ledger(callers: Callers, **rest: Any) -> Ledger:
    """Begin the ledger of a new item."""
    made = await callers.post("/items", {"sku": f"SKU-{uuid4()}", "name": "Mug", **rest})
    assert made.status_code == 201, made.text
    return Ledger(callers, made.json())
