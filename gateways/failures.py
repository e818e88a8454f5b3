"""Failures at a partner: an outage, which is retried, or a definite refusal, which is not."""

from datetime import timedelta


class PartnerFailure(Exception):
    """The partner could not be asked or its answer is unknown: ask again later, same key."""

    def __init__(self, message: str, retry_after: timedelta | None = None) -> None:
        """Keep what happened, and how long the partner asks to be left alone."""
        super().__init__(message)
        self.retry_after = retry_after


class PartnerRefused(Exception):
    """The partner understood and said no; asking again gets the same answer."""

    def __init__(self, code: str, message: str) -> None:
        """Keep the partner's code (for programs) and message (for people)."""
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
