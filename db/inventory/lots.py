"""Lots of items, and whether their goods may be promised.

Who puts goods of a lot somewhere locks it FOR SHARE, who changes it FOR NO KEY UPDATE; both before
reservations and balances, so that no balance of a lot comes to be while the lot is changed.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, cast
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    ForeignKey,
    Index,
    Numeric,
    Select,
    UniqueConstraint,
    func,
    literal_column,
    select,
    text,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import Mapped, mapped_column

from db.items import ItemRow, item_of
from db.metadata import Base, Id, Updated, one_of
from domain.errors import NotFound
from domain.lots import LotStatus, lot_key

TODAY = "(now() AT TIME ZONE 'utc')::date"

PROMISABLE = f"""t.status = 'available' AND (t.expires_on IS NULL
    OR t.expires_on >= {TODAY} + i.min_shelf_life_days)"""
"""The SQL of whether goods of the lot ``t`` of the item ``i`` may be promised today."""


def promisable(balance: str) -> str:
    """Return the SQL of whether goods of a balance may be promised today, as far as its lot says.

    Where nothing else is looked up of the lot; what has no lot may be.
    """
    return f"""({balance}.lot_id IS NULL OR EXISTS (SELECT FROM lots t
        JOIN items i ON i.id = t.item_id WHERE t.id = {balance}.lot_id AND {PROMISABLE}))"""


class LotRow(Base):
    """A quantity of an item that shares its origin and its last day; known by its code."""

    __tablename__ = "lots"
    __table_args__ = (
        one_of("status", LotStatus),
        UniqueConstraint("item_id", "code_key"),
        # So that what names a lot with an item can only name one of this item's.
        UniqueConstraint("item_id", "id"),
        Index("ix_lots_code_key", "code_key"),
        Index("ix_lots_expires", "expires_on", "id"),
    )

    id: Mapped[Id]
    item_id: Mapped[UUID] = mapped_column(ForeignKey("items.id"))
    code: Mapped[str]
    """As it was first given."""
    code_key: Mapped[str]
    supplier_lot: Mapped[str] = mapped_column(server_default="")
    received_on: Mapped[date]
    """The day of its first receipt, by UTC."""
    expires_on: Mapped[date | None]
    """The last day on which its goods may leave; None: they do not expire."""
    told_expires_on: Mapped[date | None]
    """The last day that was announced as near."""
    status: Mapped[str] = mapped_column(server_default="available")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[Updated]
    version: Mapped[int] = mapped_column(server_default="1")


class LotRead(LotRow):
    """A lot with the SKU of its item and what there is of it, as selected here."""

    __abstract__ = True
    sku: str
    on_hand: Decimal
    reserved: Decimal
    available: Decimal


@dataclass(frozen=True, slots=True)
class GivenLot:
    """A lot as a receipt names it; what it says besides the code is for one that is new."""

    code: str
    supplier_lot: str = ""
    received_on: date | None = None
    expires_on: date | None = None


_ADD = text(
    f"""INSERT INTO lots (id, item_id, code, code_key, supplier_lot, received_on, expires_on)
    VALUES (:id, :item, :code, :key, :supplier_lot, coalesce(CAST(:received_on AS date), {TODAY}),
        :expires_on)
    ON CONFLICT (item_id, code_key) DO NOTHING RETURNING id"""
)


def _sum(name: str, what: str) -> ColumnElement[Decimal]:
    return literal_column(
        f"""(SELECT coalesce(sum({what}), 0)
        FROM balances b JOIN locations l ON l.id = b.location_id
            LEFT JOIN sites s ON s.id = l.site_id
        WHERE b.lot_id = lots.id)""",
        Numeric,
    ).label(name)


_LOTS = select(
    LotRow.__table__,
    ItemRow.sku,
    _sum("on_hand", "b.on_hand"),
    _sum("reserved", "b.reserved"),
    _sum(
        "available",
        f"""CASE WHEN l.sellable AND l.active AND s.active AND {promisable("b")}
            THEN b.on_hand - b.reserved ELSE 0 END""",
    ),
).join_from(LotRow, ItemRow, ItemRow.id == LotRow.item_id)


_PROMISABLE = text(
    f"""SELECT t.id, t.received_on, coalesce(t.expires_on, '9999-12-31') AS expires_on
    FROM lots t JOIN items i ON i.id = t.item_id
    WHERE t.id = ANY (CAST(:lots AS uuid[])) AND {PROMISABLE}"""
)


async def find_promisable(
    db: AsyncConnection, lots: Collection[UUID]
) -> dict[UUID, tuple[date, date]]:
    """Return those of these lots whose goods may be promised, with first receipt and last day."""
    if not lots:
        return {}
    rows = await db.execute(_PROMISABLE, {"lots": list(lots)})
    return {row.id: (row.received_on, row.expires_on) for row in rows}


async def add_lot(db: AsyncConnection, lot_id: UUID, item_id: UUID, given: GivenLot) -> bool:
    """Insert a lot of an item, and return whether there was none of this code."""
    added = await db.execute(
        _ADD,
        {
            "id": lot_id,
            "item": item_id,
            "code": given.code,
            "key": lot_key(given.code),
            "supplier_lot": given.supplier_lot,
            "received_on": given.received_on,
            "expires_on": given.expires_on,
        },
    )
    return added.one_or_none() is not None


async def find_lot(db: AsyncConnection, item_id: UUID, code: str) -> LotRow | None:
    """Return an item's lot by its code, in any case, which stays as it is until the end."""
    query = select(LotRow.__table__).where(
        LotRow.item_id == item_id, LotRow.code_key == lot_key(code)
    )
    found = (await db.execute(query.with_for_update(read=True))).one_or_none()
    return cast(LotRow | None, found)


async def find_lot_id(db: AsyncConnection, item_id: UUID, code: str) -> UUID | None:
    """Return the id of an item's lot by its code, in any case."""
    query = select(LotRow.id).where(LotRow.item_id == item_id, LotRow.code_key == lot_key(code))
    return (await db.execute(query)).scalar_one_or_none()


async def lock_lot(db: AsyncConnection, lot_id: UUID) -> LotRow:
    """Return a lot, locked to change it; raise NotFound."""
    query = select(LotRow.__table__).where(LotRow.id == lot_id)
    found = (await db.execute(query.with_for_update(key_share=True))).one_or_none()
    if found is None:
        raise NotFound(f"there is no lot {lot_id}")
    return cast(LotRow, found)


async def change_lot(db: AsyncConnection, lot_id: UUID, values: Mapping[str, Any]) -> None:
    """Write columns of a locked lot."""
    changed = update(LotRow).where(LotRow.id == lot_id)
    await db.execute(changed.values(version=LotRow.version + 1, **values))


def search_lots(
    *,
    item_id: UUID | None = None,
    sku: str | None = None,
    code: str | None = None,
    status: str | None = None,
    expiring_before: date | None = None,
) -> Select[Any]:
    """Select lots with what there is of them; ``expiring_before`` is exclusive."""
    wanted = (
        (item_id, LotRow.item_id == item_id),
        (sku, LotRow.item_id == item_of(sku or "")),
        (code, LotRow.code_key == lot_key(code or "")),
        (status, LotRow.status == status),
    )
    query = _LOTS.where(*(condition for value, condition in wanted if value is not None))
    return query if expiring_before is None else query.where(LotRow.expires_on < expiring_before)


async def get_lot(db: AsyncConnection, lot_id: UUID) -> LotRead:
    """Return a lot with what there is of it; raise NotFound."""
    found = (await db.execute(_LOTS.where(LotRow.id == lot_id))).one_or_none()
    if found is None:
        raise NotFound(f"there is no lot {lot_id}")
    return cast(LotRead, found)
