"""HTTP for partners: what they tell us is verified, kept as it came, and applied later."""

import asyncio
import json
import re
from collections import deque
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, cast

import orjson
from fastapi import APIRouter, Path, Request

from api.deps import Serving
from api.problems import BODY, problems
from db.engine import Database, to_json
from db.facts import Fact, record_facts
from db.failures import Trouble, diagnose
from domain.errors import Malformed, NotFound, Unauthenticated
from domain.ids import new_id
from domain.value import Value
from gateways.partners import PARTNERS
from gateways.telling import without_nul
from gateways.webhooks import BadSignature
from telemetry import metrics, tracing

router = APIRouter(prefix="/webhooks", tags=["webhooks"])

LARGEST_BATCH = 100
_LONG_NUMBER = re.compile(rb"[0-9]{19}")
_LONGEST_KEPT = 20
"""Digits, or a sign and digits, of the longest numbers of 64 bits."""
_SIGNED: dict[str, Any] = {
    "parameters": [
        {
            "name": f"webhook-{part}",
            "in": "header",
            "description": f"{told}, of partners that sign by Standard Webhooks 1.0.",
            "schema": {"type": "string"},
        }
        for part, told in (
            ("id", "The event's own id, the same whenever it is sent again"),
            ("timestamp", "When it was sent, in seconds since 1970"),
            ("signature", "`v1,` and the HMAC-SHA256 of id, timestamp and body, in base64"),
        )
    ],
    "requestBody": {
        "description": "The event as its partner signed it, byte for byte.",
        "required": True,
        "content": {
            "application/json": {
                "schema": {"type": "object", "description": "In the partner's own form."}
            }
        },
    },
}
"""What is read of a request past the framework, because each byte counts."""


class WebhookInbox:
    """Keeps by one statement what came while the one before ran; a lone fact waits for no other.

    Durability is that of a statement of one's own: the answer comes after the commit.
    """

    def __init__(self, books: Database) -> None:
        """Keep facts in these books."""
        self._books = books
        self._waiting: deque[tuple[Fact, asyncio.Future[bool]]] = deque()
        self._writing: asyncio.Task[None] | None = None

    async def add(self, fact: Fact) -> bool:
        """Keep a fact; return whether it is new when that is committed."""
        kept: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append((fact, kept))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())
        return await kept

    async def _write(self) -> None:
        while self._waiting:
            many = min(len(self._waiting), LARGEST_BATCH)
            await self._record([self._waiting.popleft() for _ in range(many)])

    async def _record(self, batch: Sequence[tuple[Fact, asyncio.Future[bool]]]) -> None:
        try:
            async with self._books.write_at_once() as db:
                new = await record_facts(db, [fact for fact, _ in batch])
        except Exception as error:
            if len(batch) > 1 and diagnose(error) is not Trouble.DOWN:
                # One bad fact must not fail the others.
                for one in batch:
                    await self._record([one])
                return
            for _, kept in batch:
                if not kept.done():
                    kept.set_exception(error)
            return
        for fact, kept in batch:
            if not kept.done():
                kept.set_result(fact.id in new)


class Received(Value):
    """The fact is kept; it is applied soon."""

    event_id: str
    """The partner's own id of it, from `webhook-id`."""
    repeated: bool
    """Whether it had come before; it is kept once."""


@router.post(
    "/{provider}",
    status_code=202,
    responses=problems(*BODY, Unauthenticated, NotFound, Malformed),
    openapi_extra=_SIGNED,
)
async def receive(
    provider: Annotated[str, Path(description="The partner's name, such as `sandbox-carrier`.")],
    request: Request,
    serving: Serving,
) -> Received:
    """Take an event signed by a partner; the same event twice is kept once."""
    partner = PARTNERS.get(provider)
    if partner is None:
        raise NotFound(f"there is no partner {provider}")
    raw = await request.body()
    secret = serving.settings.partners[provider].webhook_secret.get_secret_value()
    try:
        event_id = partner.verify(secret, request.headers, raw, datetime.now(UTC))
    except BadSignature as error:
        metrics.inbound_facts.labels(provider, "refused").inc()
        raise Unauthenticated(str(error)) from error
    request.scope["state"]["known"] = True
    await request.app.state.admission.admit_partner(provider, request.scope)
    payload = _storable(raw)
    inbox: WebhookInbox = request.app.state.inbox
    new = await inbox.add(Fact(new_id(), provider, event_id, payload, tracing.carried()))
    request.app.state.notifier.notify()
    metrics.inbound_facts.labels(provider, "stored" if new else "repeated").inc()
    return Received(event_id=event_id, repeated=not new)


def _storable(raw: bytes) -> dict[str, Any]:
    """Return a genuine body as it came, but for NUL; as text, where it is no storable object.

    A number that is too large to be kept as one is kept as text, digit by digit.

    Refused, its partner would send it for ever; kept, it becomes a task.
    """
    try:
        payload = _exact(raw) if _LONG_NUMBER.search(raw) else orjson.loads(raw)
        # As facts are written: what is nested almost too deeply is too deep within a list of them.
        to_json([{"payload": payload}])
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        payload = None
    if not isinstance(payload, dict):
        text = raw.decode("utf-8", "replace")
        return {"unreadable": without_nul(text)}
    return cast(dict[str, Any], _without_nul(payload)) if b"\\u0000" in raw else payload


def _exact(raw: bytes) -> Any:
    """Read JSON as orjson does, but for whole numbers beyond 64 bits, which that one rounds."""
    read = orjson.loads(raw)
    try:
        return json.loads(raw, parse_int=_whole)
    except RecursionError:
        return read


def _whole(digits: str) -> int | str:
    number = int(digits) if len(digits) <= _LONGEST_KEPT else None
    return number if number is not None and -(2**63) <= number < 2**64 else digits


def _without_nul(value: Any) -> Any:
    if isinstance(value, str):
        return without_nul(value)
    if isinstance(value, list):
        return [_without_nul(each) for each in value]
    if isinstance(value, dict):
        return {_without_nul(name): _without_nul(each) for name, each in value.items()}
    return value
