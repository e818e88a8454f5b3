"""Returns while one part after another is killed: all end, money and labels come once each."""

import asyncio
from collections import Counter
from itertools import cycle
from typing import Any

from tests.chaos.load import Load, under_load
from tests.installation import Installation
from tests.patience import eventually

VICTIMS = ("worker", "api", "postgres", "temporal", "payments", "carrier")
RETURNS = 100
AT_ONCE = 10


class Returners:
    """Customers who send back what they got, each asking again until it is answered."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._progress = asyncio.Condition()
        self.inspected: list[str] = []

    async def send_back(self, orders: list[dict[str, Any]]) -> None:
        """Send one unit of each order back, through receipt and inspection."""
        free = asyncio.Semaphore(AT_ONCE)

        async def one(order: dict[str, Any], ship_back: str) -> None:
            async with free:
                await self._one(order, ship_back)

        ways = cycle(("own", "label"))
        await asyncio.gather(*map(one, orders, ways))

    async def _one(self, order: dict[str, Any], ship_back: str) -> None:
        post = self._installation.post
        wanted = {
            "order_line_id": order["lines"][0]["id"],
            "quantity": 1,
            "reason": "changed_mind",
        }
        asked = {"order_id": order["id"], "lines": [wanted], "ship_back": ship_back}
        back = (await post("/returns", asked)).body
        if ship_back == "label":
            await eventually(lambda: self._has_label(back["id"]), 120, "no label came")
        unit = {"return_line_id": back["lines"][0]["id"], "quantity": 1}
        await post(f"/returns/{back['id']}/receive", {"lines": [unit]})
        seen = {**unit, "disposition": "restock", "accepted": True}
        await post(f"/returns/{back['id']}/inspect", {"lines": [seen]})
        async with self._progress:
            self.inspected.append(back["id"])
            self._progress.notify_all()

    async def _has_label(self, return_id: str) -> bool:
        back = (await self._installation.shop.get(f"/returns/{return_id}")).body
        return back["label"] is not None and back["label"]["status"] == "booked"

    async def until_inspected(self, number: int) -> None:
        """Wait until so many returns have been inspected."""
        async with asyncio.timeout(120), self._progress:
            await self._progress.wait_for(lambda: len(self.inspected) >= number)

    async def until_all_closed(self, patience: float) -> None:
        """Wait until no return is on its way."""

        async def none_is_open() -> bool:
            running = "&".join(
                f"status={each}" for each in ("requested", "authorized", "received", "inspected")
            )
            found = await self._installation.shop.get(f"/returns?{running}&limit=1")
            return not found.body["items"]

        await eventually(none_is_open, patience, "not every return has ended")


async def delivered(load: Load) -> list[dict[str, Any]]:
    """Place orders, cancel none of them, and wait until all are delivered."""
    await load.shoppers(RETURNS, cancelled=False)
    await load.until_all_ended(patience=180)
    return [order for order in await load.orders() if order["status"] == "completed"]


async def test_a_hundred_returns_survive_the_death_of_every_part(
    installation: Installation,
) -> None:
    async with under_load(installation, stock=RETURNS) as load:
        orders = await delivered(load)
        assert len(orders) == RETURNS
        sold = len(await load.bookings())
        returners = Returners(installation)
        sending = asyncio.create_task(returners.send_back(orders))
        for turn, victim in enumerate(VICTIMS):
            await returners.until_inspected(5 + turn * RETURNS // len(VICTIMS))
            await installation.kill(victim)
        await sending
        await returners.until_all_closed(patience=240)
        labels = (await load.bookings())[sold:]
    assert len(labels) == RETURNS // 2
    assert [label for label in labels if label["voided"]] == []
    payments = {payment["id"] for order in orders for payment in order["payments"]}
    moved = Counter[str]()
    rows = (await installation.payments.ask("GET", "/ledger", limit=10_000))["data"]
    refunds = await refund_ids(installation, payments)
    for row in rows:
        if row["kind"] == "refund" and row["key"].split("/")[1] in refunds:
            moved[row["key"]] += row["executed"]
    assert len(refunds) == RETURNS
    assert sum(moved.values()) == RETURNS
    assert set(moved.values()) == {1}
    assert (await installation.stock(load.sku)) == (RETURNS, 0)
    await installation.assert_sound()


async def refund_ids(installation: Installation, payments: set[str]) -> set[str]:
    """Return the refunds of these payments, all of which have succeeded."""
    found: set[str] = set()
    address = "/refunds?limit=100"
    while address:
        page = (await installation.shop.get(address)).body
        ours = [refund for refund in page["items"] if refund["payment_id"] in payments]
        assert {refund["status"] for refund in ours} <= {"succeeded"}
        found |= {refund["id"] for refund in ours}
        address = page["next"]
    return found
