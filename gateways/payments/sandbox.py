"""The sandbox payment provider, spoken to over HTTP like a real one."""

from typing import Literal

import httpx2
from pydantic import SecretStr

from domain.money import Amount, Currency, Money
from domain.value import Name
from gateways.failures import PartnerFailure
from gateways.http import Answer, PartnerClient, segment
from gateways.partner import PartnerSettings
from gateways.payments.port import (
    Outcome,
    PaymentEvent,
    PaymentKind,
    PaymentResult,
    PaymentsPartner,
)
from gateways.telling import MaybeMoment, MaybeUrl, Words
from gateways.webhooks import read_event

NAME = "sandbox"
IRRELEVANT = frozenset({"webhook.test", "operation.action_required", "operation.pending"})
"""Types of events that change nothing here: what is not decided yet is learned with its end."""


class ProviderOperation(Answer):
    """An operation in the provider's words."""

    id: Name
    key: Name
    kind: PaymentKind
    authorization: Name
    authorization_expires_at: MaybeMoment = None
    amount: Amount
    currency: Currency
    outcome: Outcome
    redirect_url: MaybeUrl = ""
    failure_code: Words = ""
    failure_message: Words = ""

    def as_result(self) -> PaymentResult:
        """Translate into our words.

        An authorization's reference is what later steps name; the others have one of their own.
        """
        of_authorization = self.kind is PaymentKind.AUTHORIZATION
        reserved = of_authorization and self.outcome is Outcome.SUCCEEDED
        asked = of_authorization and self.outcome is Outcome.ACTION_REQUIRED
        return PaymentResult(
            key=self.key,
            outcome=self.outcome,
            reference=self.authorization if of_authorization else self.id,
            failure_code=self.failure_code,
            failure_message=self.failure_message,
            amount=Money(amount=self.amount, currency=self.currency),
            expires_at=self.authorization_expires_at if reserved else None,
            redirect_url=self.redirect_url if asked else "",
        )


class _Operations(Answer):
    data: list[ProviderOperation]


class SandboxPayments:
    """Implements the payment port. Give it a client to share a pool; it closes only its own."""

    name: str = NAME

    def __init__(
        self, base_url: str, api_key: str, client: httpx2.AsyncClient | None = None
    ) -> None:
        self._partner = PartnerClient("payments", base_url, api_key, client)

    async def authorize(
        self, key: str, token: str, amount: Money, return_url: str = ""
    ) -> PaymentResult:
        """Reserve the money of the card behind ``token``."""
        body = {"token": token, **amount.model_dump(), "metadata": {"key": key}}
        if return_url:
            body["return_url"] = return_url
        return await self._operate(key, "/authorizations", body)

    async def renew(self, key: str, authorization: str, amount: Money) -> PaymentResult:
        """Reserve money of the same card anew, for what is left of an authorization or less."""
        return await self._move(key, authorization, "renewals", amount)

    async def capture(self, key: str, authorization: str, amount: Money) -> PaymentResult:
        """Take reserved money; ``authorization`` is the reference of a succeeded authorization."""
        return await self._move(key, authorization, "captures", amount)

    async def void(self, key: str, authorization: str, amount: Money) -> PaymentResult:
        """Drop ``amount`` of what is still reserved."""
        return await self._move(key, authorization, "voids", amount)

    async def refund(self, key: str, authorization: str, amount: Money) -> PaymentResult:
        """Give captured money back."""
        return await self._move(key, authorization, "refunds", amount)

    async def find(self, key: str) -> PaymentResult | None:
        """Return the outcome of the operation with this key, or None when it was never seen."""
        found = await self._partner.get(_Operations, "/operations", {"key": key})
        return _result(found.data[0], key) if found.data else None

    async def aclose(self) -> None:
        """Close the connections."""
        await self._partner.aclose()

    async def _move(self, key: str, authorization: str, what: str, amount: Money) -> PaymentResult:
        path = f"/authorizations/{segment(authorization)}/{what}"
        return await self._operate(key, path, amount.model_dump())

    async def _operate(self, key: str, path: str, body: dict[str, object]) -> PaymentResult:
        done = await self._partner.post(ProviderOperation, path, body, {"idempotency-key": key})
        return _result(done, key)


def _result(operation: ProviderOperation, key: str) -> PaymentResult:
    if operation.key != key:
        raise PartnerFailure(f"asked about {key}, answered about {operation.key}")
    return operation.as_result()


class _PaymentEvent(Answer):
    id: Words = ""
    type: Literal["operation.succeeded", "operation.failed"]
    data: ProviderOperation


def parse_payment_event(raw: bytes) -> PaymentEvent:
    """Read a verified body; raises UnknownEvent and IrrelevantEvent."""
    event = read_event(_PaymentEvent, raw, irrelevant=IRRELEVANT)
    return PaymentEvent(
        event_id=event.id,
        kind=event.data.kind,
        authorization=event.data.authorization,
        result=event.data.as_result(),
    )


class _Settings(PartnerSettings, env_prefix="STATESET_PAYMENTS_"):
    url: str = "http://127.0.0.1:8082"
    api_key: SecretStr = SecretStr("sandbox-payments-key")
    webhook_secret: SecretStr = SecretStr("whsec_c2FuZGJveC1wYXltZW50cy13ZWJob29rLXNlY3JldA==")


SANDBOX_PAYMENTS = PaymentsPartner(
    webhooks="sandbox-payments",
    name=NAME,
    settings=_Settings,
    connect=SandboxPayments,
    parse=parse_payment_event,
)
