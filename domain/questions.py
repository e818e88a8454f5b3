"""Questions: who answers each kind of task, what is asked, and what follows from an answer."""

from datetime import timedelta

from domain import counts
from domain.answers import (
    REFUND,
    ApprovalAnswer,
    BackorderAnswer,
    BookingAnswer,
    CaptureAnswer,
    FraudAnswer,
    OverpaidAnswer,
    PayOutAnswer,
    RefundAnswer,
    RightAmount,
    StoppedAnswer,
)
from domain.claims import questions as claims
from domain.documents import Kind
from domain.returns import questions as returns
from domain.tasks import TaskKind, TaskRule
from domain.work_orders import questions as work_orders

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
    TaskKind.CAPTURE_REFUSED: TaskRule(
        role="finance",
        question="The order was to be paid when it was confirmed, and the money could not be"
        " captured. Nothing gets a label before this is settled. How is it settled?",
        choices={
            CaptureAnswer.RETRY: "The money is asked for once more, from the newest card on which"
            " some is reserved.",
            CaptureAnswer.WRITE_OFF: "The money is given up; the order goes on without it.",
            CaptureAnswer.CANCEL: "The order is cancelled, if nothing of it has left; its stock can"
            " be sold again.",
        },
    ),
    TaskKind.PARCEL_LOST: TaskRule(
        role="support",
        question="The carrier lost the parcel. Give the money back, or write it off because that is"
        " settled elsewhere? (Until then it may turn up.)",
        choices={
            REFUND: "The goods are written off, and what was taken for them is given back by a"
            " refund, with the postage if nothing of the order reached the customer.",
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
        question="A step could not be undone, or money not be moved as finance had asked for by"
        " hand. Has it been dealt with?",
        choices={"done": "Nothing moves: it was dealt with by hand."},
    ),
    TaskKind.PAYMENT_MISMATCH: TaskRule(
        role="finance",
        question="The provider reports an amount that is not ours. What is right?",
        choices={
            RightAmount.OURS: "What we asked for is booked: the provider has put it right.",
            RightAmount.THEIRS: "What the provider moved is booked.",
        },
    ),
    TaskKind.RENEWAL_FAILED: TaskRule(
        role="finance",
        question="The order is on hold until another card pays. Was the customer asked to?",
        choices={"asked": "Nothing moves: the order goes on once another card has paid."},
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
        remind_every=timedelta(hours=24),
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
    TaskKind.OVERPAID: TaskRule(
        role="finance",
        question="More has come than the order owes. What becomes of it?",
        choices={
            OverpaidAnswer.GIVE_BACK: "A refund gives it back; finance is asked to send it.",
            OverpaidAnswer.KEEP: "Nothing moves: that was agreed with the customer.",
        },
    ),
    TaskKind.PAY_OUT: TaskRule(
        role="finance",
        question="No provider can give this money back. Send it to the customer's account. Has it"
        " been sent?",
        choices={
            PayOutAnswer.PAID: "The money is booked as given back.",
            PayOutAnswer.GIVEN_OTHERWISE: "Nothing moves: the refund is cancelled, and the customer"
            " gets the money in another way.",
        },
        due_within=timedelta(days=3),
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
        question="The cardholder's bank took money back. What has not left is on hold, and nothing"
        " goes back by itself. Do we accept that?",
        choices={
            "accepted": "The loss stands: refunds and returns that wait go on, with what the"
            " payment can still give. Goods on hold go when that is released.",
            "disputed": "Nothing moves: the dispute is fought at the provider, which tells when it"
            " is won. Until then no money goes back by itself.",
        },
    ),
    TaskKind.REFUND_STOPPED: TaskRule(
        role="finance",
        question="Money of the order was charged back, and the cardholder's bank may have given the"
        " customer just this. Does the customer get it all the same? (It goes by itself once the"
        " dispute is won or the loss is accepted.)",
        choices={
            StoppedAnswer.REFUND: "It goes back now, as far as the payments can still give it.",
            StoppedAnswer.BANK_PAID: "No money moves: the customer has it from the bank.",
        },
    ),
    # What follows warns of a deadline (db/deadlines.py): it goes away by itself with its cause.
    TaskKind.HOLD_REVIEW: TaskRule(
        role="support",
        question="This hold has stopped the order for a day. Is it to stay? (Or release it, or"
        " cancel the order. If it stays, this is asked again a day later.)",
        choices={"stays": "The hold stays, and this is asked again a day later."},
    ),
    TaskKind.LOT_SET_ASIDE: TaskRule(
        role="support",
        question="A lot was set aside, and there is no other stock for these goods of the order:"
        " their lines wait for some, but what has a label is in its shipment still. What was"
        " agreed with the customer? (The answer goes into the note; units that are not wanted any"
        " more are cancelled.)",
        choices={"noted": "Nothing moves: the goods wait for stock until they are cancelled."},
    ),
    TaskKind.BACKORDER_REVIEW: TaskRule(
        role="support",
        question="Goods of this order have been waiting for stock for a month. Does the customer"
        " go on waiting?",
        choices={
            BackorderAnswer.WAIT: "The order waits on, and this is asked again a month later.",
            BackorderAnswer.CANCEL: "What is backordered is cancelled, as out of stock; with"
            " nothing else on its way, the order is.",
        },
    ),
    TaskKind.SHORTAGE_REVIEW: TaskRule(
        role="support",
        question="Goods that the order was promised were not there when they were picked, and there"
        " is no other stock. The order did not ask to wait for stock. Does the customer?",
        choices={
            BackorderAnswer.WAIT: "The order waits for stock.",
            BackorderAnswer.CANCEL: "What is backordered is cancelled, as out of stock; with"
            " nothing else on its way, the order is.",
        },
    ),
    TaskKind.PICK_SHORTAGE: TaskRule(
        role="warehouse",
        question="What was not found is counted out, and what else the books had free there lies in"
        " quarantine, unless it was found damaged. Count the place: an inspector moves what of it"
        " is there out of quarantine, and then a count enters what still differs. Is it done?",
        choices={"counted": "Nothing moves: the inspector's move and the count say what is there."},
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
        question="For a day, or for ten in which it says that this is pending, the provider has not"
        " said whether this money went back. Has it been asked? (It goes on being asked for;"
        " without an answer this is asked again a week later.)",
        choices={"asked": "Nothing moves: the provider's answer does."},
    ),
    TaskKind.STALLED: TaskRule(
        role="support",
        question="The goods are under way and the carrier has been silent for days. Has it been"
        " asked?",
        choices={"asked": "Nothing moves: the carrier's next scan does."},
    ),
    **returns.QUESTIONS,
    **claims.QUESTIONS,
    **work_orders.QUESTIONS,
    TaskKind.COUNT_REVIEW: counts.REVIEW,
}
"""The one table of what people are asked."""
