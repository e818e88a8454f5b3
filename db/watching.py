"""What is written down for operators: when the books were checked, and how partners answer."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Identity, func, insert, select, text, true
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import Mapped, aliased, mapped_column

from db.metadata import Base
from db.verify.mark import Mark
from telemetry.partners import Contact


class VerificationRow(Base):
    """One check of these books by ``stateset verify``, and how it ended."""

    __tablename__ = "verifications"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    ended_at: Mapped[datetime] = mapped_column(server_default=func.now())
    took: Mapped[timedelta]
    checks: Mapped[int]
    """How many rules were checked."""
    broken: Mapped[list[str]]
    """The names of those that do not hold."""
    whole: Mapped[bool] = mapped_column(server_default=true())
    """Whether all books were checked, or only what had changed since they were sound."""
    position: Mapped[int | None] = mapped_column(BigInteger)
    """Of the feed: what came before it had been seen."""
    since: Mapped[datetime | None]
    """What was recorded before it had been seen."""
    known: Mapped[list[str]] = mapped_column(server_default="[]")
    """The names of the rules that were checked; another one was never held against old books."""


WHOLE = aliased(VerificationRow)


class PartnerHealthRow(Base):
    """When any worker last heard a partner, and last failed to."""

    __tablename__ = "partner_health"

    partner: Mapped[str] = mapped_column(primary_key=True)
    answered_at: Mapped[datetime | None]
    failed_at: Mapped[datetime | None]
    failure: Mapped[str | None]
    """What went wrong when it last did."""


async def record_verification(
    db: AsyncConnection,
    *,
    took: timedelta,
    checks: int,
    broken: list[str],
    whole: bool,
    mark: Mark | None,
) -> None:
    """Write down that the books were checked, and up to where."""
    values = {"took": took, "checks": checks, "broken": broken, "whole": whole}
    await db.execute(insert(VerificationRow).values(**values, **(vars(mark) if mark else {})))


_MARK = text("""SELECT position, since, known FROM verifications
    WHERE broken = '[]' AND position IS NOT NULL ORDER BY id DESC LIMIT 1""")


async def find_mark(db: AsyncConnection) -> Mark | None:
    """Return up to where the books were sound; None where they never were found so.

    What was broken when they were last checked is not known to hold.
    """
    found = (await db.execute(_MARK)).one_or_none()
    if found is None:
        return None
    last = await last_verification(db)
    doubtful = set(last["broken"]) if last else set()
    return Mark(found.position, found.since, sorted({*found.known} - doubtful))


_LAST = (
    select(
        VerificationRow.ended_at,
        VerificationRow.took,
        VerificationRow.checks,
        VerificationRow.broken,
        VerificationRow.whole.label("full"),
        select(func.max(WHOLE.ended_at)).where(WHOLE.whole).scalar_subquery().label("full_at"),
    )
    .order_by(VerificationRow.id.desc())
    .limit(1)
)


async def last_verification(db: AsyncConnection) -> Mapping[str, Any] | None:
    """Return when the books were last checked and what was found; None when they never were."""
    found = (await db.execute(_LAST)).mappings().one_or_none()
    return None if found is None else dict(found)


_RECORD = text("""
INSERT INTO partner_health AS h (partner, answered_at, failed_at, failure)
VALUES (:partner, :answered_at, :failed_at, :failure)
ON CONFLICT (partner) DO UPDATE SET
    answered_at = greatest(h.answered_at, excluded.answered_at),
    failed_at = greatest(h.failed_at, excluded.failed_at),
    failure = CASE WHEN excluded.failed_at > h.failed_at OR h.failed_at IS NULL
        THEN excluded.failure ELSE h.failure END
""")


async def record_contact(db: AsyncConnection, partner: str, contact: Contact) -> None:
    """Write down how a partner answered this process; what another one knows better stays."""
    await db.execute(_RECORD, {"partner": partner, **vars(contact)})


async def partner_health(db: AsyncConnection) -> list[Mapping[str, Any]]:
    """Return how each partner that was ever called has answered."""
    query = select(PartnerHealthRow.__table__).order_by(PartnerHealthRow.partner)
    return [dict(row) for row in (await db.execute(query)).mappings()]
