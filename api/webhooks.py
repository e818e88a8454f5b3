"""HTTP for partners: what they tell us is verified, kept as it came, and applied later."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import orjson
from fastapi import APIRouter, Request
from pydantic import SecretStr

from api.deps import Books, Serving
from api.problems import BODY, problems
from api.settings import ApiSettings
from db.facts import record_fact
from domain.errors import Malformed, NotFound, Unauthenticated
from domain.ids import new_id
from domain.value import Value
from gateways.webhooks import BadSignature, verify
from telemetry import metrics

router = APIRouter(prefix="/webhooks", tags=["webhooks"])

SECRETS: dict[str, Callable[[ApiSettings], SecretStr]] = {
    "sandbox-carrier": lambda settings: settings.carrier_webhook_secret,
    "sandbox-payments": lambda settings: settings.payments_webhook_secret,
}
"""Who may tell us facts, and what their messages are signed with."""


class Received(Value):
    """The fact is kept; it is applied soon."""

    event_id: str
    repeated: bool


@router.post(
    "/{provider}",
    status_code=202,
    responses=problems(*BODY, Unauthenticated, NotFound, Malformed),
)
async def receive(provider: str, request: Request, serving: Serving, books: Books) -> Received:
    """Take a signed event (Standard Webhooks 1.0); the same event twice is kept once."""
    if provider not in SECRETS:
        raise NotFound(f"there is no partner {provider}")
    raw = await request.body()
    secret = SECRETS[provider](serving.settings).get_secret_value()
    try:
        event_id = verify(secret, request.headers, raw, datetime.now(UTC))
    except BadSignature as error:
        metrics.inbound_facts.labels(provider, "refused").inc()
        raise Unauthenticated(str(error)) from error
    payload = _object(raw)
    async with books.write_at_once() as db:
        new = await record_fact(
            db, new_id(), provider=provider, provider_event_id=event_id, payload=payload
        )
    request.app.state.doorbell.ring()
    metrics.inbound_facts.labels(provider, "stored" if new else "repeated").inc()
    return Received(event_id=event_id, repeated=not new)


def _object(raw: bytes) -> dict[str, Any]:
    try:
        payload = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise Malformed("the body is not JSON") from error
    if not isinstance(payload, dict):
        raise Malformed("the body is not a JSON object")
    return payload
