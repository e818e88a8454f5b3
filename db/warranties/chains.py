"""Chains of warranties: what goods replaced on a claim, and what has replaced them since."""

from collections.abc import Sequence
from typing import NamedTuple, cast
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from db.warranties.reads import WarrantyRead, search_warranties
from db.warranties.tables import WarrantyRow
from domain.access import Reach

# Counted goods may be replaced in several parcels, a unit more than once: nearest first.
_CHAIN = text(
    """WITH RECURSIVE before AS (
        SELECT w.replaces_id AS id, 1 AS far FROM warranties w WHERE w.id = :warranty
        UNION ALL SELECT w.replaces_id, b.far + 1 FROM before b JOIN warranties w ON w.id = b.id
        WHERE b.far < :most),
    since AS (
        SELECT w.id, 1 AS far FROM warranties w WHERE w.replaces_id = :warranty
        UNION ALL SELECT w.id, s.far + 1 FROM since s JOIN warranties w ON w.replaces_id = s.id
        WHERE s.far < :most)
    SELECT id, -far AS place FROM before WHERE id IS NOT NULL
    UNION ALL (SELECT id, far FROM since ORDER BY far, id LIMIT :most)"""
)


class Chain(NamedTuple):
    """The warranties that were replaced before one, and those that have replaced it since."""

    before: Sequence[WarrantyRead]
    since: Sequence[WarrantyRead]


async def chain_of(db: AsyncConnection, warranty_id: UUID, reach: Reach, most: int) -> Chain:
    """Return what is linked with a warranty by claims: nearest first, so many on each side.

    Only what is within ``reach``.
    """
    found = await db.execute(_CHAIN, {"warranty": warranty_id, "most": most})
    places = {row.id: row.place for row in found}
    if not places:
        return Chain((), ())
    query = search_warranties(reach).where(WarrantyRow.id.in_(places))
    rows = cast(Sequence[WarrantyRead], (await db.execute(query)).all())
    ordered = sorted(rows, key=lambda row: (abs(places[row.id]), row.id))
    return Chain(
        before=[row for row in ordered if places[row.id] < 0],
        since=[row for row in ordered if places[row.id] > 0],
    )
