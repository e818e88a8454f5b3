"""Stock counts: their tables, what the books expect, and what is found by id or in lists."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, cast
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Row,
    Select,
    func,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import Mapped, mapped_column

from db.engine import to_json
from db.inventory.movements import Place
from db.inventory.past import MOVED_SINCE
from db.metadata import Base, Id, Quantity, numbered, one_of
from domain.counts import CountStatus
from domain.errors import NotFound


class CountRow(Base):
    """What a person has counted, and whether it stands."""

    __tablename__ = "counts"
    __table_args__ = (
        one_of("status", CountStatus),
        Index("ix_counts_status", "status", "id"),
    )

    id: Mapped[Id]
    number: Mapped[str] = numbered("CNT", "count_numbers")
    status: Mapped[str]
    counted_by: Mapped[str]
    note: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    decided_by: Mapped[str | None]
    """Who accepted or discarded it; None of one that agreed with the books."""
    ended_at: Mapped[datetime | None]


class CountLineRow(Base):
    """How much of one balance a count has found, and what the books expected there then."""

    __tablename__ = "count_lines"
    __table_args__ = (
        CheckConstraint("counted >= 0", name="counted"),
        ForeignKeyConstraint(["item_id", "lot_id"], ["lots.item_id", "lots.id"]),
        Index("ix_count_lines_count", "count_id", "position"),
        # A balance is counted once at a moment; what is late looks here for the count after it.
        Index(
            "uq_count_lines_posted",
            "item_id",
            "location_id",
            "lot_id",
            "counted_at",
            unique=True,
            postgresql_where=text("posted_at IS NOT NULL"),
            postgresql_nulls_not_distinct=True,
        ),
    )

    id: Mapped[Id]
    count_id: Mapped[UUID] = mapped_column(ForeignKey("counts.id"))
    position: Mapped[int]
    item_id: Mapped[UUID] = mapped_column(ForeignKey("items.id"))
    location_id: Mapped[UUID] = mapped_column(ForeignKey("locations.id"))
    lot_id: Mapped[UUID | None]
    counted: Mapped[Quantity]
    counted_at: Mapped[datetime]
    expected: Mapped[Quantity]
    posted_at: Mapped[datetime | None]


_EXPECTED = text(
    f"""SELECT p.position, b.on_hand - {MOVED_SINCE.format("p.counted_at")} AS expected
    FROM jsonb_to_recordset(CAST(:places AS jsonb)) AS p(position int, item_id uuid,
        location_id uuid, lot_id uuid, counted_at timestamptz)
    JOIN balances b ON b.item_id = p.item_id AND b.location_id = p.location_id
        AND b.lot_id IS NOT DISTINCT FROM p.lot_id"""
)
_LINES = text(
    """SELECT c.*, i.sku, p.code AS location, s.code AS site, t.code AS lot
    FROM count_lines c JOIN items i ON i.id = c.item_id JOIN locations p ON p.id = c.location_id
        LEFT JOIN sites s ON s.id = p.site_id LEFT JOIN lots t ON t.id = c.lot_id
    WHERE c.count_id = :count ORDER BY c.position"""
)
_POSTED = text(
    """UPDATE count_lines c SET posted_at = now(), expected = g.expected
    FROM jsonb_to_recordset(CAST(:lines AS jsonb)) AS g(id uuid, expected numeric)
    WHERE c.id = g.id"""
)


async def get_expected(db: AsyncConnection, places: Sequence[Place]) -> list[Decimal]:
    """Return what the books say was at these places, of locked balances, when they were counted."""
    given = [
        {
            "position": position,
            "item_id": place.item_id,
            "location_id": place.location_id,
            "lot_id": place.lot_id,
            "counted_at": place.counted_at,
        }
        for position, place in enumerate(places)
    ]
    rows = await db.execute(_EXPECTED, {"places": to_json(given)})
    found = {row.position: row.expected for row in rows}
    return [found[position] for position in range(len(places))]


async def add_count(
    db: AsyncConnection,
    count_id: UUID,
    lines: Sequence[Mapping[str, Any]],
    *,
    counted_by: str,
    note: str,
) -> str:
    """Add a count in review with its lines, and return its number."""
    values = {"id": count_id, "status": CountStatus.REVIEW, "counted_by": counted_by, "note": note}
    added = await db.execute(insert(CountRow).values(**values).returning(CountRow.number))
    number: str = added.scalar_one()
    await db.execute(insert(CountLineRow), [{"count_id": count_id, **line} for line in lines])
    return number


async def lock_count(db: AsyncConnection, count_id: UUID) -> CountRow:
    """Lock and return a count; raise NotFound."""
    query = select(CountRow.__table__).where(CountRow.id == count_id).with_for_update()
    found = (await db.execute(query)).one_or_none()
    if found is None:
        raise NotFound(f"there is no count {count_id}")
    return cast(CountRow, found)


async def get_count(db: AsyncConnection, count_id: UUID) -> CountRow:
    """Return a count; raise NotFound."""
    query = select(CountRow.__table__).where(CountRow.id == count_id)
    found = (await db.execute(query)).one_or_none()
    if found is None:
        raise NotFound(f"there is no count {count_id}")
    return cast(CountRow, found)


async def lines_of(db: AsyncConnection, count_id: UUID) -> Sequence[Row[Any]]:
    """Return a count's lines in their order, with the names of what they are about."""
    return (await db.execute(_LINES, {"count": count_id})).all()


async def post_lines(db: AsyncConnection, expected: Mapping[UUID, Decimal]) -> None:
    """Have lines stand, with what the books expected of each."""
    given = [{"id": line, "expected": was} for line, was in expected.items()]
    await db.execute(_POSTED, {"lines": to_json(given)})


async def end_count(
    db: AsyncConnection, count_id: UUID, status: CountStatus, *, decided_by: str | None
) -> None:
    """Write how a count in review has ended."""
    ended = update(CountRow).where(CountRow.id == count_id)
    await db.execute(ended.values(status=status, decided_by=decided_by, ended_at=func.now()))


def search_counts(*, status: str | None = None, number: str | None = None) -> Select[Any]:
    """Select counts."""
    wanted = ((status, CountRow.status == status), (number, CountRow.number == number))
    conditions = (condition for value, condition in wanted if value is not None)
    return select(CountRow.__table__).where(*conditions)
