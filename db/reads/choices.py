"""The money behind each answer to a task, by the rules that act on it, as it stands now."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from db.returns.parcels import shipments_of
from db.shipments.refunds import paid_for
from db.shipments.unsent import owed_less_without
from db.tasks import TaskRow
from domain.answers import (
    ApprovalAnswer,
    BookingAnswer,
    CaptureAnswer,
    OverpaidAnswer,
    PayOutAnswer,
    RefundAnswer,
    StoppedAnswer,
)
from domain.documents import Kind
from domain.money import Money
from domain.shipments.refunds import money_of
from domain.tasks import TaskKind, TaskStatus

Amounts = Mapping[str, tuple[Money, Money]]
"""By choice: what it moves or gives up, and what of it the payment can no longer give."""

_ABOUT_SHIPMENTS = (TaskKind.PARCEL_LOST, TaskKind.UNDELIVERABLE, TaskKind.CAPTURE_FAILED)

_MOVING: Mapping[str, Sequence[str]] = {
    TaskKind.CAPTURE_REFUSED: (CaptureAnswer.RETRY, CaptureAnswer.WRITE_OFF),
    TaskKind.OVERPAID: (OverpaidAnswer.GIVE_BACK,),
    TaskKind.PAY_OUT: (PayOutAnswer.PAID,),
    TaskKind.REFUND_APPROVAL: (ApprovalAnswer.APPROVE,),
}
"""The answers that move or give up the amount which their task tells of."""


async def amounts_of(db: AsyncConnection, tasks: Sequence[TaskRow]) -> dict[UUID, Amounts]:
    """Return the money of the choices of those open tasks that are about money."""
    asked = [task for task in tasks if task.status == TaskStatus.OPEN]
    about = await _shipments(db, asked)
    paid = await paid_for(db, set(about.values())) if about else {}
    found: dict[UUID, Amounts] = {}
    for task in asked:
        if task.kind == TaskKind.BOOKING_REFUSED:
            less = await owed_less_without(db, task.document_id)
            none = _money(0, less.currency)
            # Only giving the goods up changes what the customer owes.
            amounts = dict.fromkeys(task.choices, (none, none))
            found[task.id] = {**amounts, BookingAnswer.CANCEL: (less, none)}
        if moving := _MOVING.get(task.kind):
            found[task.id] = _only(task, moving, Money.stored(task.facts["amount"]))
        if task.kind == TaskKind.REFUND_FAILED:
            found[task.id] = _only(task, (RefundAnswer.RETRY,), _again(task.facts))
        if task.kind == TaskKind.REFUND_STOPPED and "amount" in task.facts:
            waits = Money.stored(task.facts["amount"])
            found[task.id] = _only(task, (StoppedAnswer.REFUND,), waits)
        if task.kind == TaskKind.PAYMENT_MISMATCH:
            told = {choice: task.facts[choice] for choice in task.choices}
            found[task.id] = {
                choice: (Money.stored(money), _money(0, money["currency"]))
                for choice, money in told.items()
            }
        elif (shipment := about.get(task.id)) in paid:
            of = paid[shipment]
            moves = {choice: money_of(TaskKind(task.kind), choice, of) for choice in task.choices}
            found[task.id] = {
                choice: (_money(amount, of.currency), _money(short, of.currency))
                for choice, (amount, short) in moves.items()
            }
    return found


async def _shipments(db: AsyncConnection, tasks: Sequence[TaskRow]) -> dict[UUID, UUID]:
    """Return the shipments that tasks are about, by the task: their own, or their return's."""
    asked = [task for task in tasks if task.kind in _ABOUT_SHIPMENTS]
    returns = [task.document_id for task in asked if task.document_type == Kind.RETURN]
    known = await shipments_of(db, returns) if returns else {}
    return {task.id: known.get(task.document_id, task.document_id) for task in asked}


def _only(task: TaskRow, choices: Sequence[str], moved: Money) -> Amounts:
    """Return amounts of which only these choices move any, or give it up."""
    none = _money(0, moved.currency)
    return {each: (moved if each in choices else none, none) for each in task.choices}


def _again(facts: Mapping[str, Any]) -> Money:
    """Return what a further try gives back: of a refund, or of the parts of a shipment's."""
    if "amount" in facts:
        return Money.stored(facts["amount"])
    return _money(facts["goods"] + facts["postage"], facts["currency"])


def _money(amount: int, currency: str) -> Money:
    return Money(amount=amount, currency=currency)
