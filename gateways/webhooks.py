"""Verification of partners' webhooks by Standard Webhooks 1.0, and reading of what matters."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from pydantic import ValidationError

from domain.value import Name
from gateways.http import Answer

TOLERANCE = timedelta(minutes=5)
MAX_SIGNATURES = 10


class BadSignature(Exception):
    """The webhook is not genuine, or it is too old or too new to believe."""


class UnknownEvent(Exception):
    """The body is genuine, but what matters in it cannot be read: a person must look at it."""


class IrrelevantEvent(Exception):
    """The event is of a kind that is known and of no interest."""


def verify(secret: str, headers: Mapping[str, str], raw_body: bytes, now: datetime) -> str:
    """Return the event's id when one of its signatures is ours; otherwise raise BadSignature.

    The signature covers ``id.timestamp.body`` byte for byte (HMAC-SHA256, version ``v1``). While
    a secret is rotated a message carries several signatures; one match is enough. ``headers``
    must find names in lower case, as HTTP frameworks' headers do.
    """
    event_id = headers.get("webhook-id", "")
    sent_at = headers.get("webhook-timestamp", "")
    if not event_id or len(event_id) > 200:
        raise BadSignature("the webhook-id header is missing or too long")
    if not (sent_at.isascii() and sent_at.isdigit() and len(sent_at) <= 11):
        raise BadSignature("the webhook-timestamp header is missing or malformed")
    if abs(now - datetime.fromtimestamp(int(sent_at), UTC)) > TOLERANCE:
        raise BadSignature("the webhook-timestamp is more than five minutes away")
    try:
        message = f"{event_id}.{sent_at}.".encode() + raw_body
    except UnicodeEncodeError:
        raise BadSignature("the webhook-id header is malformed") from None
    expected = hmac.new(signing_key(secret), message, hashlib.sha256).digest()
    # Every signature is compared, so that the time taken tells nothing about which one matched.
    matches = [
        hmac.compare_digest(expected, signature)
        for signature in _signatures(headers.get("webhook-signature", ""))
    ]
    if not any(matches):
        raise BadSignature("no signature matches")
    return event_id


Event = TypeVar("Event", bound=Answer)


class _Typed(Answer):
    type: Name


def read_event(
    expected: type[Event], raw: bytes, *, irrelevant: Collection[str] = frozenset()
) -> Event:
    """Read a verified body; raises UnknownEvent, and IrrelevantEvent for the types named."""
    try:
        return expected.model_validate_json(raw)
    except ValidationError as error:
        with suppress(ValidationError):
            kind = _Typed.model_validate_json(raw).type
            if kind in irrelevant:
                raise IrrelevantEvent(f"{kind} is of no interest") from error
        raise UnknownEvent(short(error)) from error


def short(error: ValidationError) -> str:
    """Say where a body is wrong and why, in a line, without repeating what it holds."""
    problems = error.errors(include_input=False, include_url=False, include_context=False)
    return "; ".join(
        f"{'.'.join(map(str, each['loc'])) or 'body'}: {each['msg']}" for each in problems[:5]
    )[:1000]


def signing_key(secret: str) -> bytes:
    """Return the key of a secret (``whsec_`` and base64); raises ValueError when it is none."""
    encoded = secret.removeprefix("whsec_")
    try:
        key = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except (ValueError, binascii.Error):
        raise ValueError("a webhook secret is whsec_ and base64") from None
    if not key:
        raise ValueError("a webhook secret must not be empty")
    return key


def _signatures(header: str) -> Iterator[bytes]:
    for versioned in header.split(" ")[:MAX_SIGNATURES]:
        version, _, encoded = versioned.partition(",")
        if version == "v1":
            with suppress(ValueError):
                yield base64.b64decode(encoded, validate=True)
