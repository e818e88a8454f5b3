"""What people are asked about work orders."""

from domain.answers import RepairAnswer
from domain.tasks import TaskKind, TaskRule

QUESTIONS: dict[TaskKind, TaskRule] = {
    TaskKind.PARTS_MISSING: TaskRule(
        role="planner",
        question="The site has not had all parts for this work for two days. What is done about it?"
        " (The parts go to it by themselves once all are there.)",
        choices={"noted": "Nothing moves: this is asked again after two days."},
    ),
    TaskKind.WORK_NOT_STARTED: TaskRule(
        role="planner",
        question="All is there for this work, and it was not started for three days, or will not be"
        " done in time any more. What keeps it? (The reason goes into the note.)",
        choices={"noted": "Nothing moves: this is asked again after three days."},
    ),
    TaskKind.WORK_OVERDUE: TaskRule(
        role="planner",
        question="The day is over by which this work was to be done. When is it? (A later day is"
        " set on the work order. A repair for a claim that is given up, by cancelling the work, is"
        " asked about anew: offer the customer another settlement.)",
        choices={"noted": "Nothing moves: this is asked again tomorrow."},
    ),
    TaskKind.SIGN_OFF_LATE: TaskRule(
        role="inspector",
        question="This work has been complete for a day. Is it as it should be? (It is signed off,"
        " or rejected, on the work order.)",
        choices={"noted": "Nothing moves: this is asked again tomorrow."},
    ),
    TaskKind.TIMER_STOPPED: TaskRule(
        role="planner",
        question="How long was worked in truth? (A wrong entry is corrected on the work order.)",
        choices={
            "corrected": "Nothing moves: the entry that corrects it counts.",
            "right": "Nothing moves: the twelve hours count.",
        },
    ),
    TaskKind.REJECTED_OFTEN: TaskRule(
        role="planner",
        question="Is it worth going on?",
        choices={
            "go_on": "Nothing moves: the work goes on, and you are asked again if it is rejected.",
            "give_up": "Nothing moves by itself: the work order is cancelled, or completed as"
            " unrepairable, by hand.",
        },
    ),
    TaskKind.REPAIR_FAILED: TaskRule(
        role="support",
        question="What does the customer get instead?",
        choices={
            RepairAnswer.REPLACE: "Other goods of the kind are sent for nothing; the faulty ones"
            " stay here as lost.",
            RepairAnswer.REFUND: "What was paid for them goes back; they stay here as lost.",
            RepairAnswer.SEND_BACK: "They go back as they are, under a label of ours; the claim"
            " counts as settled by what was agreed.",
        },
    ),
}
