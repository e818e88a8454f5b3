"""Lost shipments of replacement orders: written off once, with what the customer gets for them."""

from sqlalchemy.ext.asyncio import AsyncConnection

from activities.returns.replacing import refund_lost
from activities.returns.resending import check_owed, reopen
from activities.shipments.settlement import write_off
from db.documents import ORDERS, RETURNS, SHIPMENTS
from db.outbox import signal
from db.returns.losses import add_loss, find_lost, items_of
from db.returns.writes import lock_return
from db.tasks import TaskRow, answers_first
from domain.answers import ReplacementLostAnswer
from domain.documents import Document, Kind, Signal
from domain.errors import IllegalMove, NotFound
from domain.policy import Policy
from domain.returns.status import GIVEN_UP, ReturnStatus
from domain.shipments.status import ShipmentStatus
from domain.tasks import Decision


async def settle_loss(
    db: AsyncConnection, task: TaskRow, decision: Decision, policy: Policy
) -> None:
    """Write lost goods off that replaced those of a return, and give what support answered.

    The return's run sends them once more or pays them back; a closed one is opened again for that.
    Raises IllegalMove for what was not offered or is decided, for a parcel that has turned up and
    for a return that was given up, and AmountExceeded where no money can go back.
    """
    lost = await find_lost(db, task.document_id)
    if lost is None:
        raise NotFound(f"no replacement was sent with {task.document_id}")
    orders, found = await lock_return(db, lost.return_id)
    order = await ORDERS.lock(db, lost.order_id)
    shipment = await SHIPMENTS.lock(db, lost.shipment_id)
    if not await answers_first(db, decision):
        return
    if shipment.status != ShipmentStatus.LOST or shipment.settled_at is not None:
        why = "the parcel is not lost any more"
        raise IllegalMove(why, current_status=shipment.status, allowed=[])
    answer = ReplacementLostAnswer(decision.choice)
    gives = answer is not ReplacementLostAnswer.WRITE_OFF
    if gives and found.status in GIVEN_UP:
        why = f"{found.number} came to nothing: the customer has its goods"
        raise IllegalMove(why, current_status=found.status, allowed=[])
    units = await items_of(db, shipment.id)
    if answer is ReplacementLostAnswer.REFUND:
        await check_owed(db, orders, found, units, policy)
    await write_off(db, order, shipment, refunded=False)
    await add_loss(db, shipment.id, found.id, answer, decision.actor)
    data = {
        "shipment": shipment.number,
        "order": order.number,
        "answer": answer,
        "units": units.total(),
    }
    await RETURNS.add_event(db, found, "replacement_lost", decision.actor, data)
    if gives and found.status == ReturnStatus.CLOSED:
        await reopen(db, found, decision.actor)
    else:
        await RETURNS.change(db, found)
    if answer is ReplacementLostAnswer.REFUND and found.status != ReturnStatus.CLOSED:
        await refund_lost(db, found, decision.actor)
    await signal(db, Document(Kind.RETURN, found.id), Signal.RETURN_CHANGED)
    await signal(db, Document(Kind.SHIPMENT, shipment.id), Signal.CARRIER_REPORTED)
