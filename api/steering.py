"""Steering of running documents: requests sent as Temporal updates, answered or refused."""

import asyncio
import contextlib
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar
from uuid import UUID

import fastapi
from fastapi import Depends
from temporalio.client import (
    WithStartWorkflowOperation,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.common import WorkflowIDReusePolicy
from temporalio.exceptions import ApplicationError, WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode
from temporalio.workflow import UpdateMethodMultiParam

from api.refusals import TimedOut
from api.services import Services
from api.temporal import TemporalProvider
from db.engine import Database
from db.runs import get_run
from domain.documents import Document
from domain.errors import DomainError, IllegalMove, PartnerUnavailable, refusal_of_code
from workflows.runs import start_options

Request = TypeVar("Request")
_NOT_TAKEN = (RPCStatusCode.RESOURCE_EXHAUSTED, RPCStatusCode.PERMISSION_DENIED)
PATIENCE = 12.0
"""Seconds; longer than a cancelling run waits before it answers that the undo is under way."""


@dataclass(frozen=True)
class Steering:
    """Sends requests to runs."""

    books: Database
    temporal: TemporalProvider
    task_queue: str

    async def ask(
        self,
        document: Document,
        update: UpdateMethodMultiParam[[Any, Request], Any] | str,
        request: Request,
        request_id: UUID,
    ) -> None:
        """Send the request to the document's run, starting the run if it is not dispatched yet.

        ``request_id`` makes a repeat the same update. Raises the run's refusal, IllegalMove when
        the run has ended, PartnerUnavailable when Temporal does not take the request, and TimedOut
        when nothing is heard of it: it may still be carried out, which a repeat under the same key
        finds out.
        """
        client = await self.temporal()
        async with self.books.read() as db:
            run = await get_run(db, document)
        start: WithStartWorkflowOperation[Any, Any] = WithStartWorkflowOperation(
            run.workflow,
            document.id,
            **start_options(run, self.task_queue),
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY,
        )
        try:
            async with asyncio.timeout(PATIENCE):
                await client.execute_update_with_start_workflow(
                    update, request, start_workflow_operation=start, id=str(request_id)
                )
        except WorkflowAlreadyStartedError as error:
            raise _ended() from error
        except WorkflowUpdateFailedError as error:
            raise _refusal(error.cause) from error
        except (TimeoutError, WorkflowUpdateRPCTimeoutOrCancelledError) as error:
            raise _unanswered() from error
        except RPCError as error:
            if error.status in _NOT_TAKEN:
                raise PartnerUnavailable("Temporal takes no requests now; try again") from error
            raise _unanswered() from error
        finally:
            _read_outcome(start)


async def _steering(request: fastapi.Request) -> Steering:
    services: Services = request.app.state.services
    return Steering(services.db, services.temporal, services.settings.task_queue)


Steer = Annotated[Steering, Depends(_steering)]


def _read_outcome(start: WithStartWorkflowOperation[Any, Any]) -> None:
    # The SDK keeps the outcome of the start in a future of its own; unread, it is logged.
    with contextlib.suppress(Exception):
        handle = start._workflow_handle
        if handle.done() and not handle.cancelled():
            handle.exception()


def _unanswered() -> TimedOut:
    return TimedOut(
        "the process has not answered; what was asked for may still happen: ask again with the same"
        " Idempotency-Key, or look at the document"
    )


def _ended() -> IllegalMove:
    return IllegalMove("the process has ended", current_status="ended", allowed=[])


def _refusal(cause: BaseException | None) -> DomainError:
    if not isinstance(cause, ApplicationError) or cause.type is None:
        return PartnerUnavailable("the process could not do this now; try again")
    if cause.type == "AcceptedUpdateCompletedWorkflow":
        return _ended()
    facts: dict[str, Any] = cause.details[0]["facts"] if cause.details else {}
    return refusal_of_code(cause.type)(cause.message, **facts)
