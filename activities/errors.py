"""Failures of activities: a refusal is final and never retried, everything else is retried."""

from typing import Any

from temporalio.exceptions import ApplicationError, ApplicationErrorCategory
from temporalio.worker import (
    ActivityInboundInterceptor,
    ExecuteActivityInput,
    Interceptor,
)

from domain.errors import DomainError
from gateways.failures import PartnerFailure, PartnerRefused


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
            raise as_failure(refusal) from refusal
        except PartnerRefused as refusal:
            raise ApplicationError(
                str(refusal), type="partner_refused", non_retryable=True
            ) from refusal
        except PartnerFailure as failure:
            raise ApplicationError(
                str(failure), type="partner_unavailable", next_retry_delay=failure.retry_after
            ) from failure


def as_failure(refusal: DomainError) -> ApplicationError:
    """Return the non-retryable failure that carries a refusal's code, title, sentence and members."""
    return ApplicationError(
        refusal.detail,
        {"status": refusal.status, "title": refusal.title, "facts": refusal.extensions},
        type=refusal.code,
        non_retryable=True,
        category=ApplicationErrorCategory.BENIGN,
    )
