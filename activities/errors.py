"""Failures of activities: a refusal is final and never retried, everything else is retried.

Each carries one short cause: of a longer one Temporal keeps "Failure exceeds size limit." alone.
"""

from typing import Any

import structlog
from temporalio import activity
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory, FailureError
from temporalio.worker import (
    ActivityInboundInterceptor,
    ExecuteActivityInput,
    Interceptor,
)

from db.failures import LONGEST_CAUSE, short_cause
from domain.errors import DomainError
from gateways.failures import PartnerFailure, PartnerRefused

log = structlog.get_logger(__name__)


class RefusalInterceptor(Interceptor):
    """Translates what activities raise, once for all of them."""

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002
        """Wrap every activity."""
        return _Translator(next)


class _Translator(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002
        try:
            return await super().execute_activity(input)
        except DomainError as refusal:
            log.info("step_refused", step=_step(), code=refusal.code)
            raise as_failure(refusal) from None
        except PartnerRefused as refusal:
            log.info("step_refused", step=_step(), code="partner_refused")
            said = str(refusal)[:LONGEST_CAUSE]
            raise ApplicationError(said, type="partner_refused", non_retryable=True) from None
        except PartnerFailure as failure:
            log.warning("step_failed", step=_step(), code="partner_unavailable")
            said = str(failure)[:LONGEST_CAUSE]
            raise ApplicationError(
                said, type="partner_unavailable", next_retry_delay=failure.retry_after
            ) from None
        except FailureError:
            raise
        except Exception as error:
            # Where it comes from stands in the log alone.
            log.warning("step_failed", step=_step(), exc_info=error)
            raise ApplicationError(short_cause(error), type=type(error).__name__) from None


def _step() -> str:
    return activity.info().activity_type


def as_failure(refusal: DomainError) -> ApplicationError:
    """Return the non-retryable failure with a refusal's code, title, sentence and extensions."""
    return ApplicationError(
        refusal.detail,
        {"status": refusal.status, "title": refusal.title, "facts": refusal.extensions},
        type=refusal.code,
        non_retryable=True,
        category=ApplicationErrorCategory.BENIGN,
    )
