"""Steps that say they are alive, so that those of a worker which is dead or frozen begin anew soon.

Only what takes long says so: a step that a partner answers at once costs nothing more.
"""

import asyncio
from typing import Any

from temporalio import activity
from temporalio.worker import (
    ActivityInboundInterceptor,
    ExecuteActivityInput,
    Interceptor,
)

OFTEN = 3
"""Signs of life in the time after which a step without one is given up."""


class AliveInterceptor(Interceptor):
    """Has every step give signs of life that is given up without them."""

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002
        """Wrap every activity."""
        return _Alive(next)


class _Alive(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002
        patience = activity.info().heartbeat_timeout
        if patience is None:
            return await super().execute_activity(input)
        step = asyncio.ensure_future(super().execute_activity(input))
        while not step.done():
            try:
                await asyncio.wait({step}, timeout=patience.total_seconds() / OFTEN)
            except asyncio.CancelledError:
                if not _to_be_finished():
                    step.cancel()
                    raise
            if not step.done():
                activity.heartbeat()
        return await step


def _to_be_finished() -> bool:
    """Whether a cancellation is one that waits for the outcome; only our own end does not.

    The answer to a sign of life brings the cancellation of the run, or that the step was given up
    meanwhile: the partner may be about to do what was asked, and what it did must be known.
    """
    details, task = activity.cancellation_details(), asyncio.current_task()
    if details is None or details.worker_shutdown or task is None:
        return False
    task.uncancel()
    return True
