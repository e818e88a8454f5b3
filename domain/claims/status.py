"""The states of a claim on a warranty, the words that it is told in, and what moves it."""

from datetime import datetime, timedelta
from enum import StrEnum

from domain.ids import ClaimId
from domain.lifecycle import Moves
from domain.value import Value


class ClaimStatus(StrEnum):
    """How far a claim is."""

    FILED = "filed"
    """Before it is judged, which happens as it is filed."""
    UNDER_REVIEW = "under_review"
    """Waits for its evidence, or for support, who approves or denies it."""
    APPROVED = "approved"
    """The goods come in, and what the customer gets for them is under way."""
    DENIED = "denied"
    """Refused: by a rule, by a person, or since the inspection found no fault."""
    SETTLED = "settled"
    """The customer has what was promised."""
    WITHDRAWN = "withdrawn"


S = ClaimStatus

MOVES: Moves[ClaimStatus] = {
    S.FILED: {S.UNDER_REVIEW, S.APPROVED, S.DENIED},
    S.UNDER_REVIEW: {S.APPROVED, S.DENIED, S.SETTLED, S.WITHDRAWN},
    S.APPROVED: {S.SETTLED, S.DENIED, S.WITHDRAWN},
    # Once by appeal, and as goodwill whenever support says so.
    S.DENIED: {S.UNDER_REVIEW, S.APPROVED},
    S.SETTLED: set(),
    S.WITHDRAWN: set(),
}

RUNNING = frozenset({S.FILED, S.UNDER_REVIEW, S.APPROVED})
"""The states in which a claim has a run, and its units are on no other claim."""


class ClaimRule(StrEnum):
    """By what a claim is where it is: the first check that fails, or who has decided."""

    NOT_OWNER = "not_owner"
    """Another customer has the unit."""
    VOID = "void"
    CANCELLED = "cancelled"
    REPLACED = "replaced"
    NOT_STARTED = "not_started"
    """It failed before the warranty's first day."""
    EXPIRED = "expired"
    """It failed after the last day, or was claimed more than 30 days after it."""
    EXCLUDED = "excluded"
    """The term does not cover the symptom."""
    CLAIM_LIMIT = "claim_limit"
    """As many claims were settled as the term allows."""
    EVIDENCE = "evidence"
    """The symptom has to be shown, and is not yet."""
    CUSTOMER_FLAGGED = "customer_flagged"
    VALUE_ABOVE_LIMIT = "value_above_limit"
    """The goods cost more than is approved by itself, or nobody knows what they cost."""
    TO_BE_CHOSEN = "to_be_chosen"
    """How the term wants it to be settled is a person's to arrange."""
    WITHIN_LIMIT = "within_limit"
    """All checks have passed, and the goods cost so little that nobody has to look."""
    NO_EVIDENCE = "no_evidence"
    """Its evidence did not come in time."""
    NO_FAULT_FOUND = "no_fault_found"
    """Nothing of what came in was accepted."""
    PERSON = "person"
    """Support has decided."""


CLAIMED_WITHIN = timedelta(days=30)
"""So long after the last day a fault of a covered day may be claimed."""
EVIDENCE_WITHIN = timedelta(days=14)
"""So long the evidence may take."""
EVIDENCE_REMINDED = timedelta(days=7)
APPEAL_WITHIN = timedelta(days=30)
"""So long after it was denied a claim may be appealed, once."""


class Progress(Value):
    """Where a claim is, as its run is told."""

    status: ClaimStatus
    evidence_due_at: datetime | None
    """When it is denied for want of evidence; None where none is waited for."""


class Lapse(Value):
    """A claim whose evidence is due."""

    claim_id: ClaimId
    now: datetime
