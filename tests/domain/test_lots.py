"""Lots: what expires first is taken first, then what came first; one is named where it must be."""

from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import Malformed
from domain.ids import LotId
from domain.inventory import Shelf, allocate
from domain.items import Tracking
from domain.lots import check_lot
from tests.domain.examples import some
from tests.domain.test_inventory import ITEMS, SKUS, shelf

TODAY = date(2031, 1, 1)
days = st.integers(0, 5).map(lambda number: TODAY + timedelta(days=number))


@st.composite
def of_lots(draw: st.DrawFn) -> list[Shelf]:
    """Shelves of one item at two sites, each of a lot of its own."""
    places = st.tuples(st.integers(0, 1), st.integers(1, 2), st.integers(1, 4))
    chosen = draw(st.lists(places, unique=True, min_size=1, max_size=10))
    return [
        replace(
            shelf(0, site, location, draw(st.integers(0, 4))),
            lot_id=LotId(UUID(int=lot)),
            received_on=draw(days),
            expires_on=draw(days | st.just(date.max)),
        )
        for site, location, lot in chosen
    ]


@some
@given(of_lots(), st.integers(1, 12))
def test_what_is_left_at_a_site_expires_no_earlier_than_what_is_taken_there(
    shelves: list[Shelf], wanted: int
) -> None:
    free = sum(each.available for each in shelves)
    plan = allocate({ITEMS[0]: min(wanted, free)}, shelves, SKUS) if free else []
    taken = {(pick.location_id, pick.lot_id): pick.quantity for pick in plan}
    assert sum(taken.values()) == min(wanted, free)
    for used in shelves:
        if (used.location_id, used.lot_id) not in taken:
            continue
        for other in shelves:
            left = other.available - taken.get((other.location_id, other.lot_id), 0)
            if other.site_id == used.site_id and other is not used and left > 0:
                assert (used.expires_on, used.received_on) <= (other.expires_on, other.received_on)


def test_of_two_lots_with_one_last_day_the_one_that_came_first_is_taken() -> None:
    late = replace(shelf(0, 0, 1, 5), lot_id=LotId(UUID(int=1)), received_on=TODAY)
    early = replace(late, lot_id=LotId(UUID(int=2)), received_on=TODAY - timedelta(days=1))
    [pick] = allocate({ITEMS[0]: 2}, [late, early], SKUS)
    assert pick.lot_id == early.lot_id


@pytest.mark.parametrize(
    ("tracking", "code", "message"),
    [
        (Tracking.LOT, None, "needed"),
        (Tracking.NONE, "L-1", "not of an item without lots"),
        (Tracking.SERIAL, "L-1", "not of an item without lots"),
    ],
)
def test_a_lot_is_named_of_an_item_with_lots_and_of_no_other(
    tracking: Tracking, code: str | None, message: str
) -> None:
    with pytest.raises(Malformed) as refused:
        check_lot(tracking, code)
    assert refused.value.extensions["errors"] == [{"pointer": "/lot", "message": message}]
    check_lot(tracking, None if code else "L-1")
