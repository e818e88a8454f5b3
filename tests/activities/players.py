"""The processes as players of a story: which step follows which answer, without Temporal.

Each is what its workflow does, step by step; what the workflow waits for is yielded as ``Wait``.
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from enum import Enum
from typing import Any
from uuid import UUID

from domain.answers import REFUND, REFUND_WITH_POSTAGE
from domain.orders.requests import Cancellation, Progress, Standing, expiry_reason
from domain.orders.status import OrderStatus
from domain.refunds.status import RefundStatus
from domain.shipments.outcomes import ShipmentDecision
from domain.shipments.status import ENDED
from domain.tasks import Decision, TaskKind
from tests.activities.attempts import Attempt


@dataclass(frozen=True)
class Step:
    """A step that the process takes next."""

    name: str
    given: Any


class Wait(Enum):
    """What the process waits for."""

    NEWS = "news"
    NEWS_OR_WINDOW = "news, or the payment window's end"
    DECISION = "a decision, or news"


Play = Generator[Step | Wait, Any, Any]


class Player:
    """A run: where it is, and what it has heard."""

    def __init__(self, document_id: UUID, play: Callable[["Player"], Play]) -> None:
        """Begin the run of a document."""
        self.id = document_id
        self.news = False
        self.withdrawal: Cancellation | None = None
        self.decisions: list[tuple[TaskKind, str, Decision]] = []
        self.attempt: Attempt | None = None
        self.attempts = 0
        self.lost = False
        self.next: Step | Wait | None = None
        self._play = play(self)
        self.answer(None)

    def answer(self, result: Any) -> None:
        """Go on with what the last step came to, or because the wait is over."""
        self.attempt, self.attempts = None, 0
        try:
            self.next = self._play.send(result)
        except StopIteration:
            self.next = None

    @property
    def ended(self) -> bool:
        return self.next is None

    @property
    def stays(self) -> bool:
        """Whether it waits and nothing that it waits for has come."""
        heard = self.news or (self.next is Wait.DECISION and bool(self.decisions))
        return isinstance(self.next, Wait) and not heard

    def heed(self, asked: Cancellation | None) -> None:
        if self.withdrawal is None:
            self.withdrawal = asked


def fulfil(run: Player) -> Play:
    """OrderFulfillment."""
    while True:
        shipping = False
        progress: Progress | None = yield from _secure(run)
        if progress is not None and progress.status is OrderStatus.CONFIRMED:
            shipping = True
            progress = yield from _ship(run, progress)
        if progress is not None:
            if progress.to_capture:
                progress = yield Step("capture_payment", run.id)
            if progress.authorized_amount:
                yield Step("void_payment", run.id)
            return
        if shipping:
            yield Step("recall_shipments", run.id)
        status = yield Step("cancel_order", run.withdrawal)
        if status is OrderStatus.CONFIRMED:
            yield Step("resume_order", run.id)
        run.withdrawal = None
        yield Step("void_payment", run.id)
        if status is OrderStatus.CANCELLED:
            return


def _secure(run: Player) -> Play:
    while True:
        progress: Progress = yield Step("authorize_payment", run.id)
        if progress.status is not OrderStatus.PENDING:
            return progress
        run.heed(progress.cancellation)
        if run.withdrawal is None and not run.news:
            secured = progress.standing is Standing.SECURED
            late = yield Wait.NEWS if secured else Wait.NEWS_OR_WINDOW
            if late:
                reason = expiry_reason(progress.standing)
                run.heed(Cancellation(order_id=run.id, reason=reason, actor="system"))
        if run.withdrawal is not None:
            return None
        run.news = False


def _ship(run: Player, progress: Progress) -> Play:
    while progress.status is OrderStatus.CONFIRMED:
        if progress.cancelling_lines:
            yield Step("withdraw_labels", run.id)
            progress = yield Step("cancel_order_lines", run.id)
            continue
        run.heed(progress.cancellation)
        if run.withdrawal is not None:
            if (yield Step("recall_shipments", run.id)):
                return None
            run.withdrawal = None
            progress = yield Step("resume_order", run.id)
        if progress.to_capture:
            progress = yield Step("capture_payment", run.id)
        for shipment in progress.to_book:
            yield Step("book_shipment", shipment)
        if not run.news:
            yield Wait.NEWS
        run.news = False
        yield Step("authorize_payment", run.id)
        progress = yield Step("complete_order", run.id)
    return progress


def give_back(run: Player) -> Play:
    """PaymentRefund."""
    while True:
        run.news = False
        status = yield Step("submit_refund", run.id)
        if status in (RefundStatus.SUCCEEDED, RefundStatus.CANCELLED):
            if not run.news:
                return
        elif not run.news:
            yield Wait.NEWS


def follow(run: Player) -> Play:
    """ShipmentTracking."""
    journey = yield Step("hand_over_shipment", run.id)
    while journey.owed or not journey.settled:
        if not run.news and journey.status not in ENDED:
            yield Wait.NEWS
        run.news = False
        journey = yield Step("settle_shipment", run.id)
        unsettled = journey.owed or not journey.settled
        if run.decisions or (journey.status in ENDED and unsettled):
            if not run.decisions and not run.news:
                yield Wait.DECISION
            while run.decisions:
                kind, choice, decision = run.decisions.pop(0)
                answer = ShipmentDecision(shipment_id=run.id, decision=decision)
                if kind is TaskKind.CAPTURE_FAILED and choice == "retry":
                    journey = yield Step("retry_capture", answer)
                elif kind is TaskKind.CAPTURE_FAILED:
                    journey = yield Step("write_off_capture", run.id)
                elif choice in (REFUND, REFUND_WITH_POSTAGE):
                    journey = yield Step("refund_shipment", answer)
                elif choice == "write_off":
                    journey = yield Step("write_off_shipment", run.id)
