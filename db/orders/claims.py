"""Claiming the callers' keys for a batch of orders, inside the transaction that accepts them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from db.engine import to_json
from domain.errors import DomainError, KeyInProgress, KeyReused

CallerKey = tuple[str, str]


@dataclass(frozen=True)
class Claim:
    """A request's place in the idempotency record."""

    caller: str
    key: str
    route: str
    fingerprint: str
    resource_id: UUID


@dataclass(frozen=True)
class Earlier:
    """What an earlier request under the same key was answered."""

    resource_id: UUID
    answer: str


# A parallel request with the same key makes this wait until that one has committed or given up.
_CLAIM = text(
    """INSERT INTO idempotency_keys (caller, key, route, fingerprint, resource_id, state)
    SELECT caller, key, route, fingerprint, resource_id, 'running'
    FROM jsonb_to_recordset(CAST(:claims AS jsonb))
        AS c(caller text, key text, route text, fingerprint text, resource_id uuid)
    ORDER BY caller, key ON CONFLICT (caller, key) DO NOTHING RETURNING caller, key"""
)
_EARLIER = text(
    """SELECT k.caller, k.key, k.route, k.fingerprint, k.resource_id, k.state, k.answer
    FROM idempotency_keys k
    JOIN jsonb_to_recordset(CAST(:keys AS jsonb)) AS c(caller text, key text)
        ON k.caller = c.caller AND k.key = c.key"""
)
_FREE = text(
    """DELETE FROM idempotency_keys k
    USING jsonb_to_recordset(CAST(:keys AS jsonb)) AS c(caller text, key text)
    WHERE k.caller = c.caller AND k.key = c.key"""
)


async def claim_keys(
    db: AsyncConnection, claims: Sequence[Claim]
) -> dict[CallerKey, Earlier | DomainError]:
    """Claim each key for its request; return those taken before, with their answer or refusal."""
    inserted = await db.execute(_CLAIM, {"claims": to_json([vars(claim) for claim in claims])})
    ours = {(row.caller, row.key) for row in inserted}
    taken = {(c.caller, c.key): c for c in claims if (c.caller, c.key) not in ours}
    if not taken:
        return {}
    rows = await db.execute(
        _EARLIER, {"keys": to_json([{"caller": caller, "key": key} for caller, key in taken])}
    )
    found = {(row.caller, row.key): row for row in rows}
    return {place: _judge(claim, found.get(place)) for place, claim in taken.items()}


async def free_keys(db: AsyncConnection, keys: Sequence[CallerKey]) -> None:
    """Forget the claims of refused requests: a refusal changed nothing, so the key is free."""
    await db.execute(
        _FREE, {"keys": to_json([{"caller": caller, "key": key} for caller, key in keys])}
    )


def _judge(claim: Claim, row: Any) -> Earlier | DomainError:
    if row is None:
        return KeyInProgress("the request with this Idempotency-Key is being withdrawn; try again")
    if (row.route, row.fingerprint) != (claim.route, claim.fingerprint):
        return KeyReused("this Idempotency-Key belongs to a different request")
    if row.state != "done":
        return KeyInProgress("a request with this Idempotency-Key is still running")
    return Earlier(row.resource_id, row.answer)
