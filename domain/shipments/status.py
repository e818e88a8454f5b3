"""The states of a shipment and its parcels, in the order in which they count."""

from enum import StrEnum

from domain.lifecycle import Moves, ends


class ShipmentStatus(StrEnum):
    """The stored state of a shipment; parcels use the same words."""

    PENDING = "pending"
    BOOKED = "booked"
    PICKED_UP = "picked_up"
    IN_TRANSIT = "in_transit"
    OUT_FOR_DELIVERY = "out_for_delivery"
    RETURNING = "returning"
    DELIVERED = "delivered"
    RETURNED = "returned"
    LOST = "lost"
    VOIDED = "voided"
    CANCELLED = "cancelled"


S = ShipmentStatus
_AHEAD = {
    S.BOOKED: (S.PICKED_UP, S.IN_TRANSIT, S.OUT_FOR_DELIVERY),
    S.PICKED_UP: (S.IN_TRANSIT, S.OUT_FOR_DELIVERY),
    S.IN_TRANSIT: (S.OUT_FOR_DELIVERY,),
    S.OUT_FOR_DELIVERY: (),
}
_ENDS = (S.RETURNING, S.LOST, S.RETURNED, S.DELIVERED)

MOVES: Moves[ShipmentStatus] = {
    S.PENDING: {S.BOOKED, S.CANCELLED},
    S.BOOKED: {*_AHEAD[S.BOOKED], *_ENDS, S.VOIDED},
    S.PICKED_UP: {*_AHEAD[S.PICKED_UP], *_ENDS},
    S.IN_TRANSIT: {*_AHEAD[S.IN_TRANSIT], *_ENDS},
    S.OUT_FOR_DELIVERY: {*_ENDS},
    S.RETURNING: {S.LOST, S.RETURNED, S.DELIVERED},
    S.LOST: {S.RETURNED, S.DELIVERED},
    S.RETURNED: {S.DELIVERED},
    S.DELIVERED: {S.RETURNED},
    S.VOIDED: set(),
    S.CANCELLED: set(),
}
"""Only a carrier's fact moves a shipment past ``booked``.

A lost parcel may still turn up, and a fact that comes late may correct a return or a delivery: the
last word must not depend on the order in which facts arrive.
"""

RANKS = {
    S.BOOKED: 10,
    S.PICKED_UP: 20,
    S.IN_TRANSIT: 30,
    S.OUT_FOR_DELIVERY: 40,
    S.RETURNING: 80,
    S.LOST: 90,
    S.RETURNED: 95,
    S.DELIVERED: 100,
}
"""How far a tracking status is; a lower rank reported later never moves a parcel back."""

ENDED = frozenset({S.DELIVERED, S.RETURNED, S.LOST})
"""The tracking states with which the journey is over."""

FREE = ENDED | {S.VOIDED}
"""The states of a parcel in which its carrier may give its number to another one."""

RUNNING = frozenset(MOVES) - ENDED - ends(MOVES)
"""The states in which a label is due, or the goods are on their way."""

ON_THE_WAY = frozenset({S.PICKED_UP, S.IN_TRANSIT, S.OUT_FOR_DELIVERY})
"""The states in which the carrier has a parcel and brings it to where it was sent."""

UNSENT = frozenset({S.PENDING, S.BOOKED})
"""The states in which the goods are still with us."""
