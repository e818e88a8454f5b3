"""Allocation: all of the demand from the sites that the rule prefers, or every shortage named."""

from collections import Counter
from random import Random
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import OutOfStock
from domain.ids import ItemId, LocationId, SiteId
from domain.inventory import Pick, Shelf, allocate, assign
from tests.domain.examples import some

ITEMS = [ItemId(UUID(int=number)) for number in range(1, 4)]
SKUS = {item: f"SKU-{item.int}" for item in ITEMS}
Demand = dict[ItemId, int]


def shelf(item: int, site: int, location: int, available: int, *, rank: int = 0) -> Shelf:
    return Shelf(
        item_id=ITEMS[item],
        sku=SKUS[ITEMS[item]],
        location_id=LocationId(UUID(int=1000 * site + location)),
        location_code=f"L-{location}",
        site_id=SiteId(UUID(int=site)),
        site_code=f"S-{site}",
        site_rank=rank,
        available=available,
    )


@st.composite
def stocked(draw: st.DrawFn) -> list[Shelf]:
    ranks = draw(st.lists(st.integers(0, 2), min_size=3, max_size=3))
    places = st.tuples(st.integers(0, 2), st.integers(0, 2), st.integers(1, 2))
    chosen = draw(st.lists(places, unique=True, max_size=12))
    return [
        shelf(item, site, location, draw(st.integers(-1, 6)), rank=ranks[site])
        for item, site, location in chosen
    ]


demands = st.dictionaries(st.sampled_from(ITEMS), st.integers(1, 8), min_size=1)


def free(shelves: list[Shelf], item: ItemId, site: SiteId | None = None) -> int:
    return sum(
        max(one.available, 0)
        for one in shelves
        if one.item_id == item and site in (None, one.site_id)
    )


def serves_all(shelves: list[Shelf], demand: Demand, site: SiteId) -> bool:
    return all(free(shelves, item, site) >= wanted for item, wanted in demand.items())


@some
@given(demands, stocked())
def test_takes_exactly_the_demand_or_lists_every_shortage(
    demand: Demand, shelves: list[Shelf]
) -> None:
    before = (dict(demand), list(shelves))
    short = {
        (SKUS[item], wanted, free(shelves, item))
        for item, wanted in demand.items()
        if free(shelves, item) < wanted
    }
    if short:
        with pytest.raises(OutOfStock) as refused:
            allocate(demand, shelves, SKUS)
        named = [tuple(one.values()) for one in refused.value.extensions["shortages"]]
        assert sorted(named) == sorted(short)
    else:
        taken: Counter[ItemId] = Counter()
        for pick in allocate(demand, shelves, SKUS):
            taken[pick.item_id] += pick.quantity
        assert taken == demand
    assert (demand, shelves) == before


@some
@given(demands, stocked(), st.sets(st.sampled_from(ITEMS)))
def test_what_may_wait_is_served_as_far_as_stock_goes_and_refuses_nothing(
    demand: Demand, shelves: list[Shelf], may_wait: set[ItemId]
) -> None:
    lacking = {item for item, wanted in demand.items() if free(shelves, item) < wanted}
    if short := lacking - may_wait:
        with pytest.raises(OutOfStock) as refused:
            allocate(demand, shelves, SKUS, may_wait)
        named = {one["sku"] for one in refused.value.extensions["shortages"]}
        assert named == {SKUS[item] for item in short}
        return
    taken: Counter[ItemId] = Counter()
    for pick in allocate(demand, shelves, SKUS, may_wait):
        taken[pick.item_id] += pick.quantity
    assert taken == {
        item: least
        for item, wanted in demand.items()
        if (least := min(wanted, free(shelves, item)))
    }


@some
@given(demands, stocked())
def test_never_takes_more_than_a_shelf_has(demand: Demand, shelves: list[Shelf]) -> None:
    has = {(one.item_id, one.location_id): one.available for one in shelves}
    try:
        plan = allocate(demand, shelves, SKUS)
    except OutOfStock:
        return
    taken = Counter[tuple[ItemId, LocationId]]()
    for pick in plan:
        assert pick.quantity > 0
        taken[pick.item_id, pick.location_id] += pick.quantity
    assert all(quantity <= has[place] for place, quantity in taken.items())


@some
@given(demands, stocked())
def test_one_site_that_has_it_all_serves_it_all_the_best_ranked_first(
    demand: Demand, shelves: list[Shelf]
) -> None:
    able = sorted(
        (one.site_rank, one.site_code, one.site_id)
        for one in shelves
        if serves_all(shelves, demand, one.site_id)
    )
    if able:
        plan = allocate(demand, shelves, SKUS)
        assert {pick.site_id for pick in plan} == {able[0][2]}


@some
@given(demands, stocked(), st.randoms(use_true_random=False))
def test_the_order_of_shelves_and_demand_changes_nothing(
    demand: Demand, shelves: list[Shelf], random: Random
) -> None:
    shuffled = random.sample(shelves, len(shelves))
    turned = dict(random.sample(list(demand.items()), len(demand)))
    try:
        plan = allocate(demand, shelves, SKUS)
    except OutOfStock:
        with pytest.raises(OutOfStock):
            allocate(turned, shuffled, SKUS)
    else:
        assert set(allocate(turned, shuffled, SKUS)) == set(plan)


def test_without_one_site_for_all_the_site_that_covers_most_goes_first() -> None:
    shelves = [
        shelf(0, 0, 1, 3, rank=0),
        shelf(0, 1, 1, 4, rank=9),
        shelf(1, 1, 1, 1, rank=9),
        shelf(1, 0, 1, 1, rank=0),
    ]
    plan = allocate({ITEMS[0]: 6, ITEMS[1]: 1}, shelves, SKUS)
    taken = [(pick.site_id.int, pick.item_id.int, pick.quantity) for pick in plan]
    assert taken == [(1, 1, 4), (1, 2, 1), (0, 1, 2)]


def test_inside_a_site_locations_are_emptied_in_the_order_of_their_codes() -> None:
    shelves = [shelf(0, 0, 2, 5), shelf(0, 0, 1, 2), shelf(0, 0, 3, 5)]
    plan = allocate({ITEMS[0]: 4}, shelves, SKUS)
    assert [(pick.location_id.int, pick.quantity) for pick in plan] == [(1, 2), (2, 2)]


def test_two_lines_of_one_item_are_one_demand() -> None:
    shelves = [shelf(0, 0, 1, 5)]
    with pytest.raises(OutOfStock) as refused:
        allocate({ITEMS[0]: 10}, shelves, SKUS)
    assert refused.value.extensions["shortages"] == [
        {"sku": "SKU-1", "requested": 10, "available": 5}
    ]


lines_of_demand = st.lists(
    st.tuples(st.sampled_from(ITEMS), st.integers(1, 6)), min_size=1, max_size=6
)


@some
@given(lines_of_demand, st.randoms(use_true_random=False))
def test_every_line_gets_its_quantity_and_every_pick_is_used_up(
    wanted: list[tuple[ItemId, int]], random: Random
) -> None:
    lines = [(position, item, quantity) for position, (item, quantity) in enumerate(wanted)]
    demand = Counter[ItemId]()
    for item, quantity in wanted:
        demand[item] += quantity
    plan = [
        Pick(
            item_id=item,
            location_id=LocationId(UUID(int=part)),
            site_id=SiteId(UUID(int=1)),
            quantity=quantity,
        )
        for item, total in demand.items()
        for part, quantity in enumerate(cut(total, random))
    ]
    given_out = assign(random.sample(lines, len(lines)), plan)
    per_line, per_pick = Counter[int](), Counter[tuple[ItemId, LocationId]]()
    for position, pick in given_out:
        assert pick.quantity > 0
        assert pick.item_id == wanted[position][0]
        per_line[position] += pick.quantity
        per_pick[pick.item_id, pick.location_id] += pick.quantity
    assert per_line == {position: quantity for position, _, quantity in lines}
    assert per_pick == {(pick.item_id, pick.location_id): pick.quantity for pick in plan}


def cut(total: int, random: Random) -> list[int]:
    """Return positive parts that add up to ``total``."""
    parts = []
    while total:
        parts.append(random.randint(1, total))
        total -= parts[-1]
    return parts
