"""What is seen of steps: which document each is for, and that it was done."""

import inspect
import time
from typing import Any
from uuid import UUID

import structlog
from temporalio import activity
from temporalio.worker import (
    ActivityInboundInterceptor,
    ExecuteActivityInput,
    Interceptor,
)

from domain.documents import PROCESSES
from telemetry import tracing

log = structlog.get_logger(__name__)
_KINDS = {process.stem: kind for kind, process in PROCESSES.items()}


class WatchInterceptor(Interceptor):
    """Has the spans and log lines of every step name the document whose run takes it."""

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002
        """Wrap every activity."""
        return _Watched(next)


class _Watched(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002
        info = activity.info()
        stem, _, number = (info.workflow_id or "").partition("/")
        with tracing.about(number or stem, **_ids(stem, input)):
            began = time.perf_counter()
            result = await super().execute_activity(input)
            taken = round((time.perf_counter() - began) * 1000, 2)
            log.info("step_done", step=info.activity_type, attempt=info.attempt, ms=taken)
            return result


def _ids(stem: str, given: ExecuteActivityInput) -> dict[str, UUID]:
    """Return the id that a step is given: of the run's document, or of another by its kind."""
    own = f"{_KINDS[stem]}_id" if stem in _KINDS else ""
    first = given.args[0] if given.args else None
    if isinstance(first, UUID):
        name = next(iter(inspect.signature(given.fn).parameters), "")
        return {"document_id" if name == own else name: first}
    found = getattr(first, own, None)
    return {"document_id": found} if isinstance(found, UUID) else {}
