"""Holds: reasons to stop a document, set and lifted by a person or a rule."""

from datetime import datetime
from typing import cast
from uuid import UUID

from sqlalchemy import Index, bindparam, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import Mapped, mapped_column

from db.metadata import Base, Id, one_of
from domain.documents import Document
from domain.errors import NotFound
from domain.holds import HoldPlacement, HoldReason, HoldRelease, already_held


class HoldRow(Base):
    """One reason to stop; open until released, at most one open per document and reason."""

    __tablename__ = "holds"
    __table_args__ = (
        one_of("reason", HoldReason),
        Index(
            "uq_holds_open",
            "document_id",
            "reason",
            unique=True,
            postgresql_where=text("released_at IS NULL"),
        ),
    )

    id: Mapped[Id]
    document_type: Mapped[str]
    document_id: Mapped[UUID]
    reason: Mapped[str]
    note: Mapped[str]
    placed_by: Mapped[str]
    placed_at: Mapped[datetime] = mapped_column(server_default=func.now())
    released_by: Mapped[str | None]
    released_at: Mapped[datetime | None]


async def record_hold(db: AsyncConnection, placement: HoldPlacement) -> bool:
    """Open a hold; return False when one with this reason is open already."""
    document = placement.document
    added = await db.execute(
        insert(HoldRow)
        .values(
            id=placement.hold_id,
            document_type=document.kind,
            document_id=document.id,
            reason=placement.reason,
            note=placement.note,
            placed_by=placement.actor,
        )
        .on_conflict_do_nothing()
        .returning(HoldRow.id)
    )
    return added.one_or_none() is not None


async def release_hold(db: AsyncConnection, release: HoldRelease) -> str | None:
    """Close an open hold and return its reason; None when it was not open."""
    closed = await db.execute(
        update(HoldRow)
        .where(
            HoldRow.id == release.hold_id,
            HoldRow.document_id == release.document.id,
            HoldRow.released_at.is_(None),
        )
        .values(released_at=func.now(), released_by=release.actor)
        .returning(HoldRow.reason)
    )
    return closed.scalar_one_or_none()


_RELEASE_ALL = (
    update(HoldRow)
    .where(HoldRow.document_id == bindparam("held"), HoldRow.released_at.is_(None))
    .values(released_at=func.now(), released_by=bindparam("actor"))
    .returning(HoldRow.id, HoldRow.reason)
)


async def release_all(db: AsyncConnection, document_id: UUID, actor: str) -> dict[UUID, str]:
    """Close every open hold of a locked document; return their reasons by id."""
    closed = await db.execute(_RELEASE_ALL, {"held": document_id, "actor": actor})
    return {row.id: row.reason for row in closed}


async def is_held(db: AsyncConnection, document_id: UUID, *, but: UUID | None = None) -> bool:
    """Whether an open hold stops the document; another one than ``but``, if that is given."""
    query = select(HoldRow.id).where(
        HoldRow.document_id == document_id, HoldRow.released_at.is_(None)
    )
    if but is not None:
        query = query.where(HoldRow.id != but)
    return bool((await db.execute(select(query.exists()))).scalar_one())


async def open_hold(
    db: AsyncConnection, document: Document, reason: HoldReason, *, placed_by: str | None = None
) -> UUID | None:
    """Return the id of the hold that stops the document for this reason, if there is one.

    Only one that ``placed_by`` has placed, if that is given.
    """
    query = select(HoldRow.id).where(
        HoldRow.document_id == document.id,
        HoldRow.reason == reason,
        HoldRow.released_at.is_(None),
    )
    if placed_by is not None:
        query = query.where(HoldRow.placed_by == placed_by)
    return (await db.execute(query)).scalar_one_or_none()


async def change_note(db: AsyncConnection, hold_id: UUID, note: str) -> None:
    """Say anew why an open hold stops its document."""
    await db.execute(update(HoldRow).where(HoldRow.id == hold_id).values(note=note))


async def find_hold(db: AsyncConnection, hold_id: UUID, document: Document) -> bool:
    """Whether the document has, or had, this hold."""
    query = select(HoldRow.id).where(HoldRow.id == hold_id, HoldRow.document_id == document.id)
    return bool((await db.execute(select(query.exists()))).scalar_one())


async def is_released(db: AsyncConnection, hold_id: UUID, document: Document) -> bool:
    """Whether the document had this hold and has it no more."""
    query = select(HoldRow.id).where(
        HoldRow.id == hold_id,
        HoldRow.document_id == document.id,
        HoldRow.released_at.is_not(None),
    )
    return bool((await db.execute(select(query.exists()))).scalar_one())


async def require_hold(db: AsyncConnection, hold_id: UUID, document: Document) -> HoldRow:
    """Return a hold that the document has, or had; raise NotFound."""
    query = select(HoldRow.__table__).where(
        HoldRow.id == hold_id, HoldRow.document_id == document.id
    )
    found = (await db.execute(query)).one_or_none()
    if found is None:
        raise NotFound(f"the {document.kind} has no hold {hold_id}")
    return cast(HoldRow, found)


async def check_free(db: AsyncConnection, placement: HoldPlacement) -> None:
    """Raise AlreadyExists when the document is held for this reason, not by this very hold."""
    query = select(HoldRow.id).where(
        HoldRow.document_id == placement.document.id,
        HoldRow.reason == placement.reason,
        HoldRow.released_at.is_(None),
        HoldRow.id != placement.hold_id,
    )
    if (await db.execute(query)).first() is not None:
        raise already_held(placement.document.kind, placement.reason)
