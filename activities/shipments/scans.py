"""Scans of carriers: parcels and shipments move by them, and runs hear of what matters."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from activities.returns.parcels import FollowedLabel
from activities.shipments.following import CARRIER
from activities.shipments.hearing import SCANNED_WITHOUT_LABEL, Followed
from activities.shipments.settlement import question_end
from db.documents import SHIPMENTS
from db.outbox import signal_to, start_of
from db.shipments.tables import ShipmentRow
from db.shipments.tracking import (
    Scans,
    Tracked,
    TrackedLabel,
    TrackedParcel,
    lock_returns_of_parcels,
    lock_shipments_of_parcels,
    scans_of,
    scans_of_labels,
    write_tracked,
)
from db.tasks import cancel_tasks, open_task
from domain.documents import Document, Kind, Signal
from domain.facts import FactEnd, of_no_interest, waiting
from domain.lifecycle import move
from domain.shipments.status import ENDED, MOVES, RANKS, RUNNING, ShipmentStatus
from domain.shipments.tracking import NEVER, ParcelState, TrackingScan, predates
from domain.tasks import TaskKind
from gateways.carriers.port import Codes, Scan
from telemetry import metrics

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
    parcels = await _find_parcels(db, numbers, shipment_id)
    known = await _known_of(db, parcels)
    tracked = Tracked()
    followed: dict[UUID, Followed] = {}
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
            for one in known[parcel.owner.id][parcel.id]
        }
        parcel = _whose(scan, namesakes)
        owner = parcel.owner
        meaning = _translate(scan, carrier.codes, owner.booked_at)
        if meaning.hash(carrier.name, scan.tracking_number) in heard:
            ends[fact_id] = of_no_interest("the carrier has reported this before")
            continue
        if owner.id not in followed:
            followed[owner.id] = _follow(owner, known[owner.id], tracked, source)
        document = followed[owner.id]
        ends[fact_id] = await document.hear(db, parcel, scan, meaning, carrier.codes)
    if tracked.scans:
        await write_tracked(db, tracked)
    return ends


async def _find_parcels(
    db: AsyncConnection, numbers: Collection[tuple[str, str]], shipment_id: UUID | None
) -> Mapping[tuple[str, str], Sequence[TrackedParcel]]:
    """Lock what parcels belong to, and return them by carrier and number."""
    found: defaultdict[tuple[str, str], list[TrackedParcel]] = defaultdict(list)
    for each in await lock_shipments_of_parcels(db, numbers):
        if shipment_id in (None, each.owner.id):
            found[each.owner.carrier, each.tracking_number].append(each)
    if shipment_id is not None:
        return found
    # A number that a shipment's parcel lives under is no other parcel's.
    living = {key for key, parcels in found.items() if any(_lives(one) for one in parcels)}
    if others := set(numbers) - living:
        for each in await lock_returns_of_parcels(db, others):
            found[each.owner.carrier, each.tracking_number].append(each)
    return found


def _lives(parcel: TrackedParcel) -> bool:
    return parcel.owner.status in RUNNING


async def _known_of(
    db: AsyncConnection, parcels: Mapping[tuple[str, str], Sequence[TrackedParcel]]
) -> dict[UUID, Scans]:
    """Return all that was said of what these parcels belong to, by its id."""
    owners = [parcel.owner for namesakes in parcels.values() for parcel in namesakes]
    labels = {owner.id for owner in owners if isinstance(owner, TrackedLabel)}
    shipments = {owner.id for owner in owners} - labels
    known = await scans_of(db, shipments) if shipments else {}
    return known | (await scans_of_labels(db, labels) if labels else {})


def _follow(
    owner: ShipmentRow | TrackedLabel, scans: Scans, tracked: Tracked, source: str
) -> Followed:
    if isinstance(owner, TrackedLabel):
        return FollowedLabel(owner, scans, tracked, source)
    return _FollowedShipment(owner, scans, tracked, source)


class _FollowedShipment(Followed):
    """A locked shipment to which scans are applied."""

    def __init__(self, shipment: ShipmentRow, scans: Scans, tracked: Tracked, source: str) -> None:
        document = Document(Kind.SHIPMENT, shipment.id)
        super().__init__(document, shipment.number, scans, tracked, source)
        self._row = shipment
        self._status = ShipmentStatus(shipment.status)
        self._facts = {
            "exception_reason": shipment.exception_reason,
            "signed_by": shipment.signed_by,
            "delivered_at": shipment.delivered_at,
        }
        self._changes = 0

    async def _follow(self, db: AsyncConnection, before: ParcelState, state: ParcelState) -> None:
        if self._row.handed_over_at is not None:
            await self._advance(db, state)
            return
        had_exception = self._facts["exception_reason"]
        if self._status is ShipmentStatus.BOOKED and state.exception != had_exception:
            # A problem that comes before the departure is booked, or before the first scan.
            self._change({**self._facts, "exception_reason": state.exception})
            await self._report_exception(db, state.exception)
        if state.moved and not before.moved:
            await self._begin_journey(db)

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
    by_age = sorted(namesakes, key=lambda parcel: parcel.owner.booked_at or NEVER)
    booked = [one for one in by_age if not predates(scan.occurred_at, one.owner.booked_at)]
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
