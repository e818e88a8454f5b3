"""Steps that place and release holds on documents; each is one transaction and may run twice."""

from typing import Any

from sqlalchemy import func
from sqlalchemy.ext.asyncio import AsyncConnection
from temporalio import activity

from db.documents import DOCUMENTS
from db.engine import Database
from db.holds import find_hold, is_held, record_hold, release_hold, require_hold
from db.inventory.demand import review_for
from db.tasks import cancel_tasks
from domain.documents import Kind
from domain.holds import HoldPlacement, HoldReason, HoldRelease, already_held
from domain.orders.receipts import window_of
from domain.orders.status import OrderStatus
from domain.policy import Policy
from domain.tasks import TaskKind

ASKED_ABOUT = {
    HoldReason.FRAUD_REVIEW: TaskKind.FRAUD_REVIEW,
    HoldReason.AWAITING_PAYMENT: TaskKind.RENEWAL_FAILED,
}
"""What people are asked as long as a hold of such a reason is open."""


class HoldActivities:
    """What a run does to the holds of its document."""

    def __init__(self, books: Database, policy: Policy) -> None:
        """Keep holds in these books; a released order has the policy's payment window again."""
        self._books = books
        self._policy = policy

    @activity.defn
    async def place_hold(self, placement: HoldPlacement) -> None:
        """Stop the document; refuse a second open hold of the same reason."""
        document = placement.document
        documents = DOCUMENTS[document.kind]
        async with self._books.begin() as db:
            row = await documents.lock(db, document.id)
            if await find_hold(db, placement.hold_id, document):
                return
            documents.check_running(row.status)
            if not await place(db, row, placement):
                raise already_held(document.kind, placement.reason)

    @activity.defn
    async def release_hold(self, release: HoldRelease) -> None:
        """Lift one hold; a hold released before stays released.

        With the last one the payment window of an order starts again.
        """
        document = release.document
        documents = DOCUMENTS[document.kind]
        async with self._books.begin() as db:
            row = await documents.lock(db, document.id)
            await require_hold(db, release.hold_id, document)
            await lift(db, row, release, self._policy)


async def place(db: AsyncConnection, row: Any, placement: HoldPlacement) -> bool:
    """Hold a locked document; False and silent when it is held for this reason already."""
    documents = DOCUMENTS[placement.document.kind]
    if not await record_hold(db, placement):
        return False
    await documents.change(db, row)
    data = placement.model_dump(include={"hold_id", "reason", "note"})
    await documents.add_event(db, row, "hold_placed", placement.actor, data)
    return True


async def lift(db: AsyncConnection, row: Any, release: HoldRelease, policy: Policy) -> None:
    """Lift one hold of a locked document; a hold released before stays released.

    With the last one the payment window of an order starts again. What was asked about its reason
    is taken back.
    """
    document = release.document
    documents = DOCUMENTS[document.kind]
    reason = await release_hold(db, release)
    if reason is None:
        return
    if asked := ASKED_ABOUT.get(HoldReason(reason)):
        await cancel_tasks(db, document.id, asked)
    restarted = {}
    pending = document.kind is Kind.ORDER and row.status == OrderStatus.PENDING
    if pending and not await is_held(db, document.id):
        # The window starts again, and never gets shorter.
        due = func.now() + window_of(row.payment_method, policy.payment_window)
        restarted["payment_due_at"] = func.greatest(row.payment_due_at, due)
    await documents.change(db, row, **restarted)
    data = {"hold_id": release.hold_id, "reason": reason}
    data |= {"note": release.note} if release.note else {}
    await documents.add_event(db, row, "hold_released", release.actor, data)
    await review_for(db, document.id)
