"""Keys of SKUs that a release before them wrote: filled while both run, the oldest item first."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text

from db.items import find_item_id, give_key, items_without_key
from domain.ids import new_id
from tests.shop import Shop, opened

WRITE = text("INSERT INTO items (id, sku, name, status) VALUES (:id, :sku, 'Oil', 'active')")


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[Shop]:
    async with opened(database_url) as shop:
        yield shop


async def test_items_of_the_release_before_are_found_once_they_have_their_key(shop: Shop) -> None:
    """T02: of two that it took for different, the older has the SKU, the other only its id."""
    first, second = new_id(), new_id()
    async with shop.books.begin() as db:
        for item, sku in ((first, "ÖL-1"), (second, "öl-1")):
            await db.execute(WRITE, {"id": item, "sku": sku})
    async with shop.books.begin() as db:
        for item, sku in (await items_without_key(db, 10)).items():
            await give_key(db, item, sku)
        assert await items_without_key(db, 10) == {}
        assert await find_item_id(db, "Öl-1") == first
        keys = await db.execute(text("SELECT sku_key FROM items WHERE id = :id"), {"id": second})
        assert keys.scalar_one() == f"öl-1\x1f{second}"
