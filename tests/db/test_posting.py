"""The stock ledger's one door: each movement and reservation once, whatever happens in parallel."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.exc import IntegrityError

from db.engine import Database, open_engine
from db.inventory.movements import LinePick, Movement, Posted
from db.inventory.places import place_id
from db.inventory.posting import post, release, reserve
from db.inventory.reads import quarantine_of
from db.verify.books import CHECKS, verify
from domain.errors import OutOfStock
from domain.ids import ItemId, new_id
from domain.inventory import LocationKind, MovementKind
from tests.domain.examples import some
from tests.shop import Shop

SUPPLIER, CUSTOMER = place_id(LocationKind.SUPPLIER), place_id(LocationKind.CUSTOMER)
SUMS = [check for check in CHECKS if check.id in ("I1a", "I2a", "I2b", "I2c")]
"""What balances have to do with movements and reservations."""


@pytest.fixture(scope="module")
async def shop(database_url: str) -> AsyncIterator[Shop]:
    shop = Shop(Database(open_engine(database_url, application="tests", pool=25)))
    await shop.open()
    yield shop
    assert [found for found in await verify(shop.books.engine, checks=SUMS) if found.broken] == []
    await shop.books.close()


def movement(
    item: ItemId,
    source: UUID,
    target: UUID,
    quantity: int = 1,
    *,
    key: str | None = None,
    reservation: UUID | None = None,
) -> Movement:
    return Movement(
        key=key or f"test/{new_id()}",
        kind=MovementKind.TRANSFER,
        item_id=item,
        quantity=quantity,
        from_location_id=source,
        to_location_id=target,
        actor="tests",
        reservation_id=reservation,
    )


async def posted(shop: Shop, *movements: Movement) -> Posted:
    async with shop.books.begin() as db:
        return await post(db, movements)


async def reserved(shop: Shop, document: UUID, *picks: LinePick) -> None:
    async with shop.books.begin() as db:
        await reserve(db, "order", document, picks)


def pick(shop: Shop, item: ItemId, quantity: int, line: UUID | None = None) -> LinePick:
    return LinePick(line or new_id(), item, shop.shelves["AUS"], quantity)


async def hold(shop: Shop, item: ItemId, quantity: int) -> tuple[UUID, UUID]:
    """Reserve for a new document; return the document's and the reservation's ids."""
    document = new_id()
    await reserved(shop, document, pick(shop, item, quantity))
    found = "SELECT id FROM reservations WHERE document_id = :document"
    return document, await shop.one(found, document=document)


async def test_both_sides_are_balanced_and_outside_places_carry_no_balance(shop: Shop) -> None:
    mug = await shop.item(AUS=5)
    here, there = shop.shelves["AUS"], shop.shelves["RNO"]
    made = await posted(
        shop,
        movement(mug, SUPPLIER, here, 3),
        movement(mug, here, there, 6),
        movement(mug, there, CUSTOMER, 1),
    )
    assert made.made == 3
    assert {row.location_id: row.on_hand for row in made.balances} == {here: 2, there: 5}


async def test_a_movement_that_is_known_by_its_key_is_not_made_again(shop: Shop) -> None:
    mug = await shop.item(AUS=5)
    known = movement(mug, shop.shelves["AUS"], CUSTOMER, 2, key=f"once/{mug}")
    again = movement(mug, shop.shelves["AUS"], CUSTOMER, 2, key=f"once/{mug}")
    assert (await posted(shop, known)).made == 1
    assert await posted(shop, again) == Posted(0, [])
    news = await posted(shop, again, movement(mug, SUPPLIER, shop.shelves["AUS"]))
    assert (news.made, news.balances[0].on_hand) == (1, 4)


async def test_no_movements_are_nothing_to_do(shop: Shop) -> None:
    assert await posted(shop) == Posted(0, [])


async def test_what_is_not_there_or_reserved_does_not_leave(shop: Shop) -> None:
    mug = await shop.item(AUS=5)
    await hold(shop, mug, 4)
    for source, quantity in (("AUS", 6), ("AUS", 2), ("RNO", 1)):
        with pytest.raises(IntegrityError):
            await posted(shop, movement(mug, shop.shelves[source], CUSTOMER, quantity))
    assert await shop.stock(mug) == (5, 4)


async def test_one_key_posted_in_parallel_moves_once(shop: Shop) -> None:
    mug = await shop.item(AUS=50)
    same = [movement(mug, shop.shelves["AUS"], CUSTOMER, key=f"same/{mug}") for _ in range(20)]
    all_posted = await asyncio.gather(*(posted(shop, one) for one in same))
    assert sum(one.made for one in all_posted) == 1
    assert await shop.stock(mug) == (49, 0)


@pytest.mark.parametrize("shared", [False, True], ids=["other keys", "the same keys"])
async def test_posts_that_touch_the_same_balances_in_opposite_order_never_deadlock(
    shop: Shop, shared: bool
) -> None:
    mugs = [await shop.item(AUS=10) for _ in range(6)]
    async with shop.books.read() as db:
        quarantine = await quarantine_of(db, shop.sites["AUS"])
    # Some of the balances exist, the first of the posts adds the others.
    places = [shop.shelves["AUS"], shop.shelves["RNO"], quarantine]
    moves = [(mug, place) for mug in mugs for place in places]
    orders = [moves, moves[::-1], moves[::2] + moves[1::2], moves[1::2] + moves[::2]]
    for round_ in range(10):
        batches = [
            [
                movement(mug, SUPPLIER, place, key=f"{round_}/{mug}/{place}" if shared else None)
                for mug, place in order
            ]
            for order in orders
        ]
        await asyncio.gather(*(posted(shop, *batch) for batch in batches))
    assert await shop.stock(mugs[0]) == (10 + 10 * 2 * (1 if shared else 4), 0)


async def test_twenty_callers_never_reserve_more_than_there_is(shop: Shop) -> None:
    mug, cup = await shop.item(AUS=20), await shop.item(AUS=9)
    wanted = [[pick(shop, mug, 1), pick(shop, cup, 1)][:: 1 if n % 2 else -1] for n in range(20)]
    answers = await asyncio.gather(
        *(reserved(shop, new_id(), *picks) for picks in wanted), return_exceptions=True
    )
    assert Counter(type(answer) for answer in answers) == {type(None): 9, OutOfStock: 11}
    assert await shop.stock(mug) == (20, 9)
    assert await shop.stock(cup) == (9, 9)


async def test_reserving_is_whole_or_not_at_all_and_says_what_is_short(shop: Shop) -> None:
    mug, cup = await shop.item(AUS=5), await shop.item(RNO=5)
    document = new_id()
    async with shop.books.begin() as db:
        with pytest.raises(OutOfStock) as refused:
            await reserve(db, "order", document, [pick(shop, mug, 2), pick(shop, cup, 3)])
    [short] = refused.value.extensions["shortages"]
    assert (short["sku"], short["requested"], short["available"]) == (f"SKU-{cup}", 3, 0)
    assert await shop.rows("SELECT 1 FROM reservations WHERE document_id = :id", id=document) == []
    assert await shop.stock(mug) == (5, 0)


async def test_what_a_line_holds_is_not_reserved_again_until_it_is_released(shop: Shop) -> None:
    mug = await shop.item(AUS=5)
    document, wanted = new_id(), pick(shop, mug, 3)
    for _ in range(2):
        await reserved(shop, document, wanted)
        assert await shop.stock(mug) == (5, 3)
    for _ in range(2):
        async with shop.books.begin() as db:
            await release(db, document)
        assert await shop.stock(mug) == (5, 0)
    await reserved(shop, document, wanted)
    assert await shop.stock(mug) == (5, 3)


async def test_a_reservation_is_used_up_once_by_posts_in_parallel(shop: Shop) -> None:
    mug = await shop.item(AUS=50)
    _, reservation = await hold(shop, mug, 4)
    shelf = shop.shelves["AUS"]
    leaving = [movement(mug, shelf, CUSTOMER, 4, reservation=reservation) for _ in range(3)]
    await asyncio.gather(*(posted(shop, one) for one in leaving * 3))
    assert await shop.stock(mug) == (50 - 3 * 4, 0)
    ended = await shop.rows("SELECT status FROM reservations WHERE id = :id", id=reservation)
    assert ended == [{"status": "consumed"}]


async def test_a_reservation_ends_one_way_when_it_is_posted_and_released_at_once(
    shop: Shop,
) -> None:
    mug = await shop.item(AUS=50)

    async def give_back(document: UUID) -> None:
        async with shop.books.begin() as db:
            await release(db, document)

    for _ in range(10):
        document, reservation = await hold(shop, mug, 2)
        leaving = movement(mug, shop.shelves["AUS"], CUSTOMER, 2, reservation=reservation)
        await asyncio.gather(posted(shop, leaving), give_back(document))
    assert await shop.stock(mug) == (50 - 10 * 2, 0)


PLACES = ("supplier", "customer", "AUS", "RNO")
moves = st.tuples(
    st.sampled_from(PLACES), st.sampled_from(PLACES), st.integers(1, 4), st.integers(0, 9)
).filter(lambda move: move[0] != move[1])


@some
@given(posts=st.lists(st.lists(moves, max_size=5), max_size=6))
async def test_balances_equal_the_sums_of_the_movements_and_never_fall_below_zero(
    shop: Shop, posts: list[list[tuple[str, str, int, int]]]
) -> None:
    mug = await shop.item()
    at = {"supplier": SUPPLIER, "customer": CUSTOMER, **shop.shelves}
    expected: Counter[UUID] = Counter()
    known: set[int] = set()
    for moved in posts:
        after, keys = Counter(expected), set(known)
        for source, target, quantity, key in moved:
            if key not in keys:
                keys.add(key)
                after[at[source]] -= quantity
                after[at[target]] += quantity
        given_ = [movement(mug, at[s], at[t], q, key=f"{mug}/{key}") for s, t, q, key in moved]
        if all(after[shelf] >= 0 for shelf in shop.shelves.values()):
            assert (await posted(shop, *given_)).made == len(keys - known)
            expected, known = after, keys
        else:
            with pytest.raises(IntegrityError):
                await posted(shop, *given_)
    rows = await shop.rows("SELECT location_id, on_hand FROM balances WHERE item_id = :i", i=mug)
    balances = Counter({row["location_id"]: int(row["on_hand"]) for row in rows})
    assert set(balances) <= set(shop.shelves.values())
    assert balances == Counter({shelf: expected[shelf] for shelf in shop.shelves.values()})
