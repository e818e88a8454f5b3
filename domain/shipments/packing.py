"""Packing: the boxes that a shipment needs, so that each can be carried."""

from collections.abc import Iterable

HEAVIEST_PARCEL = 68_000
"""Grams: 150 pounds, the most that parcel carriers take in one box."""
LIGHTEST_PARCEL = 1
"""Grams; what a parcel of items without a weight is declared with."""
MOST_PARCELS = 200
"""Boxes in one shipment: more is freight, and no order for a parcel carrier."""


class TooManyBoxes(Exception):
    """A shipment that would need more boxes than one label order may have."""


def pack(contents: Iterable[tuple[int, int]], limit: int = HEAVIEST_PARCEL) -> list[int]:
    """Return the weight in grams of each box for ``(units, grams per unit)``, filled in order.

    A unit is never cut in two, so one that is too heavy travels alone and over the limit. Raises
    TooManyBoxes as soon as there are more than MOST_PARCELS.
    """
    boxes: list[int] = [0]
    for units, weight in contents:
        left = units if weight else 0
        while left:
            room = (limit - boxes[-1]) // weight
            take = min(left, room) if room > 0 else (1 if boxes[-1] == 0 else 0)
            boxes[-1] += take * weight
            left -= take
            if left:
                boxes.append(0)
            if len(boxes) > MOST_PARCELS:
                raise TooManyBoxes(f"it needs more than {MOST_PARCELS} boxes of at most {limit} g")
    return [max(box, LIGHTEST_PARCEL) for box in boxes]
