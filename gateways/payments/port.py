"""What a payment provider does for us; each real provider and the sandbox implement it."""

from datetime import datetime
from enum import StrEnum
from typing import Protocol

from domain.money import Money
from domain.value import Name, Text, Value
from gateways.partner import Partner


class Outcome(StrEnum):
    """How a payment operation ended at the provider."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    ACTION_REQUIRED = "action_required"
    PENDING = "pending"


class PaymentResult(Value):
    """The provider's word on the operation with this key."""

    key: Name
    outcome: Outcome
    reference: Name
    failure_code: Text = ""
    failure_message: Text = ""
    """Why it failed, in words for people; empty where the provider has none."""
    amount: Money
    expires_at: datetime | None = None
    """When the money of a succeeded authorization is no longer reserved; None for the others."""
    redirect_url: str = ""
    """Where the customer confirms an authorization that requires it; empty for the others."""


class PaymentKind(StrEnum):
    """What an operation does with money."""

    AUTHORIZATION = "authorization"
    CAPTURE = "capture"
    VOID = "void"
    REFUND = "refund"
    CHARGEBACK = "chargeback"


class PaymentEvent(Value):
    """A provider's fact: how an operation ended. Its key may be one that we never used.

    ``authorization`` is the reference of the authorization that the operation belongs to.
    """

    event_id: Text = ""
    kind: PaymentKind
    authorization: Name
    result: PaymentResult


class PaymentProvider(Protocol):
    """Every operation carries our key: sending it again returns the first outcome, moves no money.

    A decline is a result (``FAILED``), not an exception. Raises PartnerFailure when the outcome is
    unknown (time-out, 5xx) and PartnerRefused for a request that the provider rejects as invalid.
    """

    name: str

    async def authorize(
        self, key: str, token: str, amount: Money, return_url: str = ""
    ) -> PaymentResult:
        """Reserve the money of the card behind ``token``.

        A customer who must confirm that goes to ``return_url`` afterwards, if there is one.
        """

    async def renew(self, key: str, authorization: str, amount: Money) -> PaymentResult:
        """Reserve money of the same card anew, for what is left of an authorization or less.

        The customer is not there: what would need a confirmation is a decline. The result's
        reference is that of the new authorization; the one before stays as it is.
        """

    async def capture(self, key: str, authorization: str, amount: Money) -> PaymentResult:
        """Take reserved money; ``authorization`` is the reference of a succeeded authorization."""

    async def void(self, key: str, authorization: str, amount: Money) -> PaymentResult:
        """Drop ``amount`` of what is still reserved.

        Of an authorization that its customer has not confirmed that is all of it; then it fails.
        """

    async def refund(self, key: str, authorization: str, amount: Money) -> PaymentResult:
        """Give captured money back."""

    async def find(self, key: str) -> PaymentResult | None:
        """Return the outcome of the operation with this key, or None when it was never seen."""

    async def aclose(self) -> None:
        """Close the connections."""


class PaymentsPartner(Partner[PaymentProvider, PaymentEvent]):
    """A payment provider in the table of partners."""
