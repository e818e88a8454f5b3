"""What one scan changes, whatever its parcel belongs to: it is kept, and where all stand counts."""

from abc import ABC, abstractmethod

from sqlalchemy.ext.asyncio import AsyncConnection

from activities.shipments.following import state_of
from db.shipments.tracking import Scans, Tracked, TrackedParcel
from db.tasks import open_task
from domain.documents import Document
from domain.facts import FactEnd, applied, of_no_interest, questioned
from domain.shipments.tracking import ParcelState, TrackingScan, follow
from domain.tasks import TaskKind
from gateways.carriers.port import Codes, Scan

SCANNED_WITHOUT_LABEL = "scanned_without_label"
"""The carrier has a parcel whose label was given back."""


class Followed(ABC):
    """A locked document to whose parcels scans are applied; what they change is collected."""

    def __init__(
        self, document: Document, number: str, scans: Scans, tracked: Tracked, source: str
    ) -> None:
        self._document = document
        self._number = number
        self._scans = scans
        self._tracked = tracked
        self._source = source

    async def hear(
        self,
        db: AsyncConnection,
        parcel: TrackedParcel,
        scan: Scan,
        meaning: TrackingScan,
        codes: Codes,
    ) -> FactEnd:
        """Apply one scan, and what it means, of one of the document's parcels."""
        of_parcel = self._scans[parcel.id]
        if meaning.before_booking:
            self._tracked.add_scan(parcel, meaning, scan.message, self._source)
            of_parcel.append(meaning)
            return of_no_interest(f"{self._number}: kept; dated before the parcel was booked")
        heard = applied(f"{self._number}: {scan.code}")
        if scan.code not in codes:
            carrier = parcel.owner.carrier
            facts = {"carrier": carrier, "code": scan.code, "message": scan.message}
            kind, document = TaskKind.UNKNOWN_CODE, self._document
            await open_task(db, kind, document.kind, document.id, facts)
            heard = questioned(f"{self._number}: {scan.code} is not in the carrier's table")
        before = state_of(self._scans.values())
        of_parcel.append(meaning)
        self._tracked.add_scan(parcel, meaning, scan.message, self._source)
        self._tracked.parcels[parcel.id] = follow(of_parcel)
        await self._follow(db, before, state_of(self._scans.values()))
        return heard

    @abstractmethod
    async def _follow(self, db: AsyncConnection, before: ParcelState, state: ParcelState) -> None:
        """Bring the document from where its parcels were to where they are now."""
