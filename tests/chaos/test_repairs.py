"""Claims and the work on their goods while one part after another is killed: each ends once."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from activities.access.accepting import create_key
from db.engine import Database, open_engine
from domain.ids import new_id
from runtime.commands.shop import Shop
from tests.chaos.load import Load, under_load
from tests.installation import Installation
from tests.patience import eventually

VICTIMS = ("worker", "api", "postgres", "temporal", "carrier")
CLAIMS = 50
AT_ONCE = 10


class Workshop:
    """Customers whose goods fail, and who mends them; each asks again until it is answered."""

    def __init__(self, installation: Installation, inspector: Shop, part: str) -> None:
        self._installation = installation
        self._inspector = inspector
        self._part = part
        self.technician = f"T-{uuid4().hex[:10]}"
        self._progress = asyncio.Condition()
        self.signed_off: list[str] = []
        self.claims: list[str] = []

    async def mend(self, orders: list[dict[str, Any]]) -> None:
        """Claim the goods of each order, and repair them with one part each."""
        hired = {"code": self.technician, "site": "AUS"}
        await self._installation.post("/work_orders/technicians", hired)
        free = asyncio.Semaphore(AT_ONCE)

        async def one(position: int, order: dict[str, Any]) -> None:
            async with free:
                await self._work(position, await self._come_in(order))

        await asyncio.gather(*(one(position, order) for position, order in enumerate(orders)))

    async def _come_in(self, order: dict[str, Any]) -> str:
        """Claim the goods of an order and take them in; returns their return."""
        post = self._installation.post
        [warranty] = await self._list(f"/warranties?order_id={order['id']}")
        today = str(datetime.now(UTC).date())
        asked = {"warranty_id": warranty["id"], "failed_on": today, "symptom": "motor"}
        claim = (await post("/warranties/claims", asked)).body
        self.claims.append(claim["id"])
        path = f"/returns/{claim['return_id']}"
        back = (await self._installation.shop.get(path)).body
        unit = {"return_line_id": back["lines"][0]["id"], "quantity": 1}
        await post(f"{path}/receive", {"lines": [unit]})
        seen = {**unit, "disposition": "repair", "accepted": False}
        await post(f"{path}/inspect", {"lines": [seen]})
        return str(back["id"])

    async def _work(self, position: int, return_id: str) -> None:
        """Do the work on goods that came in, at an hour of its own, and have it signed off."""

        async def planned() -> dict[str, Any] | None:
            found = await self._list(f"/work_orders?return_id={return_id}")
            return found[0] if found else None

        post = self._installation.post
        work = await eventually(planned, 120, "no work was planned")
        path = f"/work_orders/{work['id']}"
        since = datetime.now(UTC) + timedelta(hours=position + 1)
        until = since + timedelta(minutes=30)
        hour = {"technician": self.technician, "since": str(since), "until": str(until)}
        work = (await post(f"{path}/parts", {"sku": self._part, "quantity": 1})).body
        await post(f"{path}/assign", hour)
        await post(f"{path}/release", {})
        await post(f"{path}/start", {})
        taken = {"part_id": work["parts"][0]["id"], "quantity": 1}
        await post(f"{path}/parts/issue", {"parts": [taken]})
        for step in work["operations"]:
            await post(f"{path}/operations/{step['id']}/report", {"status": "done"})
        await post(f"{path}/complete", {"remedy": "new motor"})
        signed = await self._inspector.post(f"{path}/sign_off", {}, uuid4().hex)
        assert signed.status == 200, str(signed)
        async with self._progress:
            self.signed_off.append(work["id"])
            self._progress.notify_all()

    async def _list(self, path: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self._installation.shop.get(path)).body["items"]
        return found

    async def until_signed_off(self, number: int) -> None:
        """Wait until so many work orders have been signed off."""
        async with asyncio.timeout(120), self._progress:
            await self._progress.wait_for(lambda: len(self.signed_off) >= number)

    async def settled(self) -> list[dict[str, Any]]:
        """Wait until every claim has ended, and return them."""

        async def show() -> list[dict[str, Any]] | None:
            paths = [f"/warranties/claims/{claim}" for claim in self.claims]
            answers = await asyncio.gather(*map(self._installation.shop.get, paths))
            found = [dict(answer.body) for answer in answers]
            return found if {claim["status"] for claim in found} == {"settled"} else None

        return await eventually(show, 240, "not every claim has ended")


async def delivered(load: Load) -> list[dict[str, Any]]:
    """Place orders, cancel none of them, and wait until all are delivered."""
    await load.shoppers(CLAIMS, cancelled=False)
    await load.until_all_ended(patience=180)
    return [order for order in await load.orders() if order["status"] == "completed"]


async def promised(installation: Installation) -> str:
    """Define a term under which goods are repaired without a person's word; returns its code."""
    term = {
        "code": f"T-{uuid4().hex[:10].upper()}",
        "duration_months": 24,
        "covers": ["parts"],
        "settle_by": ["repair"],
        "auto_limit": {"amount": 100_000, "currency": "USD"},
    }
    await installation.post("/warranties/terms", term)
    return term["code"]


async def inspector_of(installation: Installation) -> Shop:
    """Return a caller who signs off what others did."""
    db = Database(open_engine(installation.record.database_url, application="tests", pool=1))
    async with db.begin() as connection:
        key = await create_key(connection, new_id(), name=uuid4().hex, role="inspector")
    await db.close()
    return Shop(installation.record.api_url, key)


async def test_fifty_claims_and_their_work_orders_survive_the_death_of_every_part(
    installation: Installation,
) -> None:
    term = await promised(installation)
    part = await installation.item(stock=CLAIMS)
    async with (
        await inspector_of(installation) as inspector,
        under_load(installation, stock=CLAIMS, warranty_term=term) as load,
    ):
        orders = await delivered(load)
        assert len(orders) == CLAIMS
        workshop = Workshop(installation, inspector, part)
        mending = asyncio.create_task(workshop.mend(orders))
        for turn, victim in enumerate(VICTIMS):
            await workshop.until_signed_off(3 + turn * CLAIMS // len(VICTIMS))
            await installation.kill(victim)
        await mending
        claims = await workshop.settled()
    assert len({claim["return_id"] for claim in claims}) == CLAIMS
    ways = Counter(
        (claim["resolution"], *(work["remedy"] for work in claim["work_orders"]))
        for claim in claims
    )
    assert ways == {("repair", "new motor"): CLAIMS}
    # Each repair took one part, and the goods themselves are with their customers again.
    assert await installation.stock(part) == (0, 0)
    assert await installation.stock(load.sku) == (0, 0)
    await installation.assert_sound()
