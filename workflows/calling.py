"""Calls of activities: two ways, in which time-outs and the retry policy are decided once."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, TypeVar

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError, ChildWorkflowError

Given = TypeVar("Given")
Result = TypeVar("Result")

Step = Callable[[Any, Given], Awaitable[Result]]
"""A method of an activity class: one argument in, one value out."""

# Neither policy ever gives up: an outage delays a process, only a refusal changes its path.
_DATABASE_RETRY = RetryPolicy(
    initial_interval=timedelta(milliseconds=100), maximum_interval=timedelta(seconds=30)
)
_PARTNER_RETRY = RetryPolicy(
    initial_interval=timedelta(seconds=2), maximum_interval=timedelta(minutes=5)
)


# A step gives signs of life, so that of a worker that is dead or frozen it begins anew before its
# own time is over: the same key makes it harmless that both may go on.
_ALIVE = timedelta(seconds=15)


async def in_database(step: Step[Given, Result], given: Given) -> Result:
    """Take one short transaction of ours, inside the run's own task: no round trip, no queue."""
    return await workflow.execute_local_activity_method(
        step,
        given,
        start_to_close_timeout=timedelta(seconds=10),
        local_retry_threshold=timedelta(seconds=5),
        retry_policy=_DATABASE_RETRY,
        summary=_words(step),
    )


async def at_partner(step: Step[Given, Result], given: Given) -> Result:
    """Take a step at a partner's system: slower, and patient for days while they are down.

    A cancellation waits for the step under way, so that its outcome is known before it is undone.
    """
    # Asked for once: when an evicted run is thrown away, there is no loop left to ask for it.
    task = asyncio.current_task()
    asked_before = task.cancelling() if task else 0
    try:
        return await workflow.execute_activity_method(
            step,
            given,
            start_to_close_timeout=timedelta(seconds=30),
            heartbeat_timeout=_ALIVE,
            retry_policy=_PARTNER_RETRY,
            cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
            summary=_words(step),
        )
    finally:
        # A step that ends all the same would swallow the cancellation.
        if task and task.cancelling() > asked_before:
            raise asyncio.CancelledError


def root_cause(failure: BaseException) -> BaseException:
    """Return what really went wrong: local and normal activities wrap it differently."""
    while isinstance(failure, ActivityError | ChildWorkflowError) and failure.cause is not None:
        failure = failure.cause
    return failure


def refusal_of(failure: BaseException) -> ApplicationError:
    """Return a failed step's refusal as an answer to the request that asked for it."""
    cause = root_cause(failure)
    if isinstance(cause, ApplicationError):
        return cause
    return ApplicationError(str(cause), type="partner_unavailable", non_retryable=True)


def _words(step: Callable[..., Any]) -> str:
    """Return what the Temporal UI says of a step beside its name: the first line of its text."""
    return (step.__doc__ or step.__name__).partition("\n")[0]
