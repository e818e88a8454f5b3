"""Items and their list prices."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, cast
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    Index,
    ScalarSelect,
    Select,
    Text,
    func,
    literal_column,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import Mapped, mapped_column

from db.metadata import (
    Base,
    Id,
    Kept,
    Minor,
    Rate,
    Updated,
    columns_of,
    one_of,
    priced,
    priced_as,
)
from domain.errors import AlreadyExists, NotFound
from domain.ids import ItemId
from domain.items import CreateItem, ItemStatus, Listing, Tracking, sku_key
from domain.metadata import merge
from domain.money import Money

TAKEN = "\x1f"
"""What no SKU holds: it sets apart the key of an item whose SKU another item had before."""


class ItemRow(Base):
    """What is stocked, made and sold; ``sku`` is kept as given and compared by ``sku_key``.

    The key is missing only of what a release before it wrote, until the sweep has filled it.
    """

    __tablename__ = "items"
    __table_args__ = (
        one_of("status", ItemStatus),
        one_of("tracking", Tracking),
        CheckConstraint("tax_rate >= 0 AND tax_rate < 1", name="tax_rate"),
        CheckConstraint("weight_grams >= 0", name="weight_grams"),
        CheckConstraint("return_window_days >= 0", name="return_window_days"),
        CheckConstraint(
            "restocking_fee_rate >= 0 AND restocking_fee_rate < 1", name="restocking_fee_rate"
        ),
        CheckConstraint("min_shelf_life_days >= 0", name="min_shelf_life_days"),
        CheckConstraint(priced("standard_cost"), name="standard_cost"),
        CheckConstraint("NOT serial_at_shipping OR tracking = 'none'", name="serial_at_shipping"),
        Index("uq_items_sku_key", "sku_key", unique=True),
        Index("ix_items_created", "created_at", "id"),
    )

    id: Mapped[Id]
    sku: Mapped[str]
    sku_key: Mapped[str | None]
    name: Mapped[str]
    status: Mapped[str]
    sellable: Mapped[bool] = mapped_column(server_default="true")
    tax_rate: Mapped[Rate] = mapped_column(server_default="0")
    weight_grams: Mapped[int] = mapped_column(server_default="0")
    return_window_days: Mapped[int | None]
    """None: the company's setting."""
    restocking_fee_rate: Mapped[Rate] = mapped_column(server_default="0")
    tracking: Mapped[str] = mapped_column(server_default="none")
    """Whether its units have serials or lots; it stays once something of the item moved."""
    backorderable: Mapped[bool] = mapped_column(server_default="false")
    """Whether orders that allow it may wait for stock of it."""
    min_shelf_life_days: Mapped[int] = mapped_column(server_default="0")
    """So many days before its last one a lot of it is promised no more."""
    standard_cost_amount: Mapped[Minor | None]
    """What a unit is worth; None where that is not known."""
    standard_cost_currency: Mapped[str | None]
    serial_at_shipping: Mapped[bool] = mapped_column(server_default="false")
    """Whether its units, which are only counted in stock, are scanned when they leave."""
    kept: Mapped[Kept] = mapped_column("metadata")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[Updated]
    version: Mapped[int] = mapped_column(server_default="1")


class ItemRead(ItemRow):
    """An item with its valid prices, the code of its term and its value, as selected here."""

    __abstract__ = True
    prices: dict[str, int]
    warranty_term: str | None
    standard_cost: dict[str, Any] | None


class PriceRow(Base):
    """The list price of an item in a currency from ``valid_from`` on (until the next row)."""

    __tablename__ = "prices"
    __table_args__ = (CheckConstraint("amount >= 0", name="amount"),)

    item_id: Mapped[UUID] = mapped_column(ForeignKey("items.id"), primary_key=True)
    currency: Mapped[str] = mapped_column(primary_key=True)
    valid_from: Mapped[datetime] = mapped_column(primary_key=True)
    amount: Mapped[Minor]


_PRICES: ColumnElement[dict[str, int]] = literal_column(
    """coalesce((SELECT jsonb_object_agg(p.currency, p.amount) FROM (
        SELECT DISTINCT ON (currency) currency, amount FROM prices
        WHERE prices.item_id = items.id AND valid_from <= now()
        ORDER BY currency, valid_from DESC) p), '{}'::jsonb)""",
    JSONB,
)
"""The prices valid now, by currency."""

_TERM: ColumnElement[str | None] = literal_column(
    """(SELECT t.code FROM item_warranty_terms t WHERE t.item_id = items.id
        ORDER BY t.valid_from DESC LIMIT 1)""",
    Text,
)
"""The code of the warranty term that it is sold with now."""

_COST: ColumnElement[dict[str, Any] | None] = literal_column(
    """CASE WHEN items.standard_cost_amount IS NOT NULL THEN jsonb_build_object('amount',
        items.standard_cost_amount, 'currency', items.standard_cost_currency) END""",
    JSONB,
)

_ITEMS = select(
    ItemRow.__table__,
    _PRICES.label("prices"),
    _TERM.label("warranty_term"),
    _COST.label("standard_cost"),
)


async def get_item(db: AsyncConnection, item_id: UUID, *, to_change: bool = False) -> ItemRead:
    """Return the item's row with its valid prices, locked ``to_change`` it; raise NotFound."""
    if to_change:
        # First the lock, then the look: what is read was committed before it was ours to change.
        await db.execute(select(ItemRow.id).where(ItemRow.id == item_id).with_for_update())
    found = (await db.execute(_ITEMS.where(ItemRow.id == item_id))).one_or_none()
    if found is None:
        raise NotFound(f"there is no item {item_id}")
    return cast(ItemRead, found)


def search_items(*, sku: str | None = None, status: str | None = None) -> Select[Any]:
    """Select items with their valid prices, by SKU (in any case) or status if given."""
    query = _ITEMS
    if sku is not None:
        query = query.where(ItemRow.sku_key == sku_key(sku))
    if status is not None:
        query = query.where(ItemRow.status == status)
    return query


def listing_of(item: Mapping[str, Any]) -> Listing:
    """Make the listing of an item given as JSON, with its valid ``prices`` by currency."""
    return Listing(
        item_id=ItemId(UUID(item["id"])),
        sku=item["sku"],
        name=item["name"],
        sellable=item["sellable"] and item["status"] == ItemStatus.ACTIVE,
        tax_rate=Decimal(item["tax_rate"]),
        prices=item["prices"],
        backorderable=item["backorderable"],
        serial_at_shipping=item["serial_at_shipping"],
    )


def known_by(line: str) -> str:
    """Return the SQL of how units are known that left with an order's ``line``, of an item ``i``.

    By their serials also where they are only counted in stock, and are scanned when they leave.
    """
    return f"CASE WHEN {line}.serial_at_shipping THEN '{Tracking.SERIAL}' ELSE i.tracking END"


def item_of(sku: str) -> ScalarSelect[UUID]:
    """Return the SQL of the id of the item with this SKU, in any case; NULL without one."""
    return select(ItemRow.id).where(ItemRow.sku_key == sku_key(sku)).scalar_subquery()


async def find_item_id(db: AsyncConnection, sku: str) -> UUID | None:
    """Return the id of the item with this SKU, in any case."""
    query = select(ItemRow.id).where(ItemRow.sku_key == sku_key(sku))
    return (await db.execute(query)).scalar_one_or_none()


async def add_item(db: AsyncConnection, item_id: UUID, item: CreateItem) -> ItemRead:
    """Insert an item with its prices; raise AlreadyExists with the id of the one of that SKU."""
    added = await db.execute(
        insert(ItemRow)
        .values(
            id=item_id,
            sku=item.sku,
            sku_key=sku_key(item.sku),
            name=item.name,
            status=ItemStatus.ACTIVE,
            sellable=item.sellable,
            tax_rate=item.tax_rate,
            weight_grams=item.weight_grams,
            return_window_days=item.return_window_days,
            restocking_fee_rate=item.restocking_fee_rate,
            tracking=item.tracking,
            backorderable=item.backorderable,
            min_shelf_life_days=item.min_shelf_life_days,
            serial_at_shipping=item.serial_at_shipping,
            kept=merge({}, item.metadata),
            **priced_as("standard_cost", item.standard_cost),
        )
        .on_conflict_do_nothing()
        .returning(ItemRow.id)
    )
    if added.one_or_none() is None:
        first = await find_item_id(db, item.sku)
        raise AlreadyExists(f"there is an item with the SKU {item.sku}", id=str(first))
    await add_prices(db, item_id, item.prices)
    return await get_item(db, item_id)


async def add_prices(db: AsyncConnection, item_id: UUID, prices: Sequence[Money]) -> None:
    """Add list prices of a new or locked item, valid from the beginning of this transaction.

    Where a transaction that had the lock before began later, they are valid right after its own.
    """
    for price in prices:
        await db.execute(_ADD_PRICE, {"item": item_id, **price.model_dump()})


async def tracking_of(db: AsyncConnection, item_id: UUID) -> str:
    """Return how an item's units are known; it stays so until the end of this transaction.

    Raises NotFound.
    """
    query = select(ItemRow.tracking).where(ItemRow.id == item_id)
    # What changes it locks the whole row.
    found = (
        await db.execute(query.with_for_update(key_share=True, read=True))
    ).scalar_one_or_none()
    if found is None:
        raise NotFound(f"there is no item {item_id}")
    return str(found)


async def is_moved(db: AsyncConnection, item_id: UUID) -> bool:
    """Whether there has ever been stock of a locked item, or some of it is promised."""
    return bool((await db.execute(_MOVED, {"item": item_id})).scalar_one())


async def change_item(db: AsyncConnection, item_id: UUID, values: Mapping[str, Any]) -> None:
    """Write columns of a locked item."""
    changed = update(columns_of(ItemRow)).where(ItemRow.id == item_id)
    await db.execute(changed.values(version=ItemRow.version + 1, **values))


# Without a balance nothing can be reserved or moved.
_MOVED = text("SELECT EXISTS (SELECT FROM balances WHERE item_id = :item)")
_ADD_PRICE = text(
    """INSERT INTO prices (item_id, currency, amount, valid_from)
    SELECT :item, :currency, :amount, greatest(now(), (SELECT max(valid_from)
        + interval '1 microsecond' FROM prices WHERE item_id = :item AND currency = :currency
            AND valid_from <= clock_timestamp()))"""
)


async def items_without_key(db: AsyncConnection, limit: int) -> dict[UUID, str]:
    """Return SKUs, by item, that a release before the keys has written; the oldest first."""
    query = select(ItemRow.id, ItemRow.sku).where(ItemRow.sku_key.is_(None))
    rows = await db.execute(query.order_by(ItemRow.created_at, ItemRow.id).limit(limit))
    return {row.id: row.sku for row in rows}


async def give_key(db: AsyncConnection, item_id: UUID, sku: str) -> None:
    """Give an item the key of its SKU, or, where another item has that, a key that no SKU has.

    It is then found by its id alone.
    """
    key = sku_key(sku)
    if await find_item_id(db, sku) is not None:
        key = f"{key}{TAKEN}{item_id}"
    await db.execute(
        update(ItemRow).where(ItemRow.id == item_id, ItemRow.sku_key.is_(None)).values(sku_key=key)
    )
