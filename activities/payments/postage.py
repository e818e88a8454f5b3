"""The postage of an order of which nothing arrived, because its last goods were given up."""

from sqlalchemy.ext.asyncio import AsyncConnection

from activities.payments.provider import record_intent
from db.ledgers import ledger_of
from db.orders.tables import OrderRow
from db.payments import find_by_key
from db.shipments.refunds import plan_refund, postage_kept
from domain.orders.status import OrderStatus
from domain.payments import POSTAGE, EntryKind, Intent, Phase, add_up, refund_key


async def postage_intent(db: AsyncConnection, order: OrderRow) -> Intent | None:
    """Record that the postage of a locked order is to be given back, once; None when it is not.

    What the provider has refused is a person's task and not tried again.
    """
    if order.status != OrderStatus.COMPLETED or (kept := await postage_kept(db, order.id)) is None:
        return None
    ledger = await ledger_of(db, order.id)
    shipment_id, postage = kept
    payment = ledger.charged_for(shipment_id)
    if payment is None:
        return None
    key = refund_key(shipment_id, POSTAGE)
    known = await find_by_key(db, key)
    if any(entry.phase is not Phase.REQUESTED for entry in known):
        return None
    left = add_up(ledger.of(payment.id)).refundable
    amount = known[0].amount if known else min(postage, left)
    if amount <= 0:
        return None
    await plan_refund(db, shipment_id, postage=amount)
    return await record_intent(db, payment, EntryKind.REFUND, key, amount, shipment_id)
