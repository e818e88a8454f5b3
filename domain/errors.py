"""Every business refusal. The class is the refusal, its docstring the title, its code is stable."""

from typing import Any, ClassVar


class DomainError(Exception):
    """The request was refused."""

    code: ClassVar[str] = "refused"
    status: ClassVar[int] = 409

    def __init__(self, detail: str, **extensions: Any) -> None:
        """Keep the sentence for people (``detail``) and the extension members (JSON)."""
        super().__init__(detail)
        self.detail = detail
        self.extensions = extensions

    @property
    def title(self) -> str:
        """The refusal in words, the same for every instance of the class."""
        return (type(self).__doc__ or self.code).strip().rstrip(".")


class NotFound(DomainError):
    """There is no such document."""

    code, status = "not_found", 404


class Malformed(DomainError):
    """The request is malformed."""

    code, status = "malformed", 422


class CurrencyMismatch(Malformed):
    """One document has one currency."""


class IllegalMove(DomainError):
    """The document's state does not allow this."""

    code = "illegal_move"


class Stale(DomainError):
    """The document has changed since it was read."""

    code, status = "stale", 412


class TooManyAttempts(DomainError):
    """Too many cards were declined; wait before the next one."""

    code, status = "too_many_attempts", 429


class TooManyUnpaid(DomainError):
    """Too many orders wait for their money."""

    code, status = "too_many_unpaid", 429


class AmountExceeded(DomainError):
    """This is more money than remains."""

    code = "amount_exceeded"


class QuantityExceeded(DomainError):
    """These are more units than remain."""

    code = "quantity_exceeded"


class WindowClosed(DomainError):
    """The time in which these goods may come back is over."""

    code = "window_closed"


class OutOfStock(DomainError):
    """There is not enough stock."""

    code = "out_of_stock"


class PriceChanged(DomainError):
    """The given price differs from the list price."""

    code = "price_changed"


class AlreadyExists(DomainError):
    """This already exists."""

    code = "already_exists"


class Overlaps(DomainError):
    """The technician is busy at that time."""

    code = "overlaps"


class SkillMissing(DomainError):
    """The technician may not do this work on that day."""

    code = "skill_missing"


class InUse(DomainError):
    """This cannot change any more: what is in the books depends on it."""

    code = "in_use"


class Unauthenticated(DomainError):
    """A valid API key or bearer token is required."""

    code, status = "unauthenticated", 401


class Forbidden(DomainError):
    """The caller's role does not allow this."""

    code, status = "forbidden", 403


class SamePerson(DomainError):
    """Another person has to do this."""

    code, status = "same_person", 403


class KeyMissing(DomainError):
    """The Idempotency-Key header is required here."""

    code, status = "key_missing", 400


class KeyReused(DomainError):
    """This Idempotency-Key was used for a different request."""

    code, status = "key_reused", 422


class KeyInProgress(DomainError):
    """A request with this Idempotency-Key is still running."""

    code = "key_in_progress"


class PartnerUnavailable(DomainError):
    """A system that this needs cannot answer now."""

    code, status = "partner_unavailable", 503


def refusal_of_code(code: str) -> type[DomainError]:
    """Return the refusal with this code; DomainError itself when there is none."""
    return _BY_CODE.get(code, DomainError)


_BY_CODE = {
    refusal.code: refusal for refusal in reversed(DomainError.__subclasses__()) if refusal.code
}
