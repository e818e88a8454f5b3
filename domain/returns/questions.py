"""What people are asked about returns."""

from datetime import timedelta

from domain.answers import (
    ArrivalAnswer,
    KeptAnswer,
    LabelAnswer,
    LeavingAnswer,
    LostAnswer,
    ReceivingAnswer,
    RefurbishedAnswer,
    ReplacementAnswer,
    ReplacementLostAnswer,
    ReviewAnswer,
    SendBackAnswer,
    UndeliverableAnswer,
    UnservedAnswer,
)
from domain.tasks import TaskKind, TaskRule

QUESTIONS: dict[TaskKind, TaskRule] = {
    TaskKind.RETURN_REVIEW: TaskRule(
        role="support",
        question="May the customer send these goods back?",
        choices={
            ReviewAnswer.AUTHORIZE: "The customer may send them; their units stay promised to this"
            " return.",
            ReviewAnswer.REJECT: "Nothing comes back: the customer is told the note as the reason,"
            " and may ask again.",
        },
        remind_every=timedelta(days=1),
        escalate_after=timedelta(days=3),
    ),
    TaskKind.UNDELIVERABLE: TaskRule(
        role="support",
        question="The parcel comes back undelivered. What does the customer get, once the goods"
        " are inspected?",
        choices={
            UndeliverableAnswer.REFUND: "What was taken for the accepted goods goes back by a"
            " refund. The postage stays with us: the customer did not take the parcel, or gave a"
            " wrong address.",
            UndeliverableAnswer.REFUND_WITH_POSTAGE: "The same, and the postage if nothing of the"
            " order reached the customer: it was our or the carrier's fault.",
            UndeliverableAnswer.RESEND: "The accepted goods are sent anew, for nothing, as soon as"
            " they are in stock: to the order's address, or to the `address` of this answer.",
            UndeliverableAnswer.WRITE_OFF: "No money moves: that is settled elsewhere. The goods"
            " are received and inspected all the same.",
        },
    ),
    TaskKind.UNEXPECTED_GOODS: TaskRule(
        role="support",
        question="A parcel of this return held goods that are not on it. What becomes of them?",
        choices={
            "linked": "Nothing moves: they were booked by hand, on another return for instance.",
            "sent_back": "Nothing moves: they go back to the customer and never were in the books.",
        },
    ),
    TaskKind.REJECTED_GOODS: TaskRule(
        role="warehouse",
        question="Goods of this return were not accepted and wait in quarantine. What becomes of"
        " them?",
        choices={
            LeavingAnswer.SEND: "They go back to the customer under a label that the carrier sells:"
            " to the order's address, or to the `address` of this answer. They leave quarantine"
            " when it has them.",
            LeavingAnswer.SENT: "They have left quarantine for the customer otherwise; the note may"
            " say with which carrier and under which number.",
            LeavingAnswer.SCRAPPED: "They leave quarantine as lost: the customer does not want"
            " them.",
        },
    ),
    TaskKind.RETURN_TO_SUPPLIER: TaskRule(
        role="buyer",
        question="Goods of this return are for their supplier and wait among the damaged ones. What"
        " became of them?",
        choices={
            LeavingAnswer.SENT: "They leave for the supplier; the note may say under which number.",
            LeavingAnswer.SCRAPPED: "They leave as lost: the supplier does not take them.",
        },
    ),
    TaskKind.REFURBISHMENT: TaskRule(
        role="warehouse",
        question="Goods of this return lie where repairs are made. What has become of them?",
        choices={
            RefurbishedAnswer.RESTOCK: "They are as good as new: they go to a shelf of the site and"
            " are for sale again.",
            RefurbishedAnswer.SCRAP: "They cannot be mended: they leave the place for repairs as"
            " lost.",
        },
        due_within=timedelta(days=7),
    ),
    TaskKind.RETURN_UNSERVED: TaskRule(
        role="support",
        question="The goods are accepted, but the refund or the replacement for them was given up"
        " before it moved. What does the customer get?",
        choices={
            UnservedAnswer.REFUND_AGAIN: "A new refund is asked for, of what is due now.",
            UnservedAnswer.SERVED_OTHERWISE: "No money moves: the return is closed, because the"
            " customer got something else.",
        },
    ),
    TaskKind.LABEL_REFUSED: TaskRule(
        role="support",
        question="The customer waits for the label. How do the goods come back?",
        choices={
            LabelAnswer.RETRY: "The carrier is asked once more, for a new label.",
            LabelAnswer.OWN: "The customer sends them by whom it likes.",
            LabelAnswer.CANCEL: "The return is cancelled; its units can be returned anew.",
        },
    ),
    TaskKind.SEND_BACK_FAILED: TaskRule(
        role="support",
        question="Goods that were not accepted are to go back to the customer under a label of"
        " ours: the carrier has not scanned it for two days, lost them, brings them back, or sells"
        " no other one. What becomes of them? (This goes away by itself when it scans or"
        " delivers them.)",
        choices={
            SendBackAnswer.SEND: "They go once more, under a new label: to the order's address, or"
            " to the `address` of this answer. The old one is given back if it was not used.",
            SendBackAnswer.SENT: "Nothing more: the customer has them, or they went otherwise; the"
            " note may say how.",
            SendBackAnswer.SETTLED: "Nothing more: they are lost, or the customer does not want"
            " them. What the customer got for them stands in the note.",
            SendBackAnswer.WAIT: "Nothing moves, and this is asked again two days later.",
        },
    ),
    # What follows warns of a deadline (db/deadlines.py): it goes away by itself with its cause.
    TaskKind.PARCEL_NOT_RECEIVED: TaskRule(
        role="warehouse",
        question="Two days ago the carrier delivered a parcel of this return to us, and nothing of"
        " it has been received. Is it here?",
        choices={
            ArrivalAnswer.HERE: "Nothing moves: it is received next; what was given up as lost is"
            " inspected anew. This is asked again two days later.",
            ArrivalAnswer.NOT_HERE: "Nothing moves: it counts as lost, and support is asked what"
            " the customer gets.",
        },
    ),
    TaskKind.RETURN_PARCEL_LOST: TaskRule(
        role="support",
        question="A parcel of this return did not reach us: the carrier lost it, brought it back to"
        " the customer, or says that we have it. What does the customer get? (This goes away by"
        " itself when the goods come.)",
        choices={
            LostAnswer.REFUND: "All that has not come counts as accepted: what was paid for it goes"
            " back, or nothing where it was replaced in advance. No stock moves.",
            LostAnswer.REPLACE: "All that has not come counts as accepted, and is sent anew. No"
            " stock comes in.",
            LostAnswer.WAIT: "Nothing moves, and this is asked again a week later.",
            LostAnswer.CANCEL: "The return is cancelled; its units can be returned anew.",
        },
    ),
    TaskKind.FINISH_RECEIVING: TaskRule(
        role="warehouse",
        question="Two weeks ago something of this return arrived, or the carrier said so, and the"
        " rest has not. Is that all that comes?",
        choices={
            ReceivingAnswer.FINISH: "What came is inspected; what did not come can be returned"
            " anew, and what a carrier was to bring back counts as accepted.",
            ReceivingAnswer.WAIT: "Nothing moves, and this is asked again two weeks later.",
        },
    ),
    TaskKind.INSPECTION_LATE: TaskRule(
        role="inspector",
        question="Returned goods have waited for their inspection for two days. What keeps them?"
        " (The reason goes into the note.)",
        choices={"noted": "Nothing moves: the goods still wait for their inspection."},
    ),
    TaskKind.NO_REPLACEMENT_STOCK: TaskRule(
        role="support",
        question="The customer wants other ones for them, but there is no stock to send. What does"
        " the customer get? (This goes away by itself when the goods are there.)",
        choices={
            ReplacementAnswer.REFUND: "What was paid for the accepted goods goes back, as soon as"
            " they are here and inspected; nothing is sent.",
            ReplacementAnswer.WAIT: "The goods are sent as soon as they are there; without them"
            " this is asked again after as long a wait.",
            ReplacementAnswer.WRITE_OFF: "No money moves and nothing is sent: that is settled"
            " elsewhere, as the note says.",
        },
    ),
    TaskKind.REPLACEMENT_LOST: TaskRule(
        role="support",
        question="The carrier lost goods that were sent in the place of returned ones. What does"
        " the customer get? (This goes away by itself when the parcel turns up.)",
        choices={
            ReplacementLostAnswer.REPLACE: "They are sent once more, for nothing, as soon as they"
            " are in stock; the lost ones are written off.",
            ReplacementLostAnswer.REFUND: "What was paid for the accepted goods that they replaced"
            " goes back by a refund; the lost ones are written off.",
            ReplacementLostAnswer.WRITE_OFF: "No money moves and nothing is sent: that is settled"
            " elsewhere, as the note says. The lost ones are written off.",
        },
    ),
    TaskKind.KEPT_GOODS: TaskRule(
        role="finance",
        question="They were replaced in advance, and the customer has them still. What becomes of"
        " what they are worth? (Nothing is charged by this; it goes away when the goods come.)",
        choices={
            KeptAnswer.INVOICE: "The customer is charged for them by an invoice of yours.",
            KeptAnswer.WRITE_OFF: "The customer keeps them for nothing.",
        },
    ),
    TaskKind.WITHDRAWAL_UNRESOLVED: TaskRule(
        role="support",
        question="A consumer withdrew ten days ago and has no refund yet, which is due fourteen"
        " days after the withdrawal, or when the goods or proof of their sending have come. What"
        " keeps it?",
        choices={
            "awaits_goods": "Nothing moves: neither the goods nor proof of their sending have come."
            " This is asked again two days later.",
            "noted": "Nothing moves: the note says what is being done. This is asked again two days"
            " later.",
        },
    ),
}
