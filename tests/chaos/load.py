"""Shoppers who order while things break: each has a key and asks again until it is answered."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

from tests.installation import Installation
from tests.patience import PATIENCE, eventually

CANCEL_EVERY = 8
"""Each so many-th shopper thinks better of it."""


class Load:
    """Orders of one item of its own, what was answered, and what the partners did for them."""

    def __init__(self, installation: Installation, sku: str) -> None:
        self._installation = installation
        self.sku = sku
        self.asked: list[str] = []
        self.accepted: dict[str, str] = {}
        """Order id by key."""
        self._progress = asyncio.Condition()

    async def shoppers(self, number: int, at_once: int = 20, *, cancelled: bool = True) -> None:
        """Place so many orders, and have some of them ``cancelled``."""
        free = asyncio.Semaphore(at_once)

        async def shopper(position: int) -> None:
            async with free:
                await self._shopper(position, cancelled=cancelled)

        await asyncio.gather(*(shopper(position) for position in range(number)))

    async def _shopper(self, position: int, *, cancelled: bool) -> None:
        key = f"chaos-{uuid4().hex}"
        self.asked.append(key)
        order_id = await self._installation.place({self.sku: 1}, key)
        async with self._progress:
            self.accepted[key] = order_id
            self._progress.notify_all()
        if cancelled and position % CANCEL_EVERY == 0:
            said = await self._installation.cancel(order_id)
            assert said.status_code == 200 or said.json()["code"] == "illegal_move", said.text

    async def until_accepted(self, number: int) -> None:
        """Wait until so many orders have been accepted."""
        async with asyncio.timeout(PATIENCE), self._progress:
            await self._progress.wait_for(lambda: len(self.accepted) >= number)

    async def until_all_ended(self, patience: float) -> None:
        """Wait until no order of this load is on its way."""

        async def none_is_open() -> bool:
            found = await self._installation.shop.get(
                f"/orders?sku={self.sku}&status=pending&status=confirmed&limit=1"
            )
            self._open = found.body["items"]
            return not self._open

        try:
            await eventually(none_is_open, patience, "late")
        except AssertionError:
            [order] = self._open
            told = await self._installation.shop.get(f"/orders/{order['id']}/process")
            raise AssertionError(f"not every order has ended: {told.body}") from None

    async def orders(self) -> list[dict[str, Any]]:
        """Every order that exists of this load."""
        found: list[dict[str, Any]] = []
        address = f"/orders?sku={self.sku}&limit=100"
        while address:
            page = (await self._installation.shop.get(address)).body
            found += page["items"]
            address = page["next"]
        return found

    async def assert_each_happened_once(self) -> None:
        """One order a key, one label and one capture a delivered order, nothing for the others."""
        orders = await self.orders()
        assert sorted(order["id"] for order in orders) == sorted(self.accepted.values())
        assert set(self.accepted) == set(self.asked)
        ends = Counter(order["status"] for order in orders)
        assert set(ends) <= {"completed", "cancelled"}
        delivered = ends["completed"]
        payments = {payment["id"] for order in orders for payment in order["payments"]}
        shipments = {shipment["id"] for order in orders for shipment in order["shipments"]}
        moved = Counter[str]()
        for row in await self._ledger("/ledger"):
            # An operation's key names the payment or the shipment that it is for.
            if row["key"].split("/")[1] not in payments | shipments:
                continue
            assert row["executed"] == (row["outcome"] == "succeeded"), row
            moved[row["kind"]] += row["executed"]
        assert moved["capture"] == delivered
        assert moved["authorization"] - moved["void"] == delivered
        assert moved["refund"] == 0
        bookings = [row for row in await self.bookings() if row["reference"] in shipments]
        live = [row for row in bookings if not row["voided"]]
        assert len(live) == delivered
        assert len({row["reference"] for row in bookings}) == len(bookings)

    async def bookings(self) -> list[dict[str, Any]]:
        """Every label that the carrier has ever sold, in that order."""
        return await self._ledger("/bookings")

    async def _ledger(self, path: str) -> list[dict[str, Any]]:
        installation = self._installation
        partner = installation.payments if path == "/ledger" else installation.carrier
        rows: list[dict[str, Any]] = (await partner.ask("GET", path, limit=10_000))["data"]
        return rows


@asynccontextmanager
async def under_load(installation: Installation, stock: int, **item: Any) -> AsyncIterator[Load]:
    """A load whose parcels travel to their recipients by themselves."""
    load = Load(installation, await installation.item(stock=stock, **item))
    pilot = {"enabled": True, "seconds_per_scan": 0.05}
    await installation.carrier.ask("POST", "/sandbox/autopilot", pilot)
    try:
        yield load
    finally:
        await installation.carrier.ask("POST", "/sandbox/autopilot", {"enabled": False})
        await installation.carrier.forget_faults()
        await installation.payments.forget_faults()
