"""What people are asked about warranties, and about claims on them."""

from datetime import timedelta

from domain.answers import ClaimAnswer, RegistrationAnswer
from domain.tasks import TaskKind, TaskRule

QUESTIONS: dict[TaskKind, TaskRule] = {
    TaskKind.CLAIM_REVIEW: TaskRule(
        role="support",
        question="What does the customer get for this fault?",
        choices={
            ClaimAnswer.REPAIR: "The goods come in under a label of ours, a work order repairs"
            " them, and they go back.",
            ClaimAnswer.REPLACE: "The goods come in under a label of ours; once they are accepted,"
            " others of the kind are sent for nothing.",
            ClaimAnswer.REPLACE_IN_ADVANCE: "Others of the kind are sent at once; finance is asked"
            " if the faulty ones do not come in.",
            ClaimAnswer.REFUND: "The goods come in under a label of ours; once they are accepted,"
            " what was paid for them goes back.",
            ClaimAnswer.SETTLED_OTHERWISE: "Nothing moves here: it was repaired elsewhere, for"
            " instance. The claim counts as settled, and the warranty goes on.",
            ClaimAnswer.DENY: "Nothing moves: the customer is told the note as the reason, and may"
            " appeal once.",
        },
        due_within=timedelta(days=2),
        remind_every=timedelta(days=2),
        escalate_after=timedelta(days=4),
    ),
    TaskKind.WARRANTY_REGISTRATION: TaskRule(
        role="support",
        question="A customer asks for the warranty of goods that were bought elsewhere. Does the"
        " proof show that these goods are the customer's, since that day?",
        choices={
            RegistrationAnswer.REGISTER: "The goods are under warranty from that day, by the term"
            " that the item is sold with now.",
            RegistrationAnswer.REFUSE: "Nothing moves: the goods are not under warranty. The"
            " customer may ask once more, with another proof.",
        },
        due_within=timedelta(days=2),
    ),
}
