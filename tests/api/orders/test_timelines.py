"""Timelines in pages: each event once, also of what happens between two pages."""

import asyncio
from typing import Any

import pytest

from db.events import Event, add_events
from db.pages import PAGE_BYTES
from tests.api.orders.conftest import problem
from tests.storefront import Storefront


async def happen(shop: Storefront, order: dict[str, Any], count: int, size: int = 1) -> None:
    """Let so many things happen to an order, told in so many characters."""
    told = {"reason": "x" * size}
    event = Event("order.told", order["number"], order["id"], "tests", "", told)
    async with shop.books.begin() as db:
        await add_events(db, [event] * count)


async def pages(shop: Storefront, address: str | None) -> list[list[int]]:
    """Return the sequences of the events on each page to the end."""
    seen: list[list[int]] = []
    while address:
        assert len(seen) < 100, "the pages go round in a circle"
        page = (await shop.callers.get(address)).json()
        seen.append([event["sequence"] for event in page["items"]])
        address = page["next"]
    return seen


async def test_a_long_timeline_is_read_to_its_end_while_more_happens(shop: Storefront) -> None:
    """T21: hundreds of events in pages of 7, no event twice or missing; new ones come behind."""
    order = await shop.placed({await shop.item(): 1})
    await happen(shop, order, 298)

    async def more() -> None:
        for _ in range(50):
            await happen(shop, order, 2)

    path = f"/orders/{order['id']}/timeline"
    read, _ = await asyncio.gather(pages(shop, f"{path}?limit=7"), more())
    seen = [sequence for page in read for sequence in page]
    assert len(seen) >= 300
    assert seen == list(range(1, len(seen) + 1))
    assert [len(page) for page in await pages(shop, path)] == [100] * 4
    assert await pages(shop, f"{path}?after=399") == [[400]]
    assert await pages(shop, f"{path}?after=400") == [[]]


async def test_a_page_of_large_events_ends_early(shop: Storefront) -> None:
    """T21: a page of a timeline has about a megabyte, an event that is larger one of its own."""
    order = await shop.placed({await shop.item(): 1})
    await happen(shop, order, 10, size=PAGE_BYTES // 4)
    await happen(shop, order, 2, size=PAGE_BYTES * 2)
    read = await pages(shop, f"/orders/{order['id']}/timeline")
    assert read == [[1, 2, 3, 4, 5, 6], [7, 8, 9, 10], [11, 12, 13], [14]]


@pytest.mark.parametrize("query", ["after=-1", "after=2147483648", "limit=101", "page=2"])
async def test_a_page_that_no_timeline_has_is_refused(shop: Storefront, query: str) -> None:
    """T21: what is no sequence, or no parameter, is told to the caller."""
    order = await shop.placed({await shop.item(): 1})
    answer = await shop.callers.get(f"/orders/{order['id']}/timeline?{query}")
    problem(answer, 422, "malformed")
