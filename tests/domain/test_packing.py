"""Boxes that a carrier can lift."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.shipments.packing import HEAVIEST_PARCEL, MOST_PARCELS, TooManyBoxes, pack

CONTENTS = st.lists(st.tuples(st.integers(1, 200), st.integers(0, HEAVIEST_PARCEL)), max_size=20)


def test_what_fits_into_one_box_travels_in_one_box() -> None:
    assert pack([(2, 10_000), (1, 500)]) == [20_500]


def test_items_without_a_weight_are_declared_with_the_lightest() -> None:
    assert pack([(5, 0)]) == [1]
    assert pack([]) == [1]


def test_a_heavy_order_is_spread_over_several_boxes() -> None:
    assert pack([(10, 20_000)]) == [60_000, 60_000, 60_000, 20_000]


def test_a_unit_that_is_too_heavy_travels_alone() -> None:
    assert pack([(1, 10), (2, 80_000), (1, 10)]) == [10, 80_000, 80_000, 10]


@given(CONTENTS)
def test_nothing_is_left_behind_and_no_box_is_too_heavy(contents: list[tuple[int, int]]) -> None:
    try:
        boxes = pack(contents)
    except TooManyBoxes:
        assert sum(units for units, _ in contents) > MOST_PARCELS
        return
    weight = sum(units * grams for units, grams in contents)
    assert sum(boxes) == max(weight, 1)
    assert max(boxes) <= HEAVIEST_PARCEL


def test_more_boxes_than_one_label_order_may_have_are_refused_before_they_are_made() -> None:
    assert len(pack([(MOST_PARCELS, HEAVIEST_PARCEL)])) == MOST_PARCELS
    for contents in ([(MOST_PARCELS + 1, HEAVIEST_PARCEL)], [(1_000_000, 60_000)]):
        with pytest.raises(TooManyBoxes):
            pack(contents)
