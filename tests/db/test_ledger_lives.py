"""Random lives of one balance: it is the sum of its movements, and every posted count stands."""

from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from activities.inventory.accepting import accept_adjustment
from activities.inventory.counting import submit_count
from activities.inventory.reversing import accept_reversal
from db.failures import Trouble, diagnose
from db.inventory.movements import Movement
from db.inventory.past import get_past_stock
from db.inventory.places import place_id
from db.inventory.posting import post
from db.verify.books import CHECKS, verify
from domain.adjustments import AdjustmentReason, AdjustStock, ReverseMovement
from domain.counts import CountedLine, SubmitCount
from domain.errors import AlreadyExists, DomainError
from domain.ids import ItemId, new_id
from domain.inventory import LocationKind, MovementKind
from domain.policy import Policy
from tests.domain.examples import some
from tests.shop import Shop, opened

BEGAN = datetime(2024, 3, 1, 12, tzinfo=UTC)
TRUSTING = Policy(count_tolerance=Decimal(10**6))
"""Under it every count that can be posted is, at once."""
LEDGER = [
    check
    for check in CHECKS
    if check.id in ("I1a", "I2a", "I2b", "I2c", "I2d", "I2e", "I2m", "I2n", "I2o")
]
DAYS = st.none() | st.integers(0, 9)
STEPS = st.one_of(
    st.tuples(st.just("adjust"), st.integers(-9, 20).filter(bool), DAYS),
    st.tuples(st.just("reverse"), st.integers(0, 30), DAYS),
    st.tuples(st.just("count"), st.integers(0, 30), DAYS),
)


@pytest.fixture(scope="module")
async def shop(database_url: str) -> AsyncIterator[Shop]:
    async with opened(database_url) as shop:
        yield shop
        found = await verify(shop.books.engine, checks=LEDGER)
        assert [one for one in found if one.broken] == []


def when(day: int | None) -> datetime | None:
    return None if day is None else BEGAN + timedelta(days=day)


class Life:
    """What people write down of one item at one place, and what they counted there."""

    def __init__(self, shop: Shop, item: ItemId) -> None:
        self.shop = shop
        self.item = item
        self.moved: list[UUID] = []
        self.counted: dict[datetime, int] = {}

    async def adjust(self, quantity: int, day: int | None) -> None:
        reason = AdjustmentReason.FOUND if quantity > 0 else AdjustmentReason.LOST
        asked = AdjustStock(
            item_id=self.item,
            site="AUS",
            quantity=Decimal(quantity),
            reason=reason,
            occurred_at=when(day),
        )
        movement = new_id()
        with suppress(DomainError):
            async with self.shop.books.begin() as db:
                await accept_adjustment(db, movement, asked, actor="tests")
            self.moved.append(movement)

    async def reverse(self, which: int, day: int | None) -> None:
        if not self.moved:
            return
        asked = ReverseMovement(reason="mistake", occurred_at=when(day))
        movement = self.moved[which % len(self.moved)]
        with suppress(DomainError):
            async with self.shop.books.begin() as db:
                await accept_reversal(db, new_id(), movement, asked, actor="tests")

    async def count(self, counted: int, day: int | None) -> None:
        line = CountedLine(
            item_id=self.item, site="AUS", counted=Decimal(counted), counted_at=when(day)
        )
        count = new_id()
        with suppress(AlreadyExists):
            async with self.shop.books.begin() as db:
                await submit_count(db, count, SubmitCount(lines=(line,)), TRUSTING, actor="tests")
            status = await self.shop.one("SELECT status FROM counts WHERE id = :id", id=count)
            # One that would leave less than nothing, because more has left since, is not.
            if status == "posted":
                line_of = "SELECT counted_at FROM count_lines WHERE count_id = :id"
                self.counted[await self.shop.one(line_of, id=count)] = counted

    async def as_of(self, moment: datetime) -> int:
        async with self.shop.books.read() as db:
            rows, _ = await get_past_stock(db, {"item_id": self.item}, as_of=moment, limit=9)
        return int(sum(row.on_hand for row in rows))


@some
@given(steps=st.lists(STEPS, max_size=14))
async def test_counts_stand_and_the_balance_is_the_sum_of_its_movements(
    shop: Shop, steps: list[tuple[str, int, int | None]]
) -> None:
    """INV-02, for whatever is written down late, taken back or counted, in any order."""
    life = Life(shop, await shop.item())
    for name, number, day in steps:
        await getattr(life, name)(number, day)
        on_hand, _ = await shop.stock(life.item)
        assert on_hand == await life.as_of(datetime.now(UTC) + timedelta(days=1))
        for moment, counted in life.counted.items():
            assert await life.as_of(moment) == counted


async def test_what_began_before_a_count_and_is_posted_after_it_begins_again(shop: Shop) -> None:
    """Else it would occur before the count, which has not seen it."""
    item = await shop.item(AUS=5)
    life = Life(shop, item)

    def leaving() -> Movement:
        return Movement(
            key=f"test/{new_id()}",
            kind=MovementKind.TRANSFER,
            item_id=item,
            quantity=1,
            from_location_id=shop.shelves["AUS"],
            to_location_id=place_id(LocationKind.TRANSIT),
            actor="tests",
        )

    async with shop.books.begin() as db:
        await db.execute(text("SELECT now()"))
        await life.count(5, None)
        with pytest.raises(DBAPIError) as refused:
            await post(db, [leaving()])
        await db.rollback()
    assert diagnose(refused.value) is Trouble.CONFLICT
    async with shop.books.begin() as db:
        assert (await post(db, [leaving()])).made == 1
    assert await life.as_of(next(iter(life.counted))) == 5
