"""The stories at work: orders placed over HTTP, and what people do about some of them."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Any

from runtime.commands.concurrency import together
from runtime.sample.act import POLL, Act, People, WentWrong, expected
from runtime.sample.company import Company
from runtime.sample.failing import fail_under_warranty
from runtime.sample.stories import Turn

HELD_FOR = 1.5
"""Seconds for which the hold is left to be looked at."""
GOODWILL = 60_000
"""Cents; above what goes back without a second pair of eyes."""


async def perform(acts: Sequence[Act], company: Company, people: People) -> tuple[float, float]:
    """Place every order, do what people do, and return when all is over.

    Returns the seconds until the last order was accepted and until the last one ended. Raises
    WentWrong when an answer is not what the story wants, or all is not over in time.
    """
    started = time.monotonic()
    await together(*(place(act, company, people) for act in acts))
    posted = time.monotonic() - started
    await together(_watch(acts, people), *(take_turn(act, people) for act in acts))
    return posted, time.monotonic() - started


async def place(act: Act, company: Company, people: People) -> None:
    """Place the story's order; raises WentWrong when it is refused and should not be."""
    story = act.story
    answer = await people.shop.post("/orders", story.body(company), f"demo/{story.reference}")
    if answer.status == 201:
        act.order = answer.body
    else:
        act.refusal = answer.code
        act.note = str(answer.body.get("detail", ""))
        if not story.refused:
            raise WentWrong(f"{story.reference}: {answer}")


async def _watch(acts: Sequence[Act], people: People) -> None:
    while not all(act.over for act in acts):
        if time.monotonic() > people.deadline:
            late = ", ".join(
                f"{act.story.reference} is {act.state}" for act in acts if not act.over
            )
            raise WentWrong(f"not over in time: {late}")
        await asyncio.sleep(POLL)
        found = expected(await people.shop.get("/orders", limit=100), 200)
        orders = {order["id"]: order for order in found["items"]}
        for act in acts:
            if act.order:
                act.order = orders.get(act.order["id"], act.order)


async def take_turn(act: Act, people: People) -> None:
    """Do what this story's people do, if anything."""
    if not act.order:
        return
    if act.story.turn is Turn.CANCEL:
        body = {"reason": "customer_request"}
        path = f"/orders/{act.order['id']}/cancel"
        expected(await people.staff.post(path, body, act.key("cancel")), 200)
    elif act.story.turn is Turn.HOLD:
        await _hold(act, people)
    elif act.story.turn is Turn.GOODWILL:
        await _give_back(act, people)
    elif act.story.turn in (Turn.RETURN, Turn.REPLACE, Turn.FORGET):
        await people.delivered(act)
        await _come_back(act, people)
    elif act.story.turn is Turn.REFUND:
        await _refund(act, people)
    elif act.story.turn in (Turn.REPAIRED, Turn.WORN_OUT):
        await fail_under_warranty(act, people)


async def _hold(act: Act, people: People) -> None:
    path = f"/orders/{act.order['id']}/holds"
    body = {"reason": "fraud_review", "note": "a large first order"}
    held = await people.staff.post(path, body, act.key("hold"))
    hold = expected(held, 201)["holds"][0]
    act.note = "on hold: fraud review"
    await asyncio.sleep(HELD_FOR)
    released = await people.staff.post(f"{path}/{hold['id']}/release", {}, act.key("release"))
    expected(released, 200)
    act.note = "the hold was released"


async def _give_back(act: Act, people: People) -> None:
    """Ask for so much money back, once all has arrived, that another person has to approve it."""
    await people.delivered(act)
    currency = act.order["total"]["currency"]
    body = {
        "order_id": act.order["id"],
        "goodwill": {"amount": GOODWILL, "currency": currency},
        "reason": "two boxes came a week late",
    }
    refund = expected(await people.staff.post("/refunds", body, act.key("refund")), 201)
    act.note = f"{refund['number']} of {GOODWILL // 100} {currency} waits for finance's approval"


async def _refund(act: Act, people: People) -> None:
    """Decide that the customer has the money of a lost parcel back, and wait until that is so."""

    async def asked() -> Mapping[str, Any] | None:
        tasks = (await people.show("/tasks", status="open", kind="parcel_lost"))["items"]
        ours = (task for task in tasks if task["facts"].get("order_id") == act.order["id"])
        return next(ours, None)

    async def given_back() -> bool | None:
        act.order = await people.show(f"/orders/{act.order['id']}")
        return act.order["payment_status"] == "refunded" or None

    name = act.story.reference
    task = await people.until(asked, f"{name}: no task was opened about the lost parcel")
    act.note = f"{task['number']}: {task['question']}"
    path = f"/tasks/{task['id']}/decide"
    expected(await people.staff.post(path, {"choice": "refund"}, act.key("decide")), 200)
    act.note = f"{task['number']}: decided to refund"
    await people.until(given_back, f"{name}: not given back in time")


async def _come_back(act: Act, people: People) -> None:
    """Take one unit back for its money or for another one; what is never sent expires."""
    sent, replaced = act.story.turn is not Turn.FORGET, act.story.turn is Turn.REPLACE
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
    back = expected(await people.staff.post("/returns", asked, act.key("return")), 201)
    path = f"/returns/{back['id']}"
    act.note = f"{back['number']} is {back['status']}"
    if back["status"] == "requested":
        asks = {"document_id": back["id"], "kind": "return_review", "status": "open"}
        task = await people.first("/tasks", **asks)
        decide = f"/tasks/{task['id']}/decide"
        answered = await people.staff.post(decide, {"choice": "authorize"}, act.key("authorize"))
        expected(answered, 200)
        await people.until_status(path, "authorized")
    if sent:
        unit = {"return_line_id": back["lines"][0]["id"], "quantity": 1}
        seen = {**unit, "disposition": "restock", "accepted": True}
        for verb, line in (("receive", unit), ("inspect", seen)):
            answer = await people.staff.post(f"{path}/{verb}", {"lines": [line]}, act.key(verb))
            expected(answer, 200)
    end = "closed" if sent else "expired"
    back = await people.until_status(path, end)
    paid = back["refunded"]["amount"]
    given = f", {paid / 100:.2f} {back['refunded']['currency']} given back" if paid else ""
    act.note = f"{back['number']} is {end}{', another one is on its way' if replaced else given}"
