"""Refusals that only HTTP knows: about the request's form, its size and the state of the server."""

from domain.errors import DomainError


class Unreadable(DomainError):
    """The request cannot be read."""

    code, status = "unreadable", 400


class MethodNotAllowed(DomainError):
    """This address does not know the method."""

    code, status = "method_not_allowed", 405


class TooSlow(DomainError):
    """The request did not arrive in time."""

    code, status = "too_slow", 408


class TooLarge(DomainError):
    """The request is too large."""

    code, status = "too_large", 413


class RateLimited(DomainError):
    """Too many requests in this time."""

    code, status = "rate_limited", 429


class TooManyAtOnce(DomainError):
    """Too many requests of this caller are under way."""

    code, status = "too_many_requests_at_once", 429


class HeadersTooLarge(DomainError):
    """The request's headers are too large."""

    code, status = "headers_too_large", 431


class Internal(DomainError):
    """Something went wrong here."""

    code, status = "internal", 500


class Busy(DomainError):
    """Too many want the same rows at once; nothing was changed."""

    code, status = "busy", 503


class TooManyConnections(DomainError):
    """Too many connections are open."""

    code, status = "too_many_connections", 503


class DatabaseUnavailable(DomainError):
    """The database cannot answer now."""

    code, status = "database_unavailable", 503


class TimedOut(DomainError):
    """The answer took too long."""

    code, status = "timed_out", 503
