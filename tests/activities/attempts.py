"""Attempts at steps that stop wherever they speak to a partner, until the story lets them go on."""

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any

from gateways.failures import PartnerRefused

Take = Callable[[str, Any, int], Awaitable[Any]]

_current: ContextVar["Attempt | None"] = ContextVar("attempt", default=None)


class Attempt:
    """One try at a step. It holds no lock where it stops: no transaction is open at a partner."""

    def __init__(self, take: Take, name: str, given: Any, number: int) -> None:
        """Begin; ``until_stopped`` says when it stands still."""
        self.name = name
        self.given = given
        self.number = number
        self.place = ""
        self.refusal = ""
        """A code with which the partner refuses the question before which the attempt stands."""
        self._stands = asyncio.Event()
        self._may_go = asyncio.Event()
        self._task = asyncio.create_task(self._run(take))

    def __str__(self) -> str:
        return f"{self.name} #{self.number}"

    async def _run(self, take: Take) -> Any:
        _current.set(self)
        return await take(self.name, self.given, self.number)

    @property
    def done(self) -> bool:
        """Whether it has ended, well or not."""
        return self._task.done()

    async def until_stopped(self) -> None:
        """Wait until the attempt has ended or stands at a partner's door."""
        standing = asyncio.create_task(self._stands.wait())
        await asyncio.wait({self._task, standing}, return_when=asyncio.FIRST_COMPLETED)
        standing.cancel()

    async def go_on(self) -> None:
        """Let it go as far as the next stop, or to its end."""
        self._stands.clear()
        self._may_go.set()
        await self.until_stopped()

    async def stop(self, place: str) -> None:
        """Stand still here."""
        self.place = place
        self._stands.set()
        await self._may_go.wait()
        self._may_go.clear()

    def result(self) -> Any:
        """Return what it came to, or raise what it failed with."""
        return self._task.result()

    async def die(self) -> None:
        """End it where it stands, as a worker's crash does."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


class Line:
    """The line to a real partner, on which questions and answers may be held up."""

    def __init__(self, partner: Any) -> None:
        """Speak to this partner."""
        self._partner = partner

    def __getattr__(self, name: str) -> Any:
        operation = getattr(self._partner, name)
        attempt = _current.get()
        if attempt is None or not callable(operation):
            return operation

        async def held(*given: Any) -> Any:
            await attempt.stop(f"before {name}")
            if attempt.refusal:
                code, attempt.refusal = attempt.refusal, ""
                raise PartnerRefused(code, "not now")
            answer = await operation(*given)
            await attempt.stop(f"after {name}")
            return answer

        return held
