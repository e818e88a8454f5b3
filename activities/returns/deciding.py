"""People's decisions about returns before goods arrive: use cases in the caller's transaction.

Each moves the return and has its run look again; the first decision counts.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import func
from sqlalchemy.ext.asyncio import AsyncConnection

from activities.returns.absent import accept_absent
from activities.returns.keeping import is_kept, replaced_in_advance, withdraw_replacement
from activities.returns.telling import tell_claim
from db.documents import ORDERS, RETURNS
from db.orders.tables import OrderRow
from db.outbox import signal
from db.returns.coming import has_arrived, has_ended, is_under_way
from db.returns.labels import drop_label, plan_label
from db.returns.tables import ReturnRow
from db.returns.writes import (
    count_promised,
    lock_return,
)
from db.tasks import TaskRow, answer_task, answers_first, cancel_tasks, open_task
from domain.access import EVERYTHING, Reach
from domain.answers import LabelAnswer, ReviewAnswer
from domain.documents import Document, Kind, Signal
from domain.errors import IllegalMove
from domain.money import Money
from domain.orders.placing import Service
from domain.policy import Policy
from domain.returns.status import GIVEN_UP, Expiry, ReturnKind, ReturnStatus, ShipBack
from domain.tasks import Decision, TaskKind

LABEL_SERVICE = Service.GROUND
EXTENSION = timedelta(days=14)
"""For so much longer goods may come that are on their way at their deadline."""
_BEFORE = GIVEN_UP | {ReturnStatus.REQUESTED}
"""The states of returns that were never authorized, or are so no more."""


async def ask_for_review(db: AsyncConnection, made: ReturnRow, value: int) -> None:
    """Ask support whether a new return may come; ``value`` is the refund due, in minor units."""
    amount = Money(amount=value, currency=made.currency)
    facts = {
        "return": made.number,
        "order_id": made.order_id,
        "amount": amount.model_dump(),
        "rule": made.decision["rule"],
    }
    told = f"{made.number} would give back {amount} ({made.decision['rule'].replace('_', ' ')})."
    await open_task(db, TaskKind.RETURN_REVIEW, Kind.RETURN, made.id, facts, told=told)


async def authorize(db: AsyncConnection, found: ReturnRow, policy: Policy, actor: str) -> None:
    """Let the goods of a locked requested return come; those that stay away count as scrapped.

    The return's run buys the label, if it needs one.
    """
    by = datetime.now(UTC) + policy.ship_back_window
    stays = found.ship_back == ShipBack.NONE
    await RETURNS.move(
        db,
        found,
        ReturnStatus.AUTHORIZED,
        actor,
        authorized_by=actor,
        ship_back_by=None if stays else by,
    )
    if found.ship_back == ShipBack.LABEL:
        await plan_label(db, found.id, LABEL_SERVICE)
    if stays:
        await _accept_what_stays(db, found, actor)


async def _accept_what_stays(db: AsyncConnection, found: ReturnRow, actor: str) -> None:
    """Accept goods that the customer keeps: they never move."""
    await accept_absent(db, found, actor, "stays with the customer")
    await RETURNS.move(db, await RETURNS.lock(db, found.id), ReturnStatus.INSPECTED, actor)


async def authorize_return(
    db: AsyncConnection, return_id: UUID, policy: Policy, *, actor: str, reach: Reach = EVERYTHING
) -> None:
    """Let a requested return come; once is as good as twice.

    Raises NotFound, and IllegalMove for one that was rejected or given up, or has expired.
    """
    _, found = await lock_return(db, return_id, reach)
    if found.status not in _BEFORE:
        return
    await authorize(db, found, policy, actor)
    await _go_on(db, found)


async def reject_return(
    db: AsyncConnection, return_id: UUID, reason: str, *, actor: str, reach: Reach = EVERYTHING
) -> None:
    """Say no to a requested return, and give its units back; once is as good as twice.

    Raises NotFound, and IllegalMove for one that was authorized or has ended otherwise.
    """
    orders, found = await lock_return(db, return_id, reach)
    if found.status == ReturnStatus.REJECTED:
        return
    await RETURNS.move(
        db, found, ReturnStatus.REJECTED, actor, {"reason": reason}, reject_reason=reason
    )
    await _give_units_back(db, orders, found)


async def cancel_return(
    db: AsyncConnection, return_id: UUID, reason: str, *, actor: str, reach: Reach = EVERYTHING
) -> None:
    """Give a return up of which nothing has arrived; once is as good as twice.

    What replaces its goods in advance is cancelled, and its label is given back. Raises NotFound,
    and IllegalMove for goods that never were delivered, once something has arrived or is on its
    way under the label (but not what got lost there), a replacement has left, or it has ended
    otherwise.
    """
    orders, found = await lock_return(db, return_id, reach)
    if found.status == ReturnStatus.CANCELLED:
        return
    if found.kind == ReturnKind.UNDELIVERABLE:
        raise IllegalMove(
            "its goods were never delivered: support says what the customer gets for them",
            current_status=found.status,
            allowed=[],
        )
    if found.last_received_at is not None or await has_arrived(db, return_id):
        raise IllegalMove("some of the goods have arrived", current_status=found.status, allowed=[])
    if await is_under_way(db, return_id):
        raise IllegalMove("the goods are on their way", current_status=found.status, allowed=[])
    await withdraw_replacement(db, found, actor)
    data = {"reason": reason} if reason else {}
    await RETURNS.move(db, found, ReturnStatus.CANCELLED, actor, data, cancel_reason=reason)
    await _give_units_back(db, orders, found)


async def expire_return(db: AsyncConnection, expiry: Expiry, policy: Policy) -> None:
    """End an authorized return of which nothing has come by its deadline; else do nothing.

    The deadline is put off, once, while a parcel is on its way, and counts no more once a parcel is
    here or got lost: people are asked about that. Where its goods were replaced in
    advance, finance is asked about them instead.
    """
    orders, found = await lock_return(db, expiry.return_id)
    until = found.ship_back_by
    if found.status != ReturnStatus.AUTHORIZED or found.last_received_at:
        return
    if until is None or until > expiry.now or await has_ended(db, found.id):
        return
    if found.ship_back_extended_at is None and await is_under_way(db, found.id):
        by = until + EXTENSION
        await RETURNS.change(db, found, ship_back_by=by, ship_back_extended_at=func.now())
        await RETURNS.add_event(db, found, "ship_back_extended", "system", {"ship_back_by": by})
        return
    if await replaced_in_advance(db, found) is not None:
        await is_kept(db, orders, found, policy)
        return
    await RETURNS.move(db, found, ReturnStatus.EXPIRED, "system")
    await _give_units_back(db, orders, found)


async def settle_return_review(
    db: AsyncConnection, task: TaskRow, decision: Decision, policy: Policy
) -> None:
    """Authorize or reject a return as support answered.

    Raises IllegalMove for what was not offered or is decided.
    """
    # The orders first, as everything locks that counts their units.
    await lock_return(db, task.document_id)
    await answer_task(db, decision)
    if decision.choice == ReviewAnswer.AUTHORIZE:
        await authorize_return(db, task.document_id, policy, actor=decision.actor)
    else:
        reason = decision.note or "not within what we take back"
        await reject_return(db, task.document_id, reason, actor=decision.actor)


async def settle_label(db: AsyncConnection, task: TaskRow, decision: Decision) -> None:
    """Ask for another label, do without one, or give the return up, as support answered.

    Raises IllegalMove for what was not offered or is decided.
    """
    _, found = await lock_return(db, task.document_id)
    if not await answers_first(db, decision):
        return
    match LabelAnswer(decision.choice):
        case LabelAnswer.RETRY:
            await plan_label(db, found.id, LABEL_SERVICE)
            await RETURNS.change(db, found)
        case LabelAnswer.OWN:
            await RETURNS.change(db, found, ship_back=ShipBack.OWN, label_fee_amount=0)
            data = {"ship_back": ShipBack.OWN}
            await RETURNS.add_event(db, found, "changed", decision.actor, data)
        case LabelAnswer.CANCEL:
            await cancel_return(db, found.id, decision.note, actor=decision.actor)
    await _go_on(db, found)


async def _give_units_back(
    db: AsyncConnection, orders: Mapping[UUID, OrderRow], found: ReturnRow
) -> None:
    """Give the units of a return that has ended back to their orders; its run looks again."""
    await drop_label(db, found.id)
    await cancel_tasks(db, found.id, TaskKind.NO_REPLACEMENT_STOCK)
    await count_promised(db, found.id, times=-1)
    for order in orders.values():
        await ORDERS.change(db, order)
    await tell_claim(db, found)
    await _go_on(db, found)


async def _go_on(db: AsyncConnection, found: ReturnRow) -> None:
    """Take back the questions about the return, and have its run look at it again."""
    await cancel_tasks(db, found.id, TaskKind.RETURN_REVIEW, TaskKind.LABEL_REFUSED)
    await signal(db, Document(Kind.RETURN, found.id), Signal.RETURN_CHANGED)
