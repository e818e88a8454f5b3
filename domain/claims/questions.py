"""What people are asked about claims on warranties."""

from datetime import timedelta

from domain.answers import ClaimAnswer
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
}
