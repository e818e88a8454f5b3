"""Warranty terms: read by code and version, and added as the next version of their code."""

from datetime import timedelta
from typing import Any, cast
from uuid import UUID

from sqlalchemy import Select, func, literal, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import aliased

from db.warranties.tables import WarrantyTermRow
from domain.errors import NotFound
from domain.warranties.terms import DefineTerm

_TERMS = select(WarrantyTermRow.__table__)
_NEWER = aliased(WarrantyTermRow)
_NEXT = timedelta(microseconds=1)


def search_terms(*, code: str | None = None, newest: bool | None = None) -> Select[Any]:
    """Select versions of terms, of one code, and the newest of each code or only the others."""
    query = _TERMS
    if code is not None:
        query = query.where(WarrantyTermRow.code == code)
    if newest is not None:
        newer = (
            select(_NEWER.id)
            .where(_NEWER.code == WarrantyTermRow.code, _NEWER.version > WarrantyTermRow.version)
            .exists()
        )
        query = query.where(~newer if newest else newer)
    return query


async def get_term(db: AsyncConnection, term_id: UUID) -> WarrantyTermRow:
    """Return one version of a term; raise NotFound."""
    found = (await db.execute(_TERMS.where(WarrantyTermRow.id == term_id))).one_or_none()
    if found is None:
        raise NotFound(f"there is no warranty term {term_id}")
    return cast(WarrantyTermRow, found)


async def find_newest_term(
    db: AsyncConnection, code: str, *, to_change: bool = False
) -> WarrantyTermRow | None:
    """Return the newest version of a term, locked ``to_change`` it; None where there is none.

    The first version is locked for all; then the newest is read, by a statement of its own.
    """
    query = _TERMS.where(WarrantyTermRow.code == code)
    if to_change:
        await db.execute(query.where(WarrantyTermRow.version == 1).with_for_update())
    newest = await db.execute(query.order_by(WarrantyTermRow.version.desc()).limit(1))
    return cast(WarrantyTermRow | None, newest.one_or_none())


async def add_term(
    db: AsyncConnection, term_id: UUID, term: DefineTerm, after: WarrantyTermRow | None, actor: str
) -> WarrantyTermRow | None:
    """Add the version of a term that follows ``after``, in force from now on.

    None where another one has been added as the first meanwhile.
    """
    limit = term.auto_limit
    # A transaction that waited for the lock began before the version that it follows.
    now = func.now()
    since = now if after is None else func.greatest(now, literal(after.valid_from + _NEXT))
    added = await db.execute(
        insert(WarrantyTermRow)
        .values(
            id=term_id,
            **term.model_dump(exclude={"auto_limit"}),
            version=1 if after is None else after.version + 1,
            auto_limit_amount=limit and limit.amount,
            auto_limit_currency=limit and limit.currency,
            defined_by=actor,
            valid_from=since,
        )
        .on_conflict_do_nothing()
        .returning(WarrantyTermRow.__table__)
    )
    return cast(WarrantyTermRow | None, added.one_or_none())


_SET = text(
    """INSERT INTO item_warranty_terms (item_id, code, valid_from)
    SELECT :item, CAST(:code AS text), greatest(now(), (SELECT max(valid_from)
        + interval '1 microsecond' FROM item_warranty_terms WHERE item_id = :item))"""
)


async def set_item_term(db: AsyncConnection, item_id: UUID, code: str | None) -> None:
    """Let a new or locked item be sold with a term from now on, or with none.

    Raises NotFound for a code that no term has.
    """
    if code is not None and await find_newest_term(db, code) is None:
        raise NotFound(f"there is no warranty term {code}")
    await db.execute(_SET, {"item": item_id, "code": code})
