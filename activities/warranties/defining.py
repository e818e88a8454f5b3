"""Defining warranty terms: a use case in the caller's transaction, with its event."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from db.events import add_event
from db.warranties.tables import WarrantyTermRow
from db.warranties.terms import add_term, find_newest_term
from domain.errors import AlreadyExists
from domain.warranties.terms import DefineTerm

_MEMBERS = tuple(name for name in DefineTerm.model_fields if name != "auto_limit")


async def define_term(
    db: AsyncConnection, term_id: UUID, term: DefineTerm, *, actor: str
) -> WarrantyTermRow:
    """Add the next version of a term, its first one where the code is new.

    Raises AlreadyExists with the id of the newest version if that says the same.
    """
    added: WarrantyTermRow | None = None
    while added is None:
        newest = await find_newest_term(db, term.code, to_change=True)
        if newest is not None and _says(newest) == _said(term):
            said = f"version {newest.version} of {term.code}, the newest, says just this"
            raise AlreadyExists(said, id=str(newest.id))
        added = await add_term(db, term_id, term, newest, actor)
    await add_event(
        db,
        "warranty_term.defined",
        subject=added.code,
        subject_id=added.id,
        actor=actor,
        correlation_id=f"warranty_term/{added.id}",
        data={"code": added.code, "version": added.version},
    )
    return added


def _says(row: WarrantyTermRow) -> dict[str, object]:
    said = {name: getattr(row, name) for name in _MEMBERS}
    return {**said, "limit": (row.auto_limit_amount, row.auto_limit_currency)}


def _said(term: DefineTerm) -> dict[str, object]:
    said = term.model_dump(mode="json", exclude={"auto_limit"})
    limit = term.auto_limit
    return {**said, "limit": (limit.amount, limit.currency) if limit else (None, None)}
