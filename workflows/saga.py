"""A saga: a process that can be cancelled until its point of no return, with its compensation."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Generic, TypeVar

from temporalio import workflow
from temporalio.exceptions import FailureError, is_cancelled_exception

from activities.errors import as_failure
from domain.errors import DomainError
from workflows.calling import refusal_of
from workflows.status import show_status

Request = TypeVar("Request")
Status = TypeVar("Status", bound=str)
Undo = Callable[[], Awaitable[object]]
Report = Callable[[str], Awaitable[object]]

ANSWER_WITHIN = timedelta(seconds=8)
"""How long a cancelling caller waits for the undo; then the answer says that it is pending."""


class CancelRequested(Exception):
    """Raised by a step of the process that heeds a request to cancel; compensation begins."""


class Saga(Generic[Request, Status]):
    """The undos of the steps taken so far, and the request to cancel with its outcome.

    Compensation runs the undos newest first, past one that fails, shielded from a second cancel.
    """

    def __init__(self, *, cancelled: Status, too_late: DomainError, report: Report) -> None:
        """End with the status ``cancelled``, or answer ``too_late`` past the point of no return.

        ``report`` is called once for every undo that fails for good, with what was said to it, so
        that a person hears of it.
        """
        self.request: Request | None = None
        """What was asked for; the first request counts until it is found to be too late."""
        self._cancelled: bool | None = None
        self._status = cancelled
        self._too_late = too_late
        self._report = report
        self._undos: list[Undo] = []

    async def run(self, process: Callable[[], Awaitable[Status]]) -> Status:
        """Run the process to its end; cancelled or failed, undo what it did.

        Past the point of no return a cancelled process goes on.
        """
        while True:
            try:
                return await process()
            except CancelRequested:
                if await self._compensate("Cancelled: taking back what was done."):
                    return self._status
            except BaseException as error:
                # Anything else is a bug in the run's code, for which the run waits.
                if not (isinstance(error, FailureError) or is_cancelled_exception(error)):
                    raise
                undone = await self._compensate("Stopped: taking back what was done.")
                if undone or not is_cancelled_exception(error):
                    raise

    def add(self, undo: Undo) -> None:
        """Add the undo of the step that comes next, which may half happen.

        It must be silent if nothing happened.
        """
        self._undos.append(undo)

    def heed(self, request: Request | None) -> None:
        """Note that the process is to be cancelled, if it is."""
        if request is not None and self.request is None:
            self.request, self._cancelled = request, None

    def check(self) -> None:
        """Raise CancelRequested if the process is to be cancelled."""
        if self.request is not None:
            raise CancelRequested

    def conclude(self, *, cancelled: bool) -> None:
        """Say whether the document is cancelled now, or has passed the point of no return."""
        self._cancelled = cancelled
        if cancelled:
            show_status(self._status)
        else:
            self.request = None

    async def cancel(self, request: Request) -> None:
        """Ask for cancellation; return once it is done, or after a while, or refuse as too late."""
        self.heed(request)
        with contextlib.suppress(TimeoutError):
            await workflow.wait_condition(
                lambda: self._cancelled is not None, timeout=ANSWER_WITHIN
            )
        if self._cancelled is False:
            raise as_failure(self._too_late)

    async def _compensate(self, story: str) -> bool:
        """Undo everything, also while the run is being cancelled; False when it is too late."""
        workflow.set_current_details(story)
        self._cancelled = None
        undoing = asyncio.create_task(self._undo_all())
        while not undoing.done():
            try:
                await asyncio.shield(undoing)
            except asyncio.CancelledError:
                if undoing.cancelled():
                    raise
        undoing.result()
        if self._cancelled:
            show_status(self._status, was_shown=True)
        return self._cancelled is not False

    async def _undo_all(self) -> None:
        while self._undos:
            undo = self._undos.pop()
            try:
                await undo()
            except FailureError as failure:
                workflow.logger.error("an undo failed: %s", failure)
                # The other undos matter more than the report.
                with contextlib.suppress(FailureError):
                    await self._report(refusal_of(failure).message)
