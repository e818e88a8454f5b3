"""Steps that place and release holds on documents; each is one transaction and may run twice."""

from temporalio import activity

from db.documents import DOCUMENTS
from db.engine import Database
from db.holds import find_hold, record_hold, release_hold, require_hold
from db.orders.steps import announce, change_order, lock_order
from domain.documents import Kind
from domain.holds import HoldPlacement, HoldRelease, already_held

_WRITES = {Kind.ORDER: (lock_order, change_order, announce)}
"""The kinds that take holds, and how their rows are locked, changed and told about."""


class HoldActivities:
    """What a run does to the holds of its document."""

    def __init__(self, books: Database) -> None:
        """Keep holds in these books."""
        self._books = books

    @activity.defn
    async def place_hold(self, placement: HoldPlacement) -> None:
        """Stop the document; refuse a second open hold of the same reason."""
        document = placement.document
        lock, change, tell = _WRITES[document.kind]
        async with self._books.begin() as db:
            row = await lock(db, document.id)
            if await find_hold(db, placement.hold_id, document):
                return
            DOCUMENTS[document.kind].check_running(row.status)
            if not await record_hold(db, placement):
                raise already_held(document.kind, placement.reason)
            await change(db, row)
            data = placement.model_dump(include={"hold_id", "reason", "note"})
            await tell(db, row, "hold_placed", placement.actor, data)

    @activity.defn
    async def release_hold(self, release: HoldRelease) -> None:
        """Lift one hold; a hold released before stays released."""
        document = release.document
        lock, change, tell = _WRITES[document.kind]
        async with self._books.begin() as db:
            row = await lock(db, document.id)
            await require_hold(db, release.hold_id, document)
            reason = await release_hold(db, release)
            if reason is None:
                return
            await change(db, row)
            data = {"hold_id": release.hold_id, "reason": reason}
            await tell(db, row, "hold_released", release.actor, data)
