"""Tasks: what a person must decide or do; domain/questions.py has what each kind asks."""

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum

from domain.documents import Kind
from domain.errors import IllegalMove
from domain.ids import TaskId
from domain.value import Actor, Name, Text, Value


class TaskStatus(StrEnum):
    """Whether a task still waits for its person."""

    OPEN = "open"
    DONE = "done"
    CANCELLED = "cancelled"


class TaskKind(StrEnum):
    """Why a person is needed."""

    CAPTURE_FAILED = "capture_failed"
    PARCEL_LOST = "parcel_lost"
    ADDRESS_PROBLEM = "address_problem"
    PARCEL_EXCEPTION = "parcel_exception"
    UNDELIVERABLE = "undeliverable"
    UNKNOWN_CODE = "unknown_code"
    UNKNOWN_DOCUMENT = "unknown_document"
    BOOKING_REFUSED = "booking_refused"
    UNDO_FAILED = "undo_failed"
    PAYMENT_MISMATCH = "payment_mismatch"
    HOLD_REVIEW = "hold_review"
    PICKING_LATE = "picking_late"
    HANDOVER_LATE = "handover_late"
    NOT_SCANNED = "not_scanned"
    STALLED = "stalled"
    FRAUD_REVIEW = "fraud_review"
    UNAPPLIED_FACT = "unapplied_fact"
    REFUND_FAILED = "refund_failed"
    UNASKED_REFUND = "unasked_refund"
    CHARGEBACK = "chargeback"
    REFUND_APPROVAL = "refund_approval"
    REFUND_UNSETTLED = "refund_unsettled"
    RETURN_REVIEW = "return_review"
    UNEXPECTED_GOODS = "unexpected_goods"
    FINISH_RECEIVING = "finish_receiving"
    INSPECTION_LATE = "inspection_late"
    REJECTED_GOODS = "rejected_goods"
    RETURN_TO_SUPPLIER = "return_to_supplier"
    REFURBISHMENT = "refurbishment"
    RETURN_UNSERVED = "return_unserved"
    NO_REPLACEMENT_STOCK = "no_replacement_stock"
    KEPT_GOODS = "kept_goods"
    RENEWAL_FAILED = "renewal_failed"
    WITHDRAWAL_UNRESOLVED = "withdrawal_unresolved"
    LABEL_REFUSED = "label_refused"
    CAPTURE_REFUSED = "capture_refused"
    PARCEL_NOT_RECEIVED = "parcel_not_received"
    RETURN_PARCEL_LOST = "return_parcel_lost"
    REFUND_STOPPED = "refund_stopped"
    OVERPAID = "overpaid"
    PAY_OUT = "pay_out"
    REPLACEMENT_LOST = "replacement_lost"
    SEND_BACK_FAILED = "send_back_failed"
    CLAIM_REVIEW = "claim_review"
    LOT_SET_ASIDE = "lot_set_aside"
    PARTS_MISSING = "parts_missing"
    WORK_NOT_STARTED = "work_not_started"
    WORK_OVERDUE = "work_overdue"
    SIGN_OFF_LATE = "sign_off_late"
    TIMER_STOPPED = "timer_stopped"
    REJECTED_OFTEN = "rejected_often"
    REPAIR_FAILED = "repair_failed"
    BACKORDER_REVIEW = "backorder_review"
    WARRANTY_REGISTRATION = "warranty_registration"
    PICK_SHORTAGE = "pick_shortage"
    SHORTAGE_REVIEW = "shortage_review"
    COUNT_REVIEW = "count_review"


class Decision(Value):
    """A person's answer to a task, as a run gets it."""

    task_id: TaskId
    choice: Name
    note: Text = ""
    actor: Actor


class Decided(Value):
    """Which question was answered, and how."""

    kind: TaskKind
    choice: str


def check_repeated(decision: Decision, *, outcome: str, closed_by: str) -> None:
    """Raise IllegalMove unless this repeats the answer with which a task was decided.

    Who lost a race hears so, also with the same choice: it was not theirs that counted.
    """
    if (decision.choice, decision.actor) != (outcome, closed_by):
        raise IllegalMove(
            f"the task was decided before: {outcome}",
            current_status=str(TaskStatus.DONE),
            allowed=[],
            outcome=outcome,
            decided_by=closed_by,
        )


class TaskRule(Value):
    """Who answers a kind of task, what is asked, and what may be answered."""

    role: str
    question: str
    choices: Mapping[str, str]
    """What may be answered, each with what follows from it, in words for people."""
    due_within: timedelta = timedelta(hours=24)
    remind_every: timedelta | None = None
    """How often who is asked is reminded while it is open; None for never."""
    escalate_after: timedelta | None = None
    """When an admin is asked instead, too; None for never."""
    asker: Kind | None = None
    """Whose run waits for the answer; None for what is only recorded."""
