"""The states of an order, what moves it, and the views derived from its rows."""

from collections.abc import Mapping, Sequence
from enum import StrEnum

from domain.lifecycle import Moves
from domain.money import share
from domain.value import Value


class OrderStatus(StrEnum):
    """The stored state; everything else that people see is derived."""

    PENDING = "pending"
    CONFIRMED = "confirmed"
    COMPLETED = "completed"
    CLOSED = "closed"
    CANCELLED = "cancelled"


MOVES: Moves[OrderStatus] = {
    OrderStatus.PENDING: {OrderStatus.CONFIRMED, OrderStatus.CANCELLED},
    OrderStatus.CONFIRMED: {OrderStatus.COMPLETED, OrderStatus.CANCELLED},
    OrderStatus.COMPLETED: {OrderStatus.CLOSED},
    OrderStatus.CLOSED: set(),
    OrderStatus.CANCELLED: set(),
}

RUNNING = frozenset({OrderStatus.PENDING, OrderStatus.CONFIRMED})
"""The states in which an order has a run."""


class OrderKind(StrEnum):
    """What an order is for."""

    STANDARD = "standard"
    REPLACEMENT = "replacement"
    """In the place of goods that came back: it costs nothing."""


class CaptureOn(StrEnum):
    """When an order's money is taken."""

    SHIPMENT = "shipment"
    """At each hand-over, for what leaves."""
    CONFIRMATION = "confirmation"
    """All of it when the order is confirmed, before anything is sent."""


class ShortagePolicy(StrEnum):
    """What becomes of an order for more than there is."""

    REFUSE = "refuse"
    """It is refused as a whole."""
    BACKORDER = "backorder"
    """It waits for what is missing, of items that are `backorderable`."""


class CancelReason(StrEnum):
    """Why an order was cancelled."""

    CUSTOMER_REQUEST = "customer_request"
    PAYMENT_EXPIRED = "payment_expired"
    PAYMENT_FAILED = "payment_failed"
    FRAUD = "fraud"
    OUT_OF_STOCK = "out_of_stock"
    DUPLICATE = "duplicate"
    STAFF = "staff"


class LineCounters(Value):
    """What happened so far to one line, in units, and its money in minor units."""

    quantity: int
    cancelled: int
    shipped: int
    delivered: int
    written_off: int
    total_amount: int

    @property
    def open(self) -> int:
        """Units still to be shipped."""
        return self.quantity - self.cancelled - self.shipped

    @property
    def settled(self) -> bool:
        """Whether all is shipped or cancelled, and what was shipped has ended."""
        return self.open == 0 and self.shipped == self.delivered + self.written_off


class FulfillmentStatus(StrEnum):
    """How far the goods are; computed, never stored."""

    UNFULFILLED = "unfulfilled"
    IN_FULFILLMENT = "in_fulfillment"
    PARTIALLY_SHIPPED = "partially_shipped"
    SHIPPED = "shipped"
    PARTIALLY_DELIVERED = "partially_delivered"
    DELIVERED = "delivered"
    CANCELLED = "cancelled"


STATES_OF: Mapping[FulfillmentStatus, frozenset[OrderStatus]] = {
    **dict.fromkeys(FulfillmentStatus, RUNNING),
    FulfillmentStatus.DELIVERED: RUNNING | {OrderStatus.COMPLETED, OrderStatus.CLOSED},
    FulfillmentStatus.CANCELLED: RUNNING | {OrderStatus.CANCELLED},
}
"""The states in which an order's goods can be that far."""


def fulfillment_status(lines: Sequence[LineCounters], *, booked: bool) -> FulfillmentStatus:
    """Say how far the goods of an order are; ``booked`` is whether a label exists."""
    wanted = sum(line.quantity - line.cancelled for line in lines)
    shipped = sum(line.shipped for line in lines)
    ended = sum(line.delivered + line.written_off for line in lines)
    delivered = sum(line.delivered for line in lines)
    if wanted == 0:
        return FulfillmentStatus.CANCELLED
    if ended == wanted:
        return FulfillmentStatus.DELIVERED
    if delivered > 0:
        return FulfillmentStatus.PARTIALLY_DELIVERED
    if shipped == wanted:
        return FulfillmentStatus.SHIPPED
    if shipped > 0:
        return FulfillmentStatus.PARTIALLY_SHIPPED
    return FulfillmentStatus.IN_FULFILLMENT if booked else FulfillmentStatus.UNFULFILLED


class OrderReturnStatus(StrEnum):
    """How much of an order comes back; computed, never stored."""

    NONE = "none"
    REQUESTED = "requested"
    """Goods are to come back that are not here yet."""
    PARTIALLY_RETURNED = "partially_returned"
    RETURNED = "returned"


def return_status(sold: int, coming_back: int, returned: int) -> OrderReturnStatus:
    """Say how much of an order comes back, of the units that were sold and not written off."""
    if coming_back:
        return OrderReturnStatus.REQUESTED
    if not returned:
        return OrderReturnStatus.NONE
    all_of_it = returned >= sold
    return OrderReturnStatus.RETURNED if all_of_it else OrderReturnStatus.PARTIALLY_RETURNED


def billable(lines: Sequence[LineCounters], shipping: int) -> int:
    """Return what is owed for the lines not cancelled, plus ``shipping`` (with its tax).

    Minor units. Shipping falls away only when everything is cancelled.
    """
    kept = sum(
        line.total_amount - given_up(line.total_amount, line.quantity, line.cancelled)
        for line in lines
    )
    everything_cancelled = all(line.cancelled == line.quantity for line in lines)
    return kept + (0 if everything_cancelled else shipping)


def given_up(total: int, quantity: int, cancelled: int) -> int:
    """Return what is not owed for the cancelled units of a line of this total (minor units).

    What is left is the share of the units that are kept, so that what was discounted stays so.
    """
    return total - share(total, quantity - cancelled, quantity, 0)


def may_complete(lines: Sequence[LineCounters]) -> bool:
    """Whether the order has come to its good end: all settled and something shipped."""
    return all(line.settled for line in lines) and any(line.shipped for line in lines)
