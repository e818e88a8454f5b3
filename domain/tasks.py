"""Tasks: what a person must decide or do, each kind with role, question, choices and due time."""

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum

from domain.answers import (
    REFUND,
    REFUND_WITH_POSTAGE,
    ApprovalAnswer,
    BookingAnswer,
    FraudAnswer,
    RefundAnswer,
    RightAmount,
)
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
    asker: Kind | None = None
    """Whose run waits for the answer; None for what is only recorded."""


RULES: dict[TaskKind, TaskRule] = {
    TaskKind.CAPTURE_FAILED: TaskRule(
        role="finance",
        question="The goods left but the money could not be captured. How is it settled?",
        choices={
            "retry": "The money is asked for once more, from the newest card on which some is"
            " reserved.",
            "write_off": "The money is given up; the order goes on without it.",
        },
        asker=Kind.SHIPMENT,
    ),
    TaskKind.PARCEL_LOST: TaskRule(
        role="support",
        question="The carrier lost the parcel. Give the money back, or write it off because that is"
        " settled elsewhere? (Until then it may turn up.)",
        choices={
            REFUND: "What was taken for its goods is given back, and the postage if nothing of the"
            " order reached the customer.",
            "write_off": "The goods are written off; no money moves.",
        },
        asker=Kind.SHIPMENT,
    ),
    TaskKind.ADDRESS_PROBLEM: TaskRule(
        role="support",
        question="The carrier cannot deliver to this address. Has it been clarified?",
        choices={"clarified": "Nothing moves: the next scan ends the problem."},
    ),
    TaskKind.PARCEL_EXCEPTION: TaskRule(
        role="support",
        question="The carrier reports a problem with the parcel. Has it been dealt with?",
        choices={"dealt_with": "Nothing moves: stock and money stay as they are booked."},
    ),
    TaskKind.UNDELIVERABLE: TaskRule(
        role="support",
        question="The parcel came back undelivered. Give the money back, or write it off because"
        " that is settled elsewhere?",
        choices={
            REFUND: "What was taken for its goods is given back. The postage stays with us: the"
            " customer did not take the parcel, or gave a wrong address.",
            REFUND_WITH_POSTAGE: "The same, and the postage if nothing of the order reached the"
            " customer: it was our or the carrier's fault.",
            "write_off": "The goods are written off; no money moves.",
        },
        asker=Kind.SHIPMENT,
    ),
    TaskKind.UNKNOWN_CODE: TaskRule(
        role="admin",
        question="The carrier sent a code that is not in its table. What does it mean?",
        choices={
            "mapped": "Nothing moves: the code gets its meaning with the next release.",
            "ignored": "Nothing moves: the code goes on to mean nothing.",
        },
    ),
    TaskKind.UNKNOWN_DOCUMENT: TaskRule(
        role="admin",
        question="A partner reports on something that we do not know. Whose is it?",
        choices={
            "linked": "Nothing moves: what it told was booked by hand.",
            "ignored": "Nothing moves: it was not ours.",
        },
    ),
    TaskKind.UNAPPLIED_FACT: TaskRule(
        role="admin",
        question="A partner's message could not be read or applied; what it says and what was wrong"
        " with it stand here. Has it been dealt with?",
        choices={
            "dealt_with": "Nothing moves: what it told was booked by hand.",
            "ignored": "Nothing moves: it changes nothing here.",
        },
    ),
    TaskKind.BOOKING_REFUSED: TaskRule(
        role="warehouse",
        question="The carrier refuses to book this shipment. How do the goods get there?",
        choices={
            BookingAnswer.RETRY: "The carrier is asked for the same label once more.",
            BookingAnswer.CHANGE_ADDRESS: "The order, and all of it that has no label yet, goes to"
            " another `address`.",
            BookingAnswer.CHANGE_SERVICE: "This shipment travels by another `service`; what the"
            " customer pays stays.",
            BookingAnswer.SMALLER_BOXES: "It is packed anew, into boxes of at most"
            " `heaviest_box_grams`.",
            BookingAnswer.SPLIT: "It becomes so many `shipments`, each with a label of its own.",
            BookingAnswer.OWN_LABEL: "It travels with a `label` that you bought elsewhere.",
            BookingAnswer.CANCEL: "These goods are not sent: they can be sold again, and their"
            " money is not taken. With nothing else on its way, the order is cancelled.",
        },
        asker=Kind.ORDER,
    ),
    TaskKind.UNDO_FAILED: TaskRule(
        role="admin",
        question="A step could not be undone. Was it undone by hand?",
        choices={"done": "Nothing moves: it was undone by hand."},
    ),
    TaskKind.PAYMENT_MISMATCH: TaskRule(
        role="finance",
        question="The provider reports an amount that is not ours. What is right?",
        choices={
            RightAmount.OURS: "What we asked for is booked: the provider has put it right.",
            RightAmount.THEIRS: "What the provider moved is booked.",
        },
    ),
    TaskKind.FRAUD_REVIEW: TaskRule(
        role="finance",
        question="So many cards were declined for one order that it may be card testing with"
        " stolen cards. Is it an honest customer?",
        choices={
            FraudAnswer.RELEASE: "The hold is released: the customer may try one more card.",
            FraudAnswer.CANCEL: "The order is cancelled as fraud; its stock can be sold again.",
        },
        asker=Kind.ORDER,
    ),
    TaskKind.REFUND_APPROVAL: TaskRule(
        role="finance",
        question="Is so much to be given back? (Another person than who asked for it decides.)",
        choices={
            ApprovalAnswer.APPROVE: "The provider is asked to give it back.",
            ApprovalAnswer.REJECT: "Nothing moves: the refund is cancelled.",
        },
    ),
    TaskKind.REFUND_FAILED: TaskRule(
        role="finance",
        question="Money that was to go back has not reached the customer: it is ours. How does the"
        " customer get it?",
        choices={
            RefundAnswer.RETRY: "The provider is asked once more to give the same money back.",
            RefundAnswer.GIVEN_OTHERWISE: "Nothing moves: the customer gets it in another way, such"
            " as by bank transfer.",
        },
    ),
    TaskKind.UNASKED_REFUND: TaskRule(
        role="finance",
        question="The provider gave money back that we did not ask for, perhaps from its dashboard."
        " What was it for? (So much less can be given back from now on.)",
        choices={
            "goodwill": "Nothing moves: it was a favour.",
            "goods": "Nothing moves: it was for goods; the note says which.",
            "mistake": "Nothing moves: the customer has to be asked to pay it again.",
        },
    ),
    TaskKind.CHARGEBACK: TaskRule(
        role="finance",
        question="The cardholder's bank took money back. What has not left is on hold. Do we accept"
        " that?",
        choices={
            "accepted": "Nothing moves: the loss stands. Goods on hold go when that is released.",
            "disputed": "Nothing moves: the dispute is fought at the provider, which tells when it"
            " is won.",
        },
    ),
    # What follows warns of a deadline (db/deadlines.py): it goes away by itself with its cause.
    TaskKind.HOLD_REVIEW: TaskRule(
        role="support",
        question="This hold has stopped the order for a day. Is it to stay? (Or release it, or"
        " cancel the order. If it stays, this is asked again a day later.)",
        choices={"stays": "The hold stays, and this is asked again a day later."},
    ),
    TaskKind.PICKING_LATE: TaskRule(
        role="warehouse",
        question="The order is confirmed and nothing holds it, but a day after planning these"
        " goods have no label. What keeps them? (The reason goes into the note.)",
        choices={"noted": "Nothing moves: the goods still wait for their label."},
    ),
    TaskKind.HANDOVER_LATE: TaskRule(
        role="warehouse",
        question="The label was bought a day ago and the carrier has not scanned it. Have the"
        " goods been handed over? (Either way this is asked again if no scan comes within two"
        " days.)",
        choices={
            "handed_over": "Nothing moves: only a scan of the carrier's proves it.",
            "still_here": "Nothing moves: the label stays good.",
        },
    ),
    TaskKind.NOT_SCANNED: TaskRule(
        role="warehouse",
        question="Two days after the question about the hand-over the carrier has still not"
        " scanned the goods. Where are they?",
        choices={
            "with_the_carrier": "Nothing moves: only a scan of the carrier's proves it.",
            "still_here": "Nothing moves: the label stays good.",
        },
    ),
    TaskKind.REFUND_UNSETTLED: TaskRule(
        role="finance",
        question="For a day the provider has not said whether this money went back. Has it been"
        " asked? (It goes on being asked for; without an answer this is asked again a week later.)",
        choices={"asked": "Nothing moves: the provider's answer does."},
    ),
    TaskKind.STALLED: TaskRule(
        role="support",
        question="The goods are under way and the carrier has been silent for days. Has it been"
        " asked?",
        choices={"asked": "Nothing moves: the carrier's next scan does."},
    ),
}
"""The one table of what people are asked."""
