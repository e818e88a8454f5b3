"""Lots in the tests: stocked by adjustments, and how much is promised of each."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from activities.inventory.accepting import accept_adjustment
from db.items import add_item
from domain.adjustments import AdjustmentReason, AdjustStock
from domain.ids import ItemId, new_id
from domain.items import CreateItem, Tracking
from domain.money import Money
from tests.shop import PRICE, Shop


def in_days(days: int) -> date:
    """Return the day that is so many days after today, by UTC."""
    return datetime.now(UTC).date() + timedelta(days=days)


async def a_milk(shop: Shop, min_shelf_life_days: int = 0, **lots: tuple[int, int]) -> ItemId:
    """Add an item that is tracked by lot; of each lot so many units, which last so many days.

    They lie at the site AUS, and came in the order given.
    """
    item = ItemId(new_id())
    milk = CreateItem(
        sku=f"MILK-{item}",
        name="Milk",
        tracking=Tracking.LOT,
        min_shelf_life_days=min_shelf_life_days,
        prices=(Money(amount=PRICE, currency="USD"),),
    )
    async with shop.books.begin() as db:
        await add_item(db, item, milk)
    for code, (units, days) in lots.items():
        await stock(shop, item, code, units, expires_on=in_days(days))
    return item


async def stock(
    shop: Shop,
    item: ItemId,
    code: str,
    units: int,
    *,
    site: str = "AUS",
    expires_on: date | None = None,
) -> None:
    """Count goods of a lot in, or (a negative number) out."""
    asked = AdjustStock(
        item_id=item,
        site=site,
        quantity=Decimal(units),
        reason=AdjustmentReason.FOUND if units > 0 else AdjustmentReason.LOST,
        lot=code,
        expires_on=expires_on,
    )
    async with shop.books.begin() as db:
        await accept_adjustment(db, new_id(), asked, actor="tests")


async def promised(shop: Shop, item: ItemId) -> dict[str, int]:
    """Return how much is promised of each lot, as its balances say."""
    rows = await shop.rows(
        "SELECT t.code, sum(b.reserved)::int AS reserved FROM balances b"
        " JOIN lots t ON t.id = b.lot_id WHERE b.item_id = :item AND b.reserved > 0 GROUP BY 1",
        item=item,
    )
    return {row["code"]: row["reserved"] for row in rows}


async def lot_id(shop: Shop, item: ItemId, code: str) -> UUID:
    """Return the id of an item's lot."""
    found: UUID = await shop.one(
        "SELECT id FROM lots WHERE item_id = :item AND code = :code", item=item, code=code
    )
    return found


async def on_hand(shop: Shop, item: ItemId) -> dict[tuple[str, str], int]:
    """Return what there is by the kind of its location and its lot."""
    rows = await shop.rows(
        "SELECT l.kind, t.code, sum(b.on_hand)::int AS units FROM balances b"
        " JOIN locations l ON l.id = b.location_id LEFT JOIN lots t ON t.id = b.lot_id"
        " WHERE b.item_id = :item AND b.on_hand > 0 GROUP BY 1, 2",
        item=item,
    )
    return {(row["kind"], row["code"]): row["units"] for row in rows}
