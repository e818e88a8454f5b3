"""Steps that place and release holds on documents; each is one transaction and may run twice."""

from temporalio import activity

from db.documents import DOCUMENTS
from db.engine import Database
from db.holds import find_hold, record_hold, release_hold, require_hold
from domain.holds import HoldPlacement, HoldRelease, already_held


class HoldActivities:
    """What a run does to the holds of its document."""

    def __init__(self, books: Database) -> None:
        """Keep holds in these books."""
        self._books = books

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
            if not await record_hold(db, placement):
                raise already_held(document.kind, placement.reason)
            await documents.change(db, row)
            data = placement.model_dump(include={"hold_id", "reason", "note"})
            await documents.add_event(db, row, "hold_placed", placement.actor, data)

    @activity.defn
    async def release_hold(self, release: HoldRelease) -> None:
        """Lift one hold; a hold released before stays released."""
        document = release.document
        documents = DOCUMENTS[document.kind]
        async with self._books.begin() as db:
            row = await documents.lock(db, document.id)
            await require_hold(db, release.hold_id, document)
            reason = await release_hold(db, release)
            if reason is None:
                return
            await documents.change(db, row)
            data = {"hold_id": release.hold_id, "reason": reason}
            await documents.add_event(db, row, "hold_released", release.actor, data)
