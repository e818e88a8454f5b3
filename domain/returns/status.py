"""The states of a return, the words that it is told in, and what moves it."""

from datetime import datetime
from enum import StrEnum

from domain.ids import ReturnId
from domain.lifecycle import Moves
from domain.value import Value


class ReturnStatus(StrEnum):
    """How far goods on their way back are."""

    REQUESTED = "requested"
    """Awaits support, who authorizes or rejects it."""
    AUTHORIZED = "authorized"
    """The customer may send the goods; some may have arrived."""
    RECEIVED = "received"
    """All that will come is here, in quarantine."""
    INSPECTED = "inspected"
    """Every unit that came has a disposition; what the customer gets for it is under way."""
    CLOSED = "closed"
    REJECTED = "rejected"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


S = ReturnStatus

MOVES: Moves[ReturnStatus] = {
    S.REQUESTED: {S.AUTHORIZED, S.REJECTED, S.CANCELLED},
    # Goods that the customer keeps are never received; those replaced in advance may stay away.
    S.AUTHORIZED: {S.RECEIVED, S.INSPECTED, S.CLOSED, S.EXPIRED, S.CANCELLED},
    S.RECEIVED: {S.INSPECTED},
    S.INSPECTED: {S.CLOSED},
    # Its customer is owed something again: what was sent for the goods got lost.
    S.CLOSED: {S.INSPECTED},
    S.REJECTED: set(),
    S.EXPIRED: set(),
    S.CANCELLED: set(),
}

RUNNING = frozenset({S.REQUESTED, S.AUTHORIZED, S.RECEIVED, S.INSPECTED})
"""The states in which a return has a run."""

GIVEN_UP = frozenset({S.REJECTED, S.EXPIRED, S.CANCELLED})
"""The states of returns that ended without anything having come."""

PROMISED = frozenset({S.REQUESTED, S.AUTHORIZED})
"""The states in which a return keeps its units from every other one, be they here or not."""


class ReturnKind(StrEnum):
    """What a return is for."""

    STANDARD = "standard"
    WITHDRAWAL = "withdrawal"
    """By the consumer's right to withdraw: no reason may be asked for (EU 2023/2673)."""
    UNDELIVERABLE = "undeliverable"
    """A parcel that its carrier brought back to us: it opens by itself, and nobody asks for it."""
    WARRANTY = "warranty"
    """For an approved claim on a warranty: it opens with that, and nobody asks for it."""


class ReturnReason(StrEnum):
    """Why a customer sends goods back."""

    CHANGED_MIND = "changed_mind"
    WRONG_SIZE = "wrong_size"
    NOT_AS_DESCRIBED = "not_as_described"
    DEFECTIVE = "defective"
    DAMAGED_IN_TRANSIT = "damaged_in_transit"
    WRONG_ITEM = "wrong_item"
    MISSING_PARTS = "missing_parts"
    ARRIVED_LATE = "arrived_late"
    UNDELIVERABLE = "undeliverable"
    """Never delivered: only of returns that open by themselves."""
    OTHER = "other"
    """Needs a comment."""


R = ReturnReason
MERCHANT_FAULT = frozenset(
    {
        R.NOT_AS_DESCRIBED,
        R.DEFECTIVE,
        R.DAMAGED_IN_TRANSIT,
        R.WRONG_ITEM,
        R.MISSING_PARTS,
        R.ARRIVED_LATE,
        R.UNDELIVERABLE,
    }
)
"""Reasons for which the customer has not to pay anything."""
BEARS_LABEL = frozenset({R.CHANGED_MIND, R.WRONG_SIZE})
"""Reasons for which the customer may have to pay for the label."""
NEEDS_EVIDENCE = frozenset({R.DEFECTIVE, R.DAMAGED_IN_TRANSIT})
"""Reasons that are shown, by a photo for instance, where much money is at stake."""


class ShipBack(StrEnum):
    """How the goods come back."""

    LABEL = "label"
    """With a label of our carrier's that we buy."""
    OWN = "own"
    """The customer sends them by whom it likes."""
    CARRIER = "carrier"
    """The carrier brings what it could not deliver."""
    NONE = "none"
    """They stay with the customer."""


class Disposition(StrEnum):
    """Where returned goods end up."""

    RESTOCK = "restock"
    """For sale again."""
    REFURBISH = "refurbish"
    """Where repairs are made."""
    SCRAP = "scrap"
    RETURN_TO_SUPPLIER = "return_to_supplier"
    """Where damaged goods lie, until the buyer sends them off."""
    RETURN_TO_CUSTOMER = "return_to_customer"
    """They were not accepted, or are repaired: they wait in quarantine until they are sent back."""
    REPAIR = "repair"
    """Where repairs are made: they stay the customer's own, and go back when they are repaired."""


DONE_WITH = frozenset({Disposition.RESTOCK, Disposition.SCRAP})
"""The dispositions after which a return has no more to do with its goods."""
MENDED = frozenset({Disposition.REFURBISH, Disposition.REPAIR})
"""Dispositions of goods on which a work order is planned."""
STAY_THEIRS = frozenset({Disposition.REPAIR, Disposition.RETURN_TO_CUSTOMER})
"""The dispositions of goods that the customer gets back: they are not accepted."""


class Condition(StrEnum):
    """The state that goods are in."""

    NEW = "new"
    OPENED = "opened"
    USED = "used"
    DAMAGED = "damaged"


class ResolutionWanted(StrEnum):
    """What a customer wants for the goods."""

    REFUND = "refund"
    REPLACEMENT = "replacement"
    """The same goods anew, for the accepted units."""
    REPAIR = "repair"
    """The accepted units themselves, repaired: only of returns that claims open."""


class ReplacementTiming(StrEnum):
    """When goods are replaced."""

    AFTER_INSPECTION = "after_inspection"
    IN_ADVANCE = "in_advance"
    """As soon as the return is authorized; goods that then stay away are finance's question."""


class Resolution(StrEnum):
    """What a customer got for the goods."""

    REFUND = "refund"
    """The money for the accepted units."""
    REPLACEMENT = "replacement"
    """The same goods anew."""
    REPAIR = "repair"
    """The goods themselves, repaired."""
    REJECTED = "rejected"
    """Nothing: no unit was accepted."""
    SERVED_OTHERWISE = "served_otherwise"
    """What people agreed on with the customer."""


class LabelDirection(StrEnum):
    """Which way goods of a return travel under a label of ours."""

    INBOUND = "inbound"
    """From the customer to the site."""
    OUTBOUND = "outbound"
    """From the site back to the customer, who gets what was not accepted."""


class LabelStatus(StrEnum):
    """How far a label is under which goods of a return travel."""

    PENDING = "pending"
    """To be bought."""
    BOOKED = "booked"
    """The customer can use it."""
    VOIDING = "voiding"
    """To be given back: nothing was sent with it, and nothing will be."""
    VOIDED = "voided"
    REFUSED = "refused"
    """The carrier did not sell it, or not one that is of use."""
    USED = "used"
    """Goods were sent to the customer with it, and go once more under another one."""


class LabelStep(StrEnum):
    """What a return's run has to do about its label."""

    BOOK = "book"
    VOID = "void"


LABEL_STEPS = {LabelStatus.PENDING: LabelStep.BOOK, LabelStatus.VOIDING: LabelStep.VOID}
"""What each state of a label asks of the run; in the others there is nothing to do."""


class Progress(Value):
    """How far a return is, as its run sees it."""

    status: ReturnStatus
    expires_at: datetime | None = None
    """When it expires if nothing comes; None once something came, and where nothing has to."""
    asks_at: datetime | None = None
    """When support is asked about goods that are not there to replace those of the return."""
    label: LabelStep | None = None
    """What is due about its label before anything else."""


class Expiry(Value):
    """That a deadline of a return has come, by the clock of its run."""

    return_id: ReturnId
    now: datetime
