"""Undoing what was done: newest first, past a failing undo, shielded from a second cancel."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from temporalio import workflow
from temporalio.exceptions import FailureError, is_cancelled_exception

Undo = Callable[[], Awaitable[object]]


class Undoing:
    """The undos of the steps taken so far; each is added before its step, which may half happen."""

    def __init__(self, report: Undo) -> None:
        """Call ``report`` once for every undo that fails for good, so that a person hears of it."""
        self._report = report
        self._undos: list[Undo] = []

    def add(self, undo: Undo) -> None:
        """Remember how to undo the step that comes next; it must be silent if nothing happened."""
        self._undos.append(undo)

    async def run(self) -> None:
        """Undo everything, also while the run is being cancelled."""
        undoing = asyncio.create_task(self._all())
        while not undoing.done():
            try:
                await asyncio.shield(undoing)
            except asyncio.CancelledError:
                if undoing.cancelled():
                    raise
        undoing.result()

    async def _all(self) -> None:
        while self._undos:
            undo = self._undos.pop()
            try:
                await undo()
            except FailureError as failure:
                workflow.logger.error("an undo failed: %s", failure)
                # The undos that are left matter more than the report.
                with contextlib.suppress(FailureError):
                    await self._report()


def ends_the_run(error: BaseException) -> bool:
    """Whether an exception is a failure or a cancellation, and not a bug in the run's code."""
    return isinstance(error, FailureError) or is_cancelled_exception(error)
