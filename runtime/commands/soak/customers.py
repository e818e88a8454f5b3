"""The soak's customers: orders at a steady rate, and among them whatever happens to orders."""

import asyncio
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from runtime.commands.shop import NoAnswer, Shop
from runtime.sample.act import Act, People, WentWrong, expected
from runtime.sample.acting import place, take_turn
from runtime.sample.company import CELL, LANTERN, Company
from runtime.sample.stories import BASKETS, LOST, Story, Turn

PATIENCE = 180.0
"""Seconds in which what was begun with an order has to come to its end."""
LOOK_EVERY = 1.0
"""Seconds between two looks at an order that somebody waits for."""
MOST_AT_ONCE = 400
"""Orders that somebody waits for; above it the machine does not keep up, and that is said."""
SITE = "AUS"
PLENTY = 500_000
"""Units of each item that the soak brings in: more than it sells."""

# Of fifty orders so many; the others are bought, delivered and kept.
_TURNS: Mapping[Turn, int] = {
    Turn.RETURN: 6,
    Turn.REPLACE: 3,
    Turn.CANCEL: 4,
    Turn.REPAIRED: 2,
    Turn.WORN_OUT: 2,
    Turn.HOLD: 1,
    Turn.REFUND: 1,
    Turn.FORGET: 1,
}
_ROUND = 50
_DECLINED = 8
"""The place in each round of an order whose card is declined."""


def _spread() -> tuple[Turn, ...]:
    """Return a round of turns in which those of one kind do not follow each other."""
    special = [turn for turn, often in _TURNS.items() for _ in range(often)]
    places = [position * _ROUND // len(special) for position in range(len(special))]
    round_of = [Turn.NONE] * _ROUND
    for place_of, each in zip(places, special[::3] + special[1::3] + special[2::3], strict=True):
        round_of[place_of] = each
    return tuple(round_of)


ROUND = _spread()


def story_of(position: int, company: Company) -> Story:
    """Return the story of the so many-th order."""
    turn = ROUND[position % _ROUND]
    reference = f"SOAK-{position:06d}"
    names = list(company.customers)
    failing = turn in (Turn.REPAIRED, Turn.WORN_OUT)
    card: str | None = "tok_ok"
    if turn is Turn.CANCEL:
        card = None
    elif turn is Turn.NONE and position % _ROUND == _DECLINED:
        card = "tok_declined"
    return Story(
        reference,
        "",
        names[position % len(names)],
        {LANTERN: 1} if failing else BASKETS[position % (len(BASKETS) - 2)],
        card=card,
        end="completed" if card == "tok_ok" else "cancelled",
        postal_code=LOST if turn is Turn.REFUND else "80302",
        turn=turn,
        serials=(f"SK-{position}", f"SK-{position}-B") if failing else (),
        technician=f"TECH-{position}",
    )


@dataclass
class Customers:
    """Those who order; what they asked for, what came of it, and what went wrong."""

    company: Company
    shop: Shop
    staff: Shop
    inspector: Shop
    placed: int = 0
    done: Counter[str] = field(default_factory=Counter)
    """How many stories came to their end, by what happened in them."""
    wrong: list[str] = field(default_factory=list)
    """What was answered or happened otherwise than it should."""
    behind: int = 0
    """Orders that were not placed, because as many as can be waited for were under way."""
    _under_way: set[asyncio.Task[None]] = field(default_factory=set)

    async def stock_up(self) -> None:
        """Bring in goods for as many orders as may come."""
        sold = {sku for basket in BASKETS for sku in basket} | {CELL}
        for sku in sorted(sold):
            await self._bring_in(f"soak/stock/{sku}", sku, {"quantity": PLENTY})

    async def order(self, seconds: float, rate: float) -> None:
        """Place orders by the clock, ``rate`` a second, and do what their customers do."""
        began = time.monotonic()
        for position in range(max(1, round(seconds * rate))):
            await asyncio.sleep(max(0, began + position / rate - time.monotonic()))
            if len(self._under_way) >= MOST_AT_ONCE:
                self.behind += 1
                continue
            task = asyncio.create_task(self._live(story_of(position, self.company)))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)

    async def until_done(self) -> None:
        """Wait until all that was begun has come to its end, which it does within ``PATIENCE``."""
        await asyncio.gather(*self._under_way)

    async def aclose(self) -> None:
        """Stop whatever is under way."""
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)

    async def _live(self, story: Story) -> None:
        act = Act(story)
        people = People(self.shop, self.staff, self.inspector, deadline=time.monotonic() + PATIENCE)
        try:
            for serial in story.serials:
                one = {"quantity": 1, "serials": [serial]}
                await self._bring_in(act.key(f"unit/{serial}"), LANTERN, one)
            await place(act, self.company, people)
            self.placed += 1
            following = asyncio.create_task(self._follow(act, people))
            try:
                await take_turn(act, people)
                await following
            finally:
                following.cancel()
        except (WentWrong, NoAnswer) as error:
            self.wrong.append(f"{story.reference}, {story.turn}: {error}")
            return
        if not act.as_told:
            self.wrong.append(f"{story.reference}, {story.turn}: it is {act.state}")
        self.done[str(Turn.CANCEL if act.state == "cancelled" else story.turn)] += 1

    async def _follow(self, act: Act, people: People) -> None:
        """Look at an order until it is over."""
        path = f"/orders/{act.order['id']}"
        while not act.over:
            if time.monotonic() > people.deadline:
                raise WentWrong(f"{act.order['number']} is {act.state} and does not end")
            await asyncio.sleep(LOOK_EVERY)
            act.order = expected(await people.shop.get(path), 200)

    async def _bring_in(self, key: str, sku: str, units: Mapping[str, Any]) -> None:
        body = {"sku": sku, "site": SITE, "reason": "found", **units}
        expected(await self.staff.post("/inventory/adjustments", body, key), 201)
