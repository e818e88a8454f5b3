"""Keeping the stack's processes at work: started in order, again when they die or are deaf."""

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from runtime.local.answering import HEARING, Hearing, Question
from runtime.local.children import CannotStart, Child, spawn

FIRST_PAUSE = 0.2
LONGEST_PAUSE = 10.0
SETTLED = 30.0
"""Seconds after which a process counts as started well, so that its next death is a new story."""
STOP_PATIENCE = 35.0
"""Seconds; longer than the worker gives its activities."""
DEAF_PATIENCE = 5.0
"""Seconds; what answers nothing seldom hears that it is to stop."""


@dataclass(frozen=True, slots=True)
class Command:
    """One program of the stack and what it needs in its environment besides ours."""

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)

    def launch(self, logs: Path) -> Child:
        """Start it once, its output going to ``<logs>/<name>.log``."""
        environment = {**os.environ, "PYTHONUNBUFFERED": "1", **self.env}
        return spawn(self.name, self.argv, log=logs / f"{self.name}.log", env=environment)

    async def run(self, logs: Path) -> None:
        """Run it to its end. Raises CannotStart with its last words when it fails."""
        child = self.launch(logs)
        try:
            code = await child.wait()
        finally:
            await child.stop(signal.SIGTERM, STOP_PATIENCE)
        if code != 0:
            raise CannotStart(f"{self.name} {_ending(code)}:\n{child.last_words()}")


@dataclass(slots=True)
class _Kept:
    name: str
    launch: Callable[[], Awaitable[Child]]
    stop_signal: signal.Signals
    child: Child
    ask: Question | None = None
    watch: asyncio.Task[None] | None = None
    deaths: int = 0


class Processes:
    """The running processes, in the order in which they were started."""

    def __init__(
        self,
        say: Callable[[str], None],
        changed: Callable[[], None],
        hearing: Hearing = HEARING,
    ) -> None:
        """``say`` tells a person about deaths; ``changed`` is called when a pid is new."""
        self._say = say
        self._changed = changed
        self._hearing = hearing
        self._kept: list[_Kept] = []

    @property
    def children(self) -> list[Child]:
        """The latest incarnation of each."""
        return [kept.child for kept in self._kept]

    async def keep(
        self,
        name: str,
        launch: Callable[[], Awaitable[Child]],
        stop_signal: signal.Signals = signal.SIGTERM,
        ask: Question | None = None,
    ) -> None:
        """Start a process, and start it again whenever it ends by itself, or answers no more."""
        kept = _Kept(name, launch, stop_signal, await launch(), ask)
        self._kept.append(kept)
        self._changed()
        kept.watch = asyncio.create_task(self._watch(kept))

    def dying(self, often: int = 3) -> Child | None:
        """Return a process that died so often since it last ran well, if there is one."""
        return next((kept.child for kept in self._kept if kept.deaths >= often), None)

    async def stop(self) -> None:
        """Stop all gracefully, the last one first; kill them at once when cancelled meanwhile."""
        try:
            for kept in reversed(self._kept):
                if kept.watch is not None:
                    kept.watch.cancel()
                    await asyncio.wait({kept.watch})
                await kept.child.stop(kept.stop_signal, STOP_PATIENCE)
        finally:
            for kept in self._kept:
                if kept.watch is not None:
                    kept.watch.cancel()
                if kept.child.running:
                    kept.child.process.kill()
            self._kept.clear()

    async def _watch(self, kept: _Kept) -> None:
        while True:
            started = time.monotonic()
            code = await self._end_of(kept)
            if time.monotonic() - started > SETTLED:
                kept.deaths = 0
            pause = min(FIRST_PAUSE * 2**kept.deaths, LONGEST_PAUSE)
            kept.deaths += 1
            self._say(
                f"{kept.name} {_ending(code)}; starting it again in {pause:.1f} s "
                f"(see {kept.child.log})"
            )
            await asyncio.sleep(pause)
            try:
                kept.child = await kept.launch()
            except CannotStart as error:
                self._say(str(error))
            else:
                self._changed()

    async def _end_of(self, kept: _Kept) -> int:
        """Wait for the end of a process, and bring it about when it answers nothing any more."""
        if kept.ask is None:
            return await kept.child.wait()
        ended = asyncio.create_task(kept.child.wait())
        deaf = asyncio.create_task(self._hearing.lost(kept.ask))
        try:
            await asyncio.wait({ended, deaf}, return_when=asyncio.FIRST_COMPLETED)
            if not ended.done():
                self._say(
                    f"{kept.name} lives, but has answered nothing for"
                    f" {self._hearing.seconds:.0f} s; it is ended"
                )
                await kept.child.stop(kept.stop_signal, DEAF_PATIENCE)
            return await ended
        finally:
            ended.cancel()
            deaf.cancel()


def _ending(code: int) -> str:
    if code >= 0:
        return f"ended with exit code {code}"
    return f"was ended by {signal.Signals(-code).name}"
