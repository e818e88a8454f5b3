"""Claims in the books: what judging looks at, what is open on the same goods, and their returns."""

from collections.abc import Mapping
from datetime import date
from typing import Any, NamedTuple, cast
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from db.claims.tables import ClaimRow
from db.documents import CLAIMS
from db.returns.tables import ReturnRow
from domain.access import EVERYTHING, Reach
from domain.errors import NotFound
from domain.warranties.terms import Settlement

# Approved ones count before they are settled: of several units at once no more are promised.
# What replaces goods has what was left of their promise; under a fresh term it has all of it anew.
_APPROVED = """(WITH RECURSIVE promised AS (
            SELECT w.id, w.unit_id, w.replaces_id, w.term_id
            UNION SELECT f.id, f.unit_id, f.replaces_id, f.term_id FROM promised p
            JOIN warranty_terms r ON r.id = p.term_id AND r.replacement_rule <> 'fresh'
            JOIN warranties f ON f.id = p.replaces_id)
        SELECT count(*) FROM claims c WHERE c.status IN ('approved', 'settled')
            AND c.customer_id = w.customer_id AND EXISTS (SELECT FROM promised p
                WHERE c.warranty_id = p.id OR c.unit_id = p.unit_id AND c.warranty_id IN (
                    SELECT x.id FROM warranties x WHERE x.term_code = w.term_code)))"""
_LOOKED_AT = text(
    f"""SELECT w.status, w.starts_on, w.ends_on, w.quantity - w.cancelled AS left,
        t.excluded_symptoms, t.evidence_for, t.max_claims, t.settle_by,
        t.auto_limit_amount, t.auto_limit_currency,
        CASE o.kind WHEN 'standard' THEN l.total_amount END, l.quantity AS bought, o.currency,
        coalesce(u.holder_customer_id <> w.customer_id, false) AS holder_differs,
        {_APPROVED} AS approved
    FROM warranties w JOIN warranty_terms t ON t.id = w.term_id
    LEFT JOIN order_lines l ON l.id = w.order_line_id LEFT JOIN orders o ON o.id = l.order_id
    LEFT JOIN units u ON u.id = w.unit_id WHERE w.id = :warranty"""
)


EVIDENCE = """SELECT c.id, c.created_at AS since, false AS abroad, jsonb_build_object(
        'claim', c.number, 'order_id', c.order_id, 'evidence_due_at', c.evidence_due_at) AS facts
    FROM claims c WHERE c.evidence_due_at IS NOT NULL"""
"""Selects claims that wait for what shows their fault."""


_SETTLED_BY = text(
    """SELECT t.settle_by FROM claims c JOIN warranties w ON w.id = c.warranty_id
    JOIN warranty_terms t ON t.id = w.term_id WHERE c.id = :claim"""
)


async def settled_by(db: AsyncConnection, claim_id: UUID) -> list[Settlement]:
    """Return how the term settles a claim that it was made under, the preferred way first."""
    found = (await db.execute(_SETTLED_BY, {"claim": claim_id})).scalar_one()
    return [Settlement(each) for each in found]


class LookedAt(NamedTuple):
    """What the books say of a warranty that is claimed: its days, its term, its goods."""

    status: str
    starts_on: date
    ends_on: date | None
    left: int
    """Units that are under the warranty, or were until it was taken back."""
    excluded_symptoms: list[str]
    evidence_for: list[str]
    max_claims: int | None
    settle_by: list[str]
    auto_limit_amount: int | None
    auto_limit_currency: str | None
    total_amount: int | None
    """What the line of the order cost, for all of its ``bought`` units; None for a replacement."""
    bought: int | None
    currency: str | None
    holder_differs: bool
    approved: int


async def looked_at(db: AsyncConnection, warranty_id: UUID) -> LookedAt:
    """Return what judging a claim on a warranty looks at."""
    return LookedAt(*(await db.execute(_LOOKED_AT, {"warranty": warranty_id})).one())


class Open(NamedTuple):
    """A claim that is on its way, and how many units it is about."""

    id: UUID
    quantity: int


async def find_open(db: AsyncConnection, warranty_id: UUID, unit_id: UUID | None) -> list[Open]:
    """Return the claims that are on their way on a locked warranty, or on its unit."""
    same = ClaimRow.warranty_id == warranty_id if unit_id is None else ClaimRow.unit_id == unit_id
    query = select(ClaimRow.id, ClaimRow.quantity).where(same, ClaimRow.status.in_(CLAIMS.running))
    return [Open(*row) for row in await db.execute(query.order_by(ClaimRow.id))]


async def write_claim(db: AsyncConnection, values: Mapping[str, Any], actor: str) -> ClaimRow:
    """Write a new claim with its first event."""
    query = insert(ClaimRow).values(**values).returning(ClaimRow.__table__)
    made = cast(ClaimRow, (await db.execute(query)).one())
    told = {
        "warranty_id": made.warranty_id,
        "customer_id": made.customer_id,
        "order_id": made.order_id,
        "failed_on": made.failed_on,
        "symptom": made.symptom,
        "quantity": made.quantity,
    }
    await CLAIMS.add_event(db, made, CLAIMS.made, actor, told)
    return made


_SOURCE = text("SELECT source FROM orders WHERE id = :order")


async def lock_claim(db: AsyncConnection, claim_id: UUID, reach: Reach = EVERYTHING) -> ClaimRow:
    """Lock and return a claim; raise NotFound, also out of ``reach``."""
    found = await CLAIMS.lock(db, claim_id)
    source = None
    if reach.source is not None:
        source = (await db.execute(_SOURCE, {"order": found.order_id})).scalar_one_or_none()
    if not reach.covers(found.customer_id, source):
        raise NotFound(f"there is no claim {claim_id}")
    return found


async def find_returns(db: AsyncConnection, claim_id: UUID) -> list[ReturnRow]:
    """Return the returns under which a claim's goods came in, the newest first."""
    query = select(ReturnRow.__table__).where(ReturnRow.claim_id == claim_id)
    found = await db.execute(query.order_by(ReturnRow.id.desc()))
    return cast(list[ReturnRow], list(found.all()))
