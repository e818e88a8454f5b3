"""Orders on terms that wait for credit: they are tried again when some has become free."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from db.orders.terms import pending_on_terms
from db.outbox import signal
from domain.documents import Document, Kind, Signal


async def wake_waiting(db: AsyncConnection, customer_id: UUID) -> None:
    """Have the runs of a customer's unconfirmed orders on terms look again, the oldest first.

    All of them, because a hold may be placed just now. What meets a check that began before, the
    sweep ``credit`` finds.
    """
    for order_id in await pending_on_terms(db, customer_id):
        await signal(db, Document(Kind.ORDER, order_id), Signal.PAYMENT_REPORTED)
