"""Tries of refunds: taken back by the provider and not confirmed again, or pending there."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ARRAY, String, bindparam, text
from sqlalchemy.ext.asyncio import AsyncConnection

from db.refunds.tables import RefundRow
from domain.payments import refund_key
from domain.refunds.attempts import after_all_key

_TAKEN_BACK = text(
    f"""SELECT e.key FROM payment_entries e
    WHERE e.key = ANY(:keys) AND e.phase = 'reversed' AND NOT EXISTS (
        SELECT FROM payment_entries a WHERE a.key = e.key || '{after_all_key("")}')
    ORDER BY e.id"""
).bindparams(bindparam("keys", type_=ARRAY(String)))

PENDING = """EXISTS (SELECT FROM events v WHERE v.subject_id = r.id AND v.type = 'refund.pending.v1'
    AND CAST(v.data ->> 'attempt' AS integer) = r.attempt)"""
"""The condition that the provider has said of a refund ``r`` that its try is under way there."""
UNSETTLED = f"""SELECT r.id, r.submitted_at AS since, {PENDING} AS abroad, jsonb_build_object(
        'refund', r.number, 'order_id', r.order_id, 'pending', {PENDING}, 'amount',
        jsonb_build_object('amount', r.amount, 'currency', r.currency)) AS facts
    FROM refunds r WHERE r.status = 'submitted' AND NOT EXISTS (SELECT 1 FROM tasks t
        WHERE t.document_id = r.id AND t.kind = 'payment_mismatch' AND t.status = 'open')"""
"""Selects refunds that wait for the provider's answer, as deadlines are looked at."""
_PENDING = text(
    f"SELECT EXISTS (SELECT FROM refunds r WHERE r.id = :refund AND r.status = 'submitted'"
    f" AND {PENDING})"
)

_BY_REFERENCE = text(
    """SELECT key FROM payment_entries WHERE payment_id = :payment AND kind = :kind
    AND phase = 'succeeded' AND provider_reference = :reference ORDER BY id LIMIT 1"""
)


async def key_of(db: AsyncConnection, payment_id: UUID, kind: str, reference: str) -> str | None:
    """Return the key of what a provider did under this name of its own; None when that is new."""
    given = {"payment": payment_id, "kind": kind, "reference": reference}
    return (await db.execute(_BY_REFERENCE, given)).scalar_one_or_none()


async def is_pending(db: AsyncConnection, refund_id: UUID) -> bool:
    """Whether the provider has said that a refund's try is under way there."""
    return bool((await db.execute(_PENDING, {"refund": refund_id})).scalar_one())


async def taken_back(db: AsyncConnection, refund: RefundRow) -> Sequence[str]:
    """Return the keys of a refund's tries that had succeeded and have failed since."""
    if refund.failed_at is None:
        return ()
    keys = [refund_key(refund.id, nth) for nth in range(1, refund.attempt + 1)]
    return (await db.execute(_TAKEN_BACK, {"keys": keys})).scalars().all()
