"""Scans of carriers: parcels and shipments move by them, and runs hear of what matters."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from activities.shipments.following import CARRIER, state_of
from activities.shipments.settlement import question_end
from db.documents import SHIPMENTS
from db.outbox import signal_to, start_of
from db.shipments.tables import ShipmentRow
from db.shipments.tracking import (
    Scans,
    Tracked,
    TrackedParcel,
    lock_shipments_of_parcels,
    scans_of,
    write_tracked,
)
from db.tasks import cancel_tasks, open_task
from domain.documents import Document, Kind, Signal
from domain.facts import FactEnd, applied, of_no_interest, questioned, waiting
from domain.lifecycle import move
from domain.shipments.status import ENDED, MOVES, RANKS, ShipmentStatus
from domain.shipments.tracking import NEVER, ParcelState, TrackingScan, follow, predates
from domain.tasks import TaskKind
from gateways.carriers.port import Codes, Scan
from telemetry import metrics

SCANNED_WITHOUT_LABEL = "scanned_without_label"
"""The carrier has a parcel whose label was given back."""
_DUE_TASK = {"address_problem": TaskKind.ADDRESS_PROBLEM}


WEBHOOK = "webhook"


class Reporter(Protocol):
    """Who tells of parcels: a carrier's name, and what its codes mean."""

    @property
    def name(self) -> str:
        """The carrier's name on our documents."""

    @property
    def codes(self) -> Codes:
        """What its codes mean."""


async def apply_scans(
    db: AsyncConnection,
    scans: Mapping[UUID, tuple[Reporter, Scan]],
    source: str = WEBHOOK,
    shipment_id: UUID | None = None,
) -> dict[UUID, FactEnd]:
    """Apply scans, each under its fact's id, in the order given; return what became of each.

    ``source`` is the way on which they came, ``shipment_id`` what they are about, where the teller
    knows. One about a parcel that is not known here waits; a repeat changes nothing.
    """
    if not scans:
        return {}
    numbers = {(carrier.name, scan.tracking_number) for carrier, scan in scans.values()}
    parcels: defaultdict[tuple[str, str], list[TrackedParcel]] = defaultdict(list)
    for each in await lock_shipments_of_parcels(db, numbers):
        if shipment_id in (None, each.shipment.id):
            parcels[each.shipment.carrier, each.tracking_number].append(each)
    shipments = {parcel.shipment.id for namesakes in parcels.values() for parcel in namesakes}
    known = await scans_of(db, shipments) if shipments else {}
    tracked = Tracked()
    followed: dict[UUID, _Followed] = {}
    ends: dict[UUID, FactEnd] = {}
    for fact_id, (carrier, scan) in scans.items():
        namesakes = parcels.get((carrier.name, scan.tracking_number))
        if not namesakes:
            missing = f"{carrier.name} has no parcel {scan.tracking_number} of ours"
            ends[fact_id] = waiting(missing)
            continue
        heard = {
            one.hash(carrier.name, scan.tracking_number)
            for parcel in namesakes
            for one in known[parcel.shipment.id][parcel.id]
        }
        parcel = _whose(scan, namesakes)
        row = parcel.shipment
        meaning = _translate(scan, carrier.codes, row.booked_at)
        if meaning.hash(carrier.name, scan.tracking_number) in heard:
            ends[fact_id] = of_no_interest("the carrier has reported this before")
            continue
        shipment = followed.setdefault(row.id, _Followed(row, known[row.id], tracked, source))
        ends[fact_id] = await shipment.hear(db, parcel, scan, meaning, carrier.codes)
    if tracked.scans:
        await write_tracked(db, tracked)
    return ends


class _Followed:
    """A locked shipment to which scans are applied; what they change is collected."""

    def __init__(self, shipment: ShipmentRow, scans: Scans, tracked: Tracked, source: str) -> None:
        self._row = shipment
        self._source = source
        self._document = Document(Kind.SHIPMENT, shipment.id)
        self._scans = scans
        self._tracked = tracked
        self._status = ShipmentStatus(shipment.status)
        self._facts = {
            "exception_reason": shipment.exception_reason,
            "signed_by": shipment.signed_by,
            "delivered_at": shipment.delivered_at,
        }
        self._changes = 0

    async def hear(
        self,
        db: AsyncConnection,
        parcel: TrackedParcel,
        scan: Scan,
        meaning: TrackingScan,
        codes: Codes,
    ) -> FactEnd:
        """Apply one scan, and what it means, of one of the shipment's parcels."""
        of_parcel = self._scans[parcel.id]
        if meaning.before_booking:
            self._tracked.add_scan(parcel, meaning, scan.message, self._source)
            of_parcel.append(meaning)
            return of_no_interest(f"{self._row.number}: kept; dated before the parcel was booked")
        heard = applied(f"{self._row.number}: {scan.code}")
        if scan.code not in codes:
            facts = {"carrier": self._row.carrier, "code": scan.code, "message": scan.message}
            await open_task(db, TaskKind.UNKNOWN_CODE, "shipment", self._row.id, facts)
            heard = questioned(f"{self._row.number}: {scan.code} is not in the carrier's table")
        had_left = state_of(self._scans.values()).moved
        of_parcel.append(meaning)
        self._tracked.add_scan(parcel, meaning, scan.message, self._source)
        self._tracked.parcels[parcel.id] = follow(of_parcel)
        state = state_of(self._scans.values())
        if self._row.handed_over_at is not None:
            await self._advance(db, state)
            return heard
        had_exception = self._facts["exception_reason"]
        if self._status is ShipmentStatus.BOOKED and state.exception != had_exception:
            # A problem that comes before the departure is booked, or before the first scan.
            self._change({**self._facts, "exception_reason": state.exception})
            await self._report_exception(db, state.exception)
        if state.moved and not had_left:
            await self._begin_journey(db)
        return heard

    async def _begin_journey(self, db: AsyncConnection) -> None:
        """The first physical scan: the goods have left, and the run books that."""
        if self._status is not ShipmentStatus.BOOKED:
            await self._ask(db, TaskKind.PARCEL_EXCEPTION, reason=SCANNED_WITHOUT_LABEL)
            return
        self._tracked.messages.append(start_of(self._document))

    async def _advance(self, db: AsyncConnection, state: ParcelState) -> None:
        """Bring a departed shipment to where its parcels are; its run hears of the end."""
        before, had_exception = self._status, self._facts["exception_reason"]
        facts = {
            "exception_reason": state.exception,
            "signed_by": state.signed_by,
            "delivered_at": state.delivered_at,
        }
        if RANKS[state.status] > RANKS[before] or (
            before is ShipmentStatus.DELIVERED and state.status is ShipmentStatus.RETURNED
        ):
            self._status = move(MOVES, before, state.status)
            self._change(facts)
            self._announce(str(self._status), {"from": before, "to": self._status})
            metrics.count(SHIPMENTS.transitions.labels(before, str(self._status)))
            if self._status in ENDED:
                message = signal_to(self._document, Signal.CARRIER_REPORTED)
                self._tracked.messages.append(message)
        elif facts != self._facts:
            self._change(facts)
        if state.exception != had_exception:
            await self._report_exception(db, state.exception)
        if self._row.settled_at is not None and self._status is not before:
            await question_end(db, self._row, self._status)

    async def _report_exception(self, db: AsyncConnection, exception: str | None) -> None:
        if exception is None:
            asked = (TaskKind.ADDRESS_PROBLEM, TaskKind.PARCEL_EXCEPTION)
            await cancel_tasks(db, self._row.id, *asked)
            self._announce("exception_cleared", {})
            return
        kind = _DUE_TASK.get(exception, TaskKind.PARCEL_EXCEPTION)
        await self._ask(db, kind, reason=exception)
        self._announce("exception", {"reason": exception, "order_id": self._row.order_id})

    async def _ask(self, db: AsyncConnection, kind: TaskKind, **facts: str) -> None:
        about = {**facts, "order_id": self._row.order_id}
        await open_task(db, kind, "shipment", self._row.id, about)

    def _change(self, facts: dict[str, Any]) -> None:
        self._facts = facts
        self._changes += 1
        values = {"status": self._status, "changes": self._changes, **facts}
        self._tracked.shipments[self._row.id] = values

    def _announce(self, what: str, data: dict[str, Any]) -> None:
        self._tracked.events.append(SHIPMENTS.event(self._row, what, CARRIER, data))


def _whose(scan: Scan, namesakes: Sequence[TrackedParcel]) -> TrackedParcel:
    """Return the parcel that a scan is about: the newest that was booked by then.

    Carriers use a number again when its parcel's journey is over.
    """
    by_age = sorted(namesakes, key=lambda parcel: parcel.shipment.booked_at or NEVER)
    booked = [one for one in by_age if not predates(scan.occurred_at, one.shipment.booked_at)]
    return booked[-1] if booked else by_age[0]


def _translate(scan: Scan, codes: Codes, booked_at: datetime | None) -> TrackingScan:
    """Read a scan by the carrier's code table; an unknown code moves nothing."""
    status, reason, is_exception = codes.get(scan.code, (None, "", False))
    return TrackingScan(
        code=scan.code,
        status=ShipmentStatus(status) if status else None,
        exception=reason if is_exception else None,
        place=scan.place,
        signed_by=scan.signed_by,
        occurred_at=scan.occurred_at,
        recorded_at=datetime.now(UTC),
        before_booking=predates(scan.occurred_at, booked_at),
    )
