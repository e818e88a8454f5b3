"""What claims cost in all, by what was claimed or by the term that promised it."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import BigInteger, Text, Uuid, func, literal, select, text, true
from sqlalchemy.ext.asyncio import AsyncConnection

from db.claims.costs import OF_CLAIM
from db.claims.reads import within
from db.claims.tables import ClaimRow
from db.items import ItemRow
from db.pages import Window
from db.warranties.tables import WarrantyRow
from domain.access import Reach


class By(StrEnum):
    """What claims have in common."""

    TERM = "term"
    ITEM = "item"


class Group(NamedTuple):
    """Claims that have something in common, and what they cost by kind and currency."""

    name: str
    item_id: UUID | None
    claims: int
    spent: list[dict[str, Any]]


async def sums_of_claims(
    db: AsyncConnection, by: By, filed: Window, reach: Reach
) -> Sequence[Group]:
    """Return what the claims within ``reach`` cost that were filed then, by name."""
    name = WarrantyRow.term_code if by is By.TERM else ItemRow.sku
    item_id = literal(None, Uuid) if by is By.TERM else ItemRow.id
    claims = (
        select(ClaimRow.id, ClaimRow.customer_id, name.label("name"), item_id.label("item_id"))
        .join(WarrantyRow, WarrantyRow.id == ClaimRow.warranty_id)
        .join(ItemRow, ItemRow.id == WarrantyRow.item_id)
        .where(*within(reach), *filed.conditions)
        .subquery("claims")
    )
    lines = (
        text(OF_CLAIM)
        .columns(kind=Text, currency=Text, amount=BigInteger, name=Text)
        .lateral("lines")
    )
    of = (claims.c.name, claims.c.item_id)
    counted = await db.execute(select(*of, func.count()).group_by(*of).order_by(*of))
    groups = {(row[0], row[1]): Group(row[0], row[1], row[2], []) for row in counted}
    found = await db.execute(
        select(
            *of,
            lines.c.kind,
            lines.c.currency,
            func.sum(lines.c.amount).label("amount"),
            func.count().label("lines"),
        )
        .select_from(claims.join(lines, true()))
        .group_by(*of, lines.c.kind, lines.c.currency)
    )
    for row in found:
        # Filed meanwhile, it is told of the next time.
        if group := groups.get((row.name, row.item_id)):
            line = {"kind": row.kind, "currency": row.currency, "amount": row.amount}
            group.spent.append({**line, "lines": row.lines})
    return list(groups.values())
