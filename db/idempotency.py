"""Answers remembered per caller and Idempotency-Key."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple, cast
from uuid import UUID

from sqlalchemy import ColumnElement, Index, and_, delete, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import Mapped, mapped_column

from db.metadata import Base, one_of
from domain.errors import DomainError, KeyInProgress, KeyReused

TAKEN_OVER_AFTER = timedelta(seconds=60)
"""A request that has been running for this long is dead.

Longer than any request may take (``STATESET_REQUEST_TIMEOUT``) and the freeing of its key after it.
"""


class IdempotencyRow(Base):
    """One request of one caller: what was asked, and once it succeeded, what was answered."""

    __tablename__ = "idempotency_keys"
    __table_args__ = (
        one_of("state", ("running", "done")),
        Index("ix_idempotency_keys_created_at", "created_at"),
        # Emptied and given back to the last page, it would be planned for as if it stayed empty.
        {"postgresql_with": {"vacuum_truncate": "off"}},
    )

    caller: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    route: Mapped[str]
    fingerprint: Mapped[str]
    resource_id: Mapped[UUID]
    state: Mapped[str]
    status: Mapped[int | None]
    answer: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


CallerKey = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Claim:
    """A request's place in the idempotency record: who asks under which key, and for what.

    The release before named callers and fingerprints in another way. Its rows are found by the
    ``former`` names for the 72 hours that they live, so that a repeat after an upgrade is one too.
    """

    caller: str
    key: str
    route: str
    fingerprint: str
    former_caller: str | None = None
    former_fingerprint: str | None = None
    customer_id: UUID | None = None
    """The only customer of a caller who has one; the former names do not tell customers apart."""

    @property
    def place(self) -> CallerKey:
        """What no other request may use."""
        return self.caller, self.key

    @property
    def places(self) -> Sequence[CallerKey]:
        """Where its row may be: its place, and the one that the release before gave it."""
        if self.former_caller is None:
            return (self.place,)
        return self.place, (self.former_caller, self.key)


@dataclass(frozen=True, slots=True)
class Answer:
    """A request's answer as its key keeps it: the id of what was made, and JSON text.

    ``replayed`` when an earlier request under the same key was given it.
    """

    resource_id: UUID
    body: str
    status: int
    replayed: bool


# A row of the release before is met as a conflict, like any other.
_INSERT = """INSERT INTO idempotency_keys AS k
        (caller, key, route, fingerprint, resource_id, state)
    SELECT coalesce(former.caller, :caller), :key, :route,
        CASE WHEN former.caller IS NULL THEN :fingerprint ELSE :former_fingerprint END,
        CAST(:resource_id AS uuid), 'running'
    FROM (SELECT CAST(:key AS text) AS key) AS asked LEFT JOIN idempotency_keys AS former
        ON former.caller = CAST(:former_caller AS text) AND former.key = asked.key
    ON CONFLICT (caller, key)"""

# A parallel request with the same key makes this wait until that one has committed or given up.
_CLAIM = text(f"{_INSERT} DO NOTHING RETURNING true")


async def claim_key(
    db: AsyncConnection, claim: Claim, resource_id: UUID
) -> Answer | DomainError | None:
    """Claim a key inside the transaction that it is for; None when that was possible.

    Otherwise what the earlier request was answered, or the refusal of this one.
    """
    given = {**asdict(claim), "resource_id": resource_id}
    if (await db.execute(_CLAIM, given)).scalar_one_or_none():
        return None
    row = await find_key(db, claim)
    if row is None:
        return KeyInProgress("the request with this Idempotency-Key is being withdrawn; try again")
    return known_answer(row, claim)


def known_answer(row: Mapping[str, Any], claim: Claim) -> Answer | DomainError:
    """Return what a key's row means for this request: the first answer, or a refusal."""
    ours = row["caller"] == claim.caller
    asked = claim.fingerprint if ours else claim.former_fingerprint
    if (row["route"], row["fingerprint"]) != (claim.route, asked):
        return KeyReused("this Idempotency-Key belongs to a different request")
    if row["state"] != "done":
        return KeyInProgress("a request with this Idempotency-Key is still running")
    if not ours and claim.customer_id and str(claim.customer_id) not in row["answer"]:
        return KeyReused("this Idempotency-Key belongs to another customer's request")
    return Answer(UUID(str(row["resource_id"])), row["answer"], row["status"], replayed=True)


_CLAIM_OR_TAKE_OVER = text(
    f"""{_INSERT} DO UPDATE SET created_at = now()
        WHERE k.state = 'running' AND k.route = excluded.route
            AND k.fingerprint = excluded.fingerprint
            AND k.created_at < now() - CAST(:patience AS interval)
    RETURNING resource_id, created_at"""
)


class Claimed(NamedTuple):
    """A claim that is ours, or was taken over: what it makes, and what proves it."""

    resource_id: UUID
    """The id to use, which a takeover inherits."""
    created_at: datetime


async def claim_or_take_over(
    db: AsyncConnection, claim: Claim, resource_id: UUID
) -> Claimed | None:
    """Claim a key, or one whose request died; None when another request has it."""
    given = {**asdict(claim), "resource_id": resource_id, "patience": TAKEN_OVER_AFTER}
    found = (await db.execute(_CLAIM_OR_TAKE_OVER, given)).one_or_none()
    return None if found is None else Claimed(*found)


async def find_key(db: AsyncConnection, claim: Claim) -> Mapping[str, Any] | None:
    """Return what is known of a claim's key."""
    own_first = (IdempotencyRow.caller == claim.caller).desc()
    query = select(IdempotencyRow.__table__).where(_of(claim)).order_by(own_first)
    return cast(Mapping[str, Any] | None, (await db.execute(query)).mappings().first())


async def complete(
    db: AsyncConnection,
    claim: Claim,
    *,
    status: int,
    answer: str,
    claimed_at: datetime | None = None,
) -> None:
    """Keep the answer of a claimed request.

    With ``claimed_at``, when the claim was committed before: silent if it was taken over meanwhile.
    """
    change = (
        update(IdempotencyRow).where(_of(claim)).values(state="done", status=status, answer=answer)
    )
    if claimed_at is not None:
        change = change.where(IdempotencyRow.created_at == claimed_at)
    await db.execute(change)


async def free(db: AsyncConnection, claim: Claim, *, claimed_at: datetime) -> None:
    """Forget a claimed request that was refused or failed, so that the key can be used again."""
    await db.execute(
        delete(IdempotencyRow).where(
            _of(claim),
            IdempotencyRow.created_at == claimed_at,
            IdempotencyRow.state == "running",
        )
    )


async def leave(db: AsyncConnection, claim: Claim, *, claimed_at: datetime) -> None:
    """Leave a claimed request, of which nobody knows what became, to be taken over at once."""
    await db.execute(
        update(IdempotencyRow)
        .where(
            _of(claim),
            IdempotencyRow.created_at == claimed_at,
            IdempotencyRow.state == "running",
        )
        .values(created_at=func.now() - TAKEN_OVER_AFTER - timedelta(seconds=1))
    )


def _of(claim: Claim) -> ColumnElement[bool]:
    callers = [caller for caller, _ in claim.places]
    return and_(IdempotencyRow.caller.in_(callers), IdempotencyRow.key == claim.key)


_EXPIRED = text(
    """SELECT caller, key FROM idempotency_keys
    WHERE created_at < now() - CAST(:kept AS interval) ORDER BY created_at LIMIT :limit"""
)
_DROP_EXPIRED = text(
    """DELETE FROM idempotency_keys WHERE (caller, key) IN (
        SELECT k.caller, k.key FROM idempotency_keys k
        JOIN unnest(CAST(:callers AS text[]), CAST(:keys AS text[])) AS x(caller, key)
            ON k.caller = x.caller AND k.key = x.key
        WHERE k.created_at < now() - CAST(:kept AS interval) FOR UPDATE OF k SKIP LOCKED)"""
)


async def find_expired(db: AsyncConnection, limit: int, kept: timedelta) -> Sequence[CallerKey]:
    """Return keys that have been kept long enough, the oldest first."""
    found = await db.execute(_EXPIRED, {"limit": limit, "kept": kept})
    return [(row.caller, row.key) for row in found]


async def drop_expired(db: AsyncConnection, keys: Sequence[CallerKey], kept: timedelta) -> int:
    """Forget those of the keys that have been kept long enough; return how many."""
    callers, names = [caller for caller, _ in keys], [key for _, key in keys]
    given = {"callers": callers, "keys": names, "kept": kept}
    return (await db.execute(_DROP_EXPIRED, given)).rowcount
