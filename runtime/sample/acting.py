"""The stories at work: orders placed over HTTP, and what people do about some of them."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from runtime.commands.concurrency import together
from runtime.commands.shop import Answer, Shop
from runtime.sample.company import Company
from runtime.sample.stories import Story, Turn

ENDED = frozenset({"completed", "closed", "cancelled"})
HELD_FOR = 1.5
"""Seconds for which the hold is left to be looked at."""
GOODWILL = 60_000
"""Cents; above what goes back without a second pair of eyes."""
_POLL = 0.3


class WentWrong(Exception):
    """A request of the demonstration was answered in an unexpected way."""


@dataclass
class Act:
    """A story and how far it is."""

    story: Story
    order: Mapping[str, Any] = field(default_factory=dict)
    """The order as the API last showed it; empty before it is accepted."""
    refusal: str = ""
    note: str = ""

    @property
    def state(self) -> str:
        """Where it is, in one word."""
        return self.refusal or str(self.order.get("status", "not placed"))

    @property
    def over(self) -> bool:
        """Whether nothing more will happen."""
        return bool(self.refusal) or self.state in ENDED

    @property
    def as_told(self) -> bool:
        """Whether it ended as the story says."""
        return self.state == self.story.end


async def perform(
    acts: Sequence[Act], company: Company, shop: Shop, staff: Shop, patience: float
) -> tuple[float, float]:
    """Place every order, do what people do, and return when all is over.

    Returns the seconds until the last order was accepted and until the last one ended. Raises
    WentWrong when an answer is not what the story wants, or nothing is over within ``patience``.
    """
    started = time.monotonic()
    await together(*(_place(act, company, shop) for act in acts))
    posted = time.monotonic() - started
    deadline = time.monotonic() + patience
    await together(_watch(acts, shop, deadline), *(_turn(act, staff, deadline) for act in acts))
    return posted, time.monotonic() - started


async def _place(act: Act, company: Company, shop: Shop) -> None:
    story = act.story
    answer = await shop.post("/orders", story.body(company), f"demo/{story.reference}")
    if answer.status == 201:
        act.order = answer.body
    else:
        act.refusal = answer.code
        act.note = str(answer.body.get("detail", ""))
        if not story.refused:
            raise WentWrong(f"{story.reference}: {answer}")


async def _watch(acts: Sequence[Act], shop: Shop, deadline: float) -> None:
    while not all(act.over for act in acts):
        if time.monotonic() > deadline:
            late = ", ".join(
                f"{act.story.reference} is {act.state}" for act in acts if not act.over
            )
            raise WentWrong(f"not over in time: {late}")
        await asyncio.sleep(_POLL)
        found = _expected(await shop.get("/orders", limit=100), 200)
        orders = {order["id"]: order for order in found["items"]}
        for act in acts:
            if act.order:
                act.order = orders.get(act.order["id"], act.order)


async def _turn(act: Act, staff: Shop, deadline: float) -> None:
    """Do what this story's people do, if anything."""
    if not act.order:
        return
    path = f"/orders/{act.order['id']}"
    if act.story.turn is Turn.CANCEL:
        key = f"demo/{act.story.reference}/cancel"
        body = {"reason": "customer_request"}
        _expected(await staff.post(f"{path}/cancel", body, key), 200)
    elif act.story.turn is Turn.HOLD:
        body = {"reason": "fraud_review", "note": "a large first order"}
        held = await staff.post(f"{path}/holds", body, f"demo/{act.story.reference}/hold")
        hold = _expected(held, 201)["holds"][0]
        act.note = "on hold: fraud review"
        await asyncio.sleep(HELD_FOR)
        key = f"demo/{act.story.reference}/release"
        _expected(await staff.post(f"{path}/holds/{hold['id']}/release", {}, key), 200)
        act.note = "the hold was released"
    elif act.story.turn is Turn.GOODWILL:
        await _give_back(act, staff, deadline)
    elif act.story.turn in (Turn.RETURN, Turn.REPLACE, Turn.FORGET):
        await _delivered(act, deadline)
        await _come_back(act, staff, deadline)
    elif act.story.turn is Turn.REFUND:
        task = await _task_of(act, staff, deadline)
        act.note = f"{task['number']}: {task['question']}"
        answer = await staff.post(
            f"/tasks/{task['id']}/decide",
            {"choice": "refund"},
            f"demo/{act.story.reference}/decide",
        )
        _expected(answer, 200)
        act.note = f"{task['number']}: decided to refund"
        await _given_back(act, staff, deadline)


async def _give_back(act: Act, staff: Shop, deadline: float) -> None:
    """Ask for so much money back, once all has arrived, that another person has to approve it."""
    await _delivered(act, deadline)
    currency = act.order["total"]["currency"]
    body = {
        "order_id": act.order["id"],
        "goodwill": {"amount": GOODWILL, "currency": currency},
        "reason": "two boxes came a week late",
    }
    asked = await staff.post("/refunds", body, f"demo/{act.story.reference}/refund")
    refund = _expected(asked, 201)
    act.note = f"{refund['number']} of {GOODWILL // 100} {currency} waits for finance's approval"


async def _given_back(act: Act, staff: Shop, deadline: float) -> None:
    """Wait until the customer has the money of a lost parcel."""
    path = f"/orders/{act.order['id']}"
    while act.order["payment_status"] != "refunded":
        if time.monotonic() > deadline:
            raise WentWrong(f"{act.story.reference}: not given back in time")
        await asyncio.sleep(_POLL)
        act.order = _expected(await staff.get(path), 200)


async def _come_back(act: Act, staff: Shop, deadline: float) -> None:
    """Take one unit back for its money or for another one; what is never sent expires."""
    sent, replaced = act.story.turn is not Turn.FORGET, act.story.turn is Turn.REPLACE
    tag = f"demo/{act.story.reference}"
    wanted = {
        "order_line_id": act.order["lines"][0]["id"],
        "quantity": 1,
        "reason": "defective" if replaced else "wrong_size",
    }
    asked = {
        "order_id": act.order["id"],
        "lines": [wanted],
        "resolution_wanted": "replacement" if replaced else "refund",
    }
    back = _expected(await staff.post("/returns", asked, f"{tag}/return"), 201)
    path = f"/returns/{back['id']}"
    act.note = f"{back['number']} is {back['status']}"
    if sent:
        unit = {"return_line_id": back["lines"][0]["id"], "quantity": 1}
        _expected(await staff.post(f"{path}/receive", {"lines": [unit]}, f"{tag}/receive"), 200)
        seen = {**unit, "disposition": "restock", "accepted": True}
        _expected(await staff.post(f"{path}/inspect", {"lines": [seen]}, f"{tag}/inspect"), 200)
    end = "closed" if sent else "expired"
    while back["status"] != end:
        if time.monotonic() > deadline:
            raise WentWrong(f"{back['number']} is {back['status']}, not {end}")
        await asyncio.sleep(_POLL)
        back = _expected(await staff.get(path), 200)
    paid = back["refunded"]["amount"]
    given = f", {paid / 100:.2f} {back['refunded']['currency']} given back" if paid else ""
    act.note = f"{back['number']} is {end}{', another one is on its way' if replaced else given}"


async def _delivered(act: Act, deadline: float) -> None:
    while not act.over:
        if time.monotonic() > deadline:
            raise WentWrong(f"{act.story.reference}: not delivered in time")
        await asyncio.sleep(_POLL)


async def _task_of(act: Act, staff: Shop, deadline: float) -> Mapping[str, Any]:
    while time.monotonic() < deadline:
        found = _expected(await staff.get("/tasks", status="open", kind="parcel_lost"), 200)
        for task in found["items"]:
            if task["facts"].get("order_id") == act.order["id"]:
                return dict(task)
        await asyncio.sleep(_POLL)
    raise WentWrong(f"{act.story.reference}: no task was opened about the lost parcel")


def _expected(answer: Answer, status: int) -> Mapping[str, Any]:
    if answer.status != status:
        raise WentWrong(str(answer))
    return answer.body
