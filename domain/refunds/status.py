"""The states of a refund, and what moves it."""

from enum import StrEnum

from domain.lifecycle import Moves


class RefundStatus(StrEnum):
    """How far money on its way back to a customer is."""

    REQUESTED = "requested"
    """Awaits the approval of another person than its requester."""
    APPROVED = "approved"
    SUBMITTED = "submitted"
    """The provider is asked, and its answer may still be unknown."""
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    """The money is still ours; finance decides whether it is tried again."""
    CANCELLED = "cancelled"


R = RefundStatus

MOVES: Moves[RefundStatus] = {
    # What the provider gives back by itself was never asked for: it has succeeded when we hear it.
    R.REQUESTED: {R.APPROVED, R.CANCELLED, R.SUCCEEDED},
    # What could be given back when it was approved may be gone when it is its turn.
    R.APPROVED: {R.SUBMITTED, R.FAILED, R.CANCELLED},
    R.SUBMITTED: {R.SUCCEEDED, R.FAILED},
    # The only way back: the provider says later that the money did not arrive.
    R.SUCCEEDED: {R.FAILED},
    R.FAILED: {R.APPROVED, R.CANCELLED},
    R.CANCELLED: set(),
}

RUNNING = frozenset({R.REQUESTED, R.APPROVED, R.SUBMITTED, R.FAILED})
"""The states in which a refund has a run."""

PROMISED = frozenset({R.REQUESTED, R.APPROVED, R.SUBMITTED})
"""The states in which a refund keeps its amount from every other one."""


class RefundSource(StrEnum):
    """What a refund was asked for by."""

    GOODWILL = "goodwill"
    """A person, with goods or without."""
    RETURN = "return"
    """A return, for the units that were accepted."""
    SHIPMENT = "shipment"
    """A person's answer about goods that never arrived."""
    CANCELLATION = "cancellation"
    """The end of an order, or of its last goods, that leaves us money which is not ours."""
    PROVIDER = "provider"
    """The provider itself, for example in its dashboard."""
