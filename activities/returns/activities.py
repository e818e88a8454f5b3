"""The steps of a return's run: each looks at the return under its lock, and does what is due."""

from temporalio import activity

from activities.returns.deciding import expire_return
from activities.returns.lacking import ask_about_replacement, asks_for_stock_at
from activities.returns.settling import settle_return
from db.documents import RETURNS
from db.engine import Database
from db.returns.coming import has_ended
from db.returns.labels import find_due_label, find_live_label
from db.tasks import is_open
from domain.ids import ReturnId
from domain.policy import Policy
from domain.returns.status import LABEL_STEPS, Expiry, LabelStatus, Progress, ReturnStatus
from domain.tasks import TaskKind


class ReturnActivities:
    """What a return's run does."""

    def __init__(self, books: Database, policy: Policy) -> None:
        """Carry returns in these books by this policy."""
        self._books = books
        self._policy = policy

    @activity.defn
    async def settle_return(self, return_id: ReturnId) -> Progress:
        """Give the customer what an inspected return is worth, and close it once that is done.

        One that waits for a person, for goods or for the provider is only looked at.
        """
        async with self._books.begin() as db:
            await settle_return(db, return_id, self._policy)
            found = await RETURNS.lock(db, return_id)
            label = await find_live_label(db, return_id)
            due = await find_due_label(db, return_id, LabelStatus.PENDING, LabelStatus.VOIDING)
            asked = await is_open(db, TaskKind.NO_REPLACEMENT_STOCK, return_id)
            kept = found.kept_goods or await is_open(db, TaskKind.KEPT_GOODS, return_id)
            # What is here, or is looked for, waits for people, however long they take.
            came = found.last_received_at is not None or (
                label is not None and await has_ended(db, return_id)
            )
            return Progress(
                status=ReturnStatus(found.status),
                expires_at=None if came or kept else found.ship_back_by,
                asks_at=None if asked else asks_for_stock_at(found),
                label=LABEL_STEPS.get(due.status) if due else None,
            )

    @activity.defn
    async def expire_return(self, expiry: Expiry) -> None:
        """End a return of which nothing has come in time, unless a parcel is on its way."""
        async with self._books.begin() as db:
            await expire_return(db, expiry, self._policy)

    @activity.defn
    async def ask_about_replacement(self, expiry: Expiry) -> None:
        """Ask support about a return that has waited long enough for goods to replace it."""
        async with self._books.begin() as db:
            await ask_about_replacement(db, expiry)
