"""Reviews of orders for which many cards were declined: a hold, a question, and its answer."""

from sqlalchemy.ext.asyncio import AsyncConnection

from activities.holds import lift, place
from activities.orders.changing import note_cancellation
from db.documents import ORDERS
from db.holds import open_hold
from db.orders.tables import OrderRow
from db.outbox import signal
from db.reads.payments import declines_of
from db.tasks import TaskRow, answers_first, open_task
from domain.answers import FraudAnswer
from domain.documents import Document, Kind, Signal
from domain.holds import HoldPlacement, HoldReason, HoldRelease
from domain.ids import new_id
from domain.orders.attempts import needs_review
from domain.orders.status import CancelReason, OrderStatus
from domain.policy import Policy
from domain.tasks import Decision, TaskKind


async def review_declines(db: AsyncConnection, order: OrderRow) -> None:
    """Stop a locked pending order for which too many cards were declined, and ask finance."""
    if order.status != OrderStatus.PENDING:
        return
    declined = await declines_of(db, order.id)
    if declined.in_review or not needs_review(declined.cards):
        return
    document = Document(Kind.ORDER, order.id)
    order = await ORDERS.lock(db, order.id)
    placement = HoldPlacement(
        document=document,
        hold_id=new_id(),
        reason=HoldReason.FRAUD_REVIEW,
        note=f"{declined.cards} cards were declined",
        actor="system",
    )
    if await place(db, order, placement):
        facts = {"order": order.number, "order_id": order.id, "declined": declined.cards}
        await open_task(
            db, TaskKind.FRAUD_REVIEW, document.kind, document.id, facts, asker=document
        )


async def settle_review(
    db: AsyncConnection, task: TaskRow, decision: Decision, policy: Policy
) -> None:
    """Record whether it is an honest customer; release the hold, or have the order cancelled.

    Raises IllegalMove for what was not offered or is decided.
    """
    order = await ORDERS.lock(db, task.document_id)
    if not await answers_first(db, decision):
        return
    document = Document(Kind.ORDER, order.id)
    if decision.choice == FraudAnswer.RELEASE:
        hold_id = await open_hold(db, document, HoldReason.FRAUD_REVIEW)
        if hold_id is not None:
            release = HoldRelease(document=document, hold_id=hold_id, actor=decision.actor)
            await lift(db, order, release, policy)
    elif order.cancel_requested_at is None:
        await note_cancellation(db, order, CancelReason.FRAUD, decision.actor)
    await signal(db, document, Signal.PAYMENT_REPORTED)
