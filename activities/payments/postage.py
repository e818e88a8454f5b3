"""The postage of an order of which nothing arrived, because its last goods were given up."""

from sqlalchemy.ext.asyncio import AsyncConnection

from activities.refunds.accepting import begin_refund
from activities.refunds.crediting import credit
from db.documents import ORDERS
from db.ledgers import ledger_of
from db.orders.tables import OrderRow
from db.payments import find_by_key
from db.refunds.refundable import billed_order, paid_order
from db.refunds.writes import find_refund, write_refund
from db.shipments.refunds import postage_kept
from domain.ids import following_id
from domain.orders.receipts import PaymentMethod
from domain.orders.status import OrderStatus
from domain.payments import POSTAGE, refund_key
from domain.refunds.rules import undelivered
from domain.refunds.status import RefundSource


async def give_postage_back(db: AsyncConnection, order: OrderRow) -> None:
    """Promise the postage of a locked order that has ended so that we owe it, once.

    By a refund that needs no person: it is not ours. One that has failed is finance's to try again.
    """
    if order.status != OrderStatus.COMPLETED or (kept := await postage_kept(db, order.id)) is None:
        return
    shipment_id, postage = kept
    refund_id = following_id(order.id, "postage", 0)
    by_older_release = await find_by_key(db, refund_key(shipment_id, POSTAGE))
    payment = (await ledger_of(db, order.id)).charged_for(shipment_id)
    if payment is None or by_older_release or await find_refund(db, refund_id):
        return
    if order.payment_method == PaymentMethod.NET_TERMS:
        less = undelivered([], postage, await billed_order(db, order))
        await credit(
            db,
            refund_id,
            order,
            less,
            None,
            source=RefundSource.CANCELLATION,
            reason="nothing of the order arrived",
            actor="system",
            shipment_id=shipment_id,
        )
        return
    paid = await paid_order(db, order)
    left = sum(one.refundable for one in paid.payments if one.id == payment.id)
    if left <= 0:
        return
    refund = await write_refund(
        db,
        refund_id,
        order,
        payment.id,
        undelivered([], min(postage, left), paid),
        source=RefundSource.CANCELLATION,
        reason="nothing of the order arrived",
        actor="system",
    )
    await begin_refund(db, refund, by_person=False)
    await ORDERS.change(db, order)
