"""One story on the stage: how far it is, who asks for what, and how it is waited for."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from runtime.commands.shop import Answer, Shop
from runtime.sample.stories import Story

ENDED = frozenset({"completed", "closed", "cancelled"})
POLL = 0.3
Found = TypeVar("Found")


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

    def key(self, what: str) -> str:
        """Return the idempotency key of what is asked once for this story."""
        return f"demo/{self.story.reference}/{what}"


@dataclass(frozen=True)
class People:
    """Who asks: the web shop, the staff, and the inspector, who signs off what others did."""

    shop: Shop
    staff: Shop
    inspector: Shop
    deadline: float
    """The moment, by the monotonic clock, at which they lose patience."""

    async def until(self, look: Callable[[], Awaitable[Found | None]], late: str) -> Found:
        """Look again and again until there is something; raise WentWrong when it is late."""
        while (found := await look()) is None:
            if time.monotonic() > self.deadline:
                raise WentWrong(late)
            await asyncio.sleep(POLL)
        return found

    async def show(self, path: str, **query: Any) -> Mapping[str, Any]:
        """Return what the staff is shown."""
        return expected(await self.staff.get(path, **query), 200)

    async def until_status(self, path: str, status: str) -> Mapping[str, Any]:
        """Wait until a document has a status, and return it."""

        async def look() -> Mapping[str, Any] | None:
            seen = await self.show(path)
            return seen if seen["status"] == status else None

        return await self.until(look, f"{path} does not become {status} in time")

    async def first(self, path: str, **query: Any) -> Mapping[str, Any]:
        """Wait until a list has something, and return what is first."""

        async def look() -> Mapping[str, Any] | None:
            items = (await self.show(path, **query))["items"]
            return items[0] if items else None

        return await self.until(look, f"nothing at {path} {query} in time")

    async def delivered(self, act: Act) -> None:
        """Wait until all of an order has arrived."""

        async def look() -> bool | None:
            return act.over or None

        await self.until(look, f"{act.story.reference}: not delivered in time")


def expected(answer: Answer, status: int) -> Mapping[str, Any]:
    """Return the body of an answer; raise WentWrong for another status."""
    if answer.status != status:
        raise WentWrong(str(answer))
    return answer.body
