"""Scans of parcels of returns: shown, told, and asked about; they move no stock or money."""

from sqlalchemy.ext.asyncio import AsyncConnection

from activities.shipments.following import CARRIER
from activities.shipments.hearing import SCANNED_WITHOUT_LABEL, Followed
from db.documents import RETURNS
from db.outbox import signal_to
from db.shipments.tracking import Scans, Tracked, TrackedLabel
from db.tasks import cancel_tasks, open_task
from domain.documents import Document, Kind, Signal
from domain.returns.status import GIVEN_UP, LabelDirection, LabelStatus
from domain.shipments.status import ShipmentStatus
from domain.shipments.tracking import ParcelState
from domain.tasks import TaskKind

_AFTER_THE_END = "arrived_after_the_end"
"""The carrier delivered a parcel of a return that has ended, or whose goods finance settled."""
_ASTRAY = frozenset({ShipmentStatus.LOST, ShipmentStatus.RETURNED})


class FollowedLabel(Followed):
    """The label of a locked return to whose parcels scans are applied."""

    def __init__(self, label: TrackedLabel, scans: Scans, tracked: Tracked, source: str) -> None:
        back = label.back
        super().__init__(Document(Kind.RETURN, back.id), back.number, scans, tracked, source)
        self._label = label
        self._outbound = label.direction == LabelDirection.OUTBOUND

    async def _follow(self, db: AsyncConnection, before: ParcelState, state: ParcelState) -> None:
        if self._label.status not in (LabelStatus.BOOKED, LabelStatus.USED):
            if state.moved and not before.moved:
                await self._ask(db, SCANNED_WITHOUT_LABEL)
            return
        if state.status is not before.status:
            back = self._label.back
            told = {"parcel_status": str(state.status), "direction": self._label.direction}
            # The return shows where its parcels are: its ETag and `updated_at` have to change.
            await RETURNS.change(db, back)
            self._tracked.events.append(RETURNS.event(back, "parcel_moved", CARRIER, told))
        if self._outbound and state.moved and not before.moved:
            # The run books that the goods have left.
            self._tracked.messages.append(signal_to(self._document, Signal.RETURN_CHANGED))
        trouble = self._trouble(state)
        if trouble == self._trouble(before):
            return
        if trouble is None:
            await cancel_tasks(db, self._document.id, TaskKind.PARCEL_EXCEPTION)
        else:
            await self._ask(db, trouble)

    async def _ask(self, db: AsyncConnection, reason: str) -> None:
        back = self._label.back
        facts = {"reason": reason, "return": back.number, "order_id": back.order_id}
        await open_task(db, TaskKind.PARCEL_EXCEPTION, Kind.RETURN, back.id, facts)

    def _trouble(self, state: ParcelState) -> str | None:
        """Return what a person has to look into, if anything.

        That a parcel got lost, or is back at the customer's, is a question of its own while its
        goods are waited for (db/returns/coming.py), and so it is of what goes to the customer.
        """
        if self._outbound:
            # Of what travels under the label that lives, support is asked what follows.
            retired = self._label.status == LabelStatus.USED and state.status in _ASTRAY
            told = retired or state.status is ShipmentStatus.RETURNING
            return state.exception or (str(state.status) if told else None)
        back = self._label.back
        over = back.status in GIVEN_UP or back.kept_goods is not None
        if over and state.status is ShipmentStatus.DELIVERED:
            return _AFTER_THE_END
        asked = state.status is ShipmentStatus.RETURNING or (over and state.status in _ASTRAY)
        return state.exception or (str(state.status) if asked else None)
