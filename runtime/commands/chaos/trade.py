"""The load: customers who order, think better of it, send back, are paid back, and claim."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import uuid4

from runtime.commands.chaos.asking import Asking, Late, Refused
from runtime.sample.company import address_of

STOCK = 100_000
ENDED = ("completed", "cancelled")


class Wish(StrEnum):
    """What becomes of an order, as far as its customer has a say."""

    KEEP = "kept"
    CANCEL = "cancelled at once"
    RETURN = "sent back"
    LABEL = "sent back with our label"
    REFUND = "some money back"
    CLAIM = "failed under warranty"


@dataclass
class Life:
    """One order, and what its customer was told."""

    wish: Wish
    key: str
    order_id: str = ""
    """Set once the order was accepted."""
    returns: list[str] = field(default_factory=list)
    refunds: list[str] = field(default_factory=list)
    claims: list[str] = field(default_factory=list)
    trouble: str = ""
    """Why it did not go on, if it did not."""
    over: bool = False


class Trade:
    """A shop of one item and one part, with as many customers at a time as it is asked for."""

    def __init__(self, staff: Asking, inspector: Asking, customer_id: str, site: str) -> None:
        """``staff`` may do everything but sign off what itself did; that is the inspector's."""
        self.staff = staff
        self._inspector = inspector
        self._customer_id = customer_id
        self._site = site
        mark = uuid4().hex[:8].upper()
        self.sku, self.part, self._technician = f"GOOD-{mark}", f"PART-{mark}", f"T-{mark}"
        self._term = f"TERM-{mark}"
        self.stock = STOCK
        """Of the item, and of the part, on the first day."""
        self.lives: list[Life] = []
        self.closing = False
        """Set it, and no further customer is let in."""
        self._progress = asyncio.Condition()

    async def open(self) -> None:
        """Bring in item, part, technician and what is promised with the item."""
        term = {
            "code": self._term,
            "duration_months": 24,
            "covers": ["parts"],
            "settle_by": ["repair"],
            "auto_limit": {"amount": 100_000, "currency": "USD"},
        }
        await self.staff.post("/warranties/terms", term)
        for sku, rest in ((self.sku, {"warranty_term": self._term}), (self.part, {})):
            price = {"amount": 1000, "currency": "USD"}
            await self.staff.post("/items", {"sku": sku, "name": sku, "prices": [price], **rest})
            filled = {"sku": sku, "site": self._site, "quantity": str(STOCK)}
            await self.staff.post("/inventory/adjustments", {**filled, "reason": "initial_balance"})
        hired = {"code": self._technician, "site": self._site}
        await self.staff.post("/work_orders/technicians", hired)

    async def serve(self, at_once: int, most: int) -> None:
        """Let customers come, so many at a time, until ``closing``; return when all have left."""
        free = asyncio.Semaphore(at_once)
        async with asyncio.TaskGroup() as living:
            while not self.closing and len(self.lives) < most:
                await free.acquire()
                wish = list(Wish)[len(self.lives) % len(Wish)]
                life = Life(wish, f"chaos/{uuid4().hex}")
                self.lives.append(life)
                living.create_task(self._live(life)).add_done_callback(lambda _: free.release())

    async def until_over(self, number: int) -> None:
        """Wait until so many customers are done."""
        async with self._progress:
            await self._progress.wait_for(lambda: sum(life.over for life in self.lives) >= number)

    async def canary(self) -> None:
        """Order and wait for the labels: then everything works."""
        life = Life(Wish.KEEP, f"chaos/{uuid4().hex}")
        self.lives.append(life)
        await self._place(life)
        await self._until_order(life, lambda order: bool(_labels(order)), "no labels")
        life.over = True

    async def _live(self, life: Life) -> None:
        try:
            await self._place(life)
            await _THEN[life.wish](self, life)
        except (Late, Refused) as error:
            life.trouble = str(error)
        async with self._progress:
            life.over = True
            self._progress.notify_all()

    async def _place(self, life: Life) -> None:
        body = {
            "customer_id": self._customer_id,
            "lines": [{"sku": self.sku, "quantity": 1}],
            "ship_to": address_of("Maya Okafor"),
            "payment": {"method": "card", "token": "tok_ok"},
        }
        life.order_id = (await self.staff.post("/orders", body, life.key)).body["id"]

    async def _until_order(
        self, life: Life, good: Callable[[Mapping[str, Any]], bool], late: str
    ) -> Mapping[str, Any]:
        async def look() -> Mapping[str, Any] | None:
            order = await self.staff.get(f"/orders/{life.order_id}")
            return order if good(order) else None

        return await self.staff.until(look, late)

    async def _ended(self, life: Life) -> Mapping[str, Any]:
        return await self._until_order(
            life, lambda order: order["status"] in ENDED, "the order did not end"
        )

    async def _keep(self, life: Life) -> None:
        await self._ended(life)

    async def _cancel(self, life: Life) -> None:
        path = f"/orders/{life.order_id}/cancel"
        await self.staff.post(path, {}, f"{life.key}/cancel", "illegal_move")
        await self._ended(life)

    async def _send_back(self, life: Life) -> None:
        order = await self._ended(life)
        line = {"order_line_id": order["lines"][0]["id"], "quantity": 1, "reason": "changed_mind"}
        ship_back = "label" if life.wish is Wish.LABEL else "own"
        asked = {"order_id": life.order_id, "lines": [line], "ship_back": ship_back}
        back = (await self.staff.post("/returns", asked, f"{life.key}/return")).body
        life.returns.append(back["id"])
        path = f"/returns/{back['id']}"
        if life.wish is Wish.LABEL:

            async def labelled() -> bool | None:
                label = (await self.staff.get(path))["label"]
                return True if label is not None and label["status"] == "booked" else None

            await self.staff.until(labelled, "no label of the return")
        await self._take_in(life, back, "restock", accepted=True)

    async def _take_in(
        self, life: Life, back: Mapping[str, Any], disposition: str, *, accepted: bool
    ) -> None:
        path = f"/returns/{back['id']}"
        unit = {"return_line_id": back["lines"][0]["id"], "quantity": 1}
        await self.staff.post(f"{path}/receive", {"lines": [unit]}, f"{life.key}/receive")
        seen = {**unit, "disposition": disposition, "accepted": accepted}
        await self.staff.post(f"{path}/inspect", {"lines": [seen]}, f"{life.key}/inspect")

    async def _give_back(self, life: Life) -> None:
        await self._ended(life)
        body = {
            "order_id": life.order_id,
            "goodwill": {"amount": 100, "currency": "USD"},
            "reason": "a scratch",
        }
        refund = (await self.staff.post("/refunds", body, f"{life.key}/refund")).body
        life.refunds.append(refund["id"])

    async def _claim(self, life: Life) -> None:
        """Claim the goods, take them in, repair them with one part, and have that signed off."""
        await self._ended(life)
        [warranty] = (await self.staff.get("/warranties", order_id=life.order_id))["items"]
        today = str(datetime.now(UTC).date())
        asked = {"warranty_id": warranty["id"], "failed_on": today, "symptom": "motor"}
        claim = (await self.staff.post("/warranties/claims", asked, f"{life.key}/claim")).body
        life.claims.append(claim["id"])
        life.returns.append(claim["return_id"])
        back = await self.staff.get(f"/returns/{claim['return_id']}")
        await self._take_in(life, back, "repair", accepted=False)

        async def planned() -> Mapping[str, Any] | None:
            found = await self.staff.get("/work_orders", return_id=claim["return_id"])
            return next(iter(found["items"]), None)

        await self._repair(life, await self.staff.until(planned, "no work was planned"))

    async def _repair(self, life: Life, work: Mapping[str, Any]) -> None:
        path = f"/work_orders/{work['id']}"

        async def post(verb: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
            return (await self.staff.post(f"{path}/{verb}", body, f"{life.key}/{verb}")).body

        # Each at an hour of its own: the technician does one thing at a time.
        since = datetime.now(UTC) + timedelta(hours=self.lives.index(life) + 1)
        hour = {"since": str(since), "until": str(since + timedelta(minutes=30))}
        work = await post("parts", {"sku": self.part, "quantity": 1})
        await post("assign", {"technician": self._technician, **hour})
        await post("release", {})
        await post("start", {})
        part = {"part_id": work["parts"][0]["id"], "quantity": 1}
        await post("parts/issue", {"parts": [part]})
        for step in work["operations"]:
            await post(f"operations/{step['id']}/report", {"status": "done"})
        await post("complete", {"remedy": "new motor"})
        await self._inspector.post(f"{path}/sign_off", {}, f"{life.key}/sign_off")


def _labels(order: Mapping[str, Any]) -> list[str]:
    return [number for shipment in order["shipments"] for number in shipment["tracking_numbers"]]


_THEN: Mapping[Wish, Callable[[Trade, Life], Awaitable[None]]] = {
    Wish.KEEP: Trade._keep,
    Wish.CANCEL: Trade._cancel,
    Wish.RETURN: Trade._send_back,
    Wish.LABEL: Trade._send_back,
    Wish.REFUND: Trade._give_back,
    Wish.CLAIM: Trade._claim,
}
