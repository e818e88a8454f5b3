"""A parcel's status as a pure function of its set of scans, so arrival order cannot matter."""

import hashlib
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime, timedelta

from domain.shipments.status import RANKS, ShipmentStatus
from domain.value import Value

CONTRADICTION_WITHIN = timedelta(hours=72)
"""A return scan this soon after delivery contradicts the delivery."""

GRACE = timedelta(days=1)
"""How far a carrier's clock may be off, towards its booking and into the future."""

NEVER = datetime.min.replace(tzinfo=UTC)
"""Before all that has happened."""


class TrackingScan(Value):
    """One carrier event, translated: ``status`` is None when the code moves nothing."""

    code: str
    status: ShipmentStatus | None
    exception: str | None
    place: str
    signed_by: str
    occurred_at: datetime
    recorded_at: datetime | None = None
    """When we were told; None where no clock but the carrier's is at hand."""
    before_booking: bool = False
    """Whether it is dated before its parcel was booked: kept and shown, never applied."""

    def hash(self, carrier: str, tracking_number: str) -> str:
        """Name this event: the same event reported twice has the same name."""
        facts = (carrier, tracking_number, self.code, self.occurred_at.isoformat(), self.place)
        return hashlib.sha256("\x1f".join(facts).encode()).hexdigest()

    @property
    def runs_ahead(self) -> bool:
        """Whether its clock is wrong: it would have occurred long after it was told."""
        return self.recorded_at is not None and self.occurred_at > self.recorded_at + GRACE

    @property
    def moment(self) -> datetime:
        """When it occurred, by our clock where the carrier's is wrong."""
        if self.recorded_at is not None and self.runs_ahead:
            return self.recorded_at
        return self.occurred_at

    @property
    def rank(self) -> int:
        """How far this event says the parcel is; 0 when it does not say."""
        return RANKS[self.status] if self.status else 0


def predates(occurred_at: datetime, booked_at: datetime | None) -> bool:
    """Whether a fact is dated more than a day before the booking of its parcel.

    Carriers use tracking numbers again, and clocks are wrong: it is about another parcel, or a lie.
    """
    return booked_at is not None and occurred_at < booked_at - GRACE


class ParcelState(Value):
    """Where a parcel stands after all its scans."""

    status: ShipmentStatus
    exception: str | None
    signed_by: str
    delivered_at: datetime | None
    moved: bool
    """Whether the carrier physically has, or had, the parcel."""


def follow(scans: Iterable[TrackingScan]) -> ParcelState:
    """Fold a booked parcel's scans into its state.

    Sorted by time, rank and code. A delivery after a return counts as returned, since it reached
    us; otherwise the highest (rank, time) wins. The exception is that of the latest event, or
    ``conflicting_facts`` when a return follows a delivery too soon.

    The carrier's clock alone never decides: what is dated before the booking is left out, and what
    is dated ahead counts from when we were told, turns no delivery into a return, and gives way
    to whatever is told after it.
    """
    ordered = sorted(
        (scan for scan in scans if not scan.before_booking),
        key=lambda scan: (scan.moment, scan.rank, scan.code, scan.place),
    )
    best: tuple[int, datetime] | None = None
    status = ShipmentStatus.BOOKED
    returning = False
    delivered: TrackingScan | None = None
    exception: str | None = None
    for scan in ordered:
        exception = scan.exception
        meaning = scan.status
        if meaning is None:
            continue
        if meaning is ShipmentStatus.RETURNING:
            returning = returning or not scan.runs_ahead
            if delivered and scan.moment - delivered.moment <= CONTRADICTION_WITHIN:
                exception = "conflicting_facts"
        if meaning is ShipmentStatus.DELIVERED and returning:
            meaning = ShipmentStatus.RETURNED
        if meaning is ShipmentStatus.DELIVERED:
            delivered = scan
        reached = (RANKS[meaning], scan.moment)
        if best is None or reached >= best:
            best, status = reached, meaning
    if exception is not None and _is_outdated(ordered):
        exception = None
    is_delivered = status is ShipmentStatus.DELIVERED and delivered is not None
    return ParcelState(
        status=status,
        exception=exception,
        signed_by=delivered.signed_by if is_delivered and delivered else "",
        delivered_at=delivered.moment if is_delivered and delivered else None,
        moved=RANKS[status] > RANKS[ShipmentStatus.BOOKED],
    )


def _is_outdated(ordered: Sequence[TrackingScan]) -> bool:
    """Whether the last of the scans runs ahead and another one was told after it."""
    last = ordered[-1]
    return last.runs_ahead and any(
        scan.recorded_at > last.recorded_at
        for scan in ordered
        if scan.exception is None and scan.recorded_at and last.recorded_at
    )


def combine(parcels: Sequence[ParcelState]) -> ParcelState:
    """Return a shipment's state; the proof of delivery is that of the last parcel."""
    least = max(parcels, key=lambda one: (-RANKS[one.status], one.delivered_at or NEVER))
    exceptions = [parcel.exception for parcel in parcels if parcel.exception]
    return least.model_copy(
        update={
            "status": least_far([parcel.status for parcel in parcels]),
            "exception": exceptions[0] if exceptions else None,
            "moved": any(parcel.moved for parcel in parcels),
        }
    )


def least_far(parcels: Collection[ShipmentStatus]) -> ShipmentStatus:
    """Return a shipment's status: that of its parcel that is least far, but at least picked up.

    A shipment is handed over as a whole: the first scan of one parcel proves it, while the others
    may not be scanned yet. Delivered only when all are; lost or returned when every parcel has
    ended and one so, because the ends have the highest ranks and delivery the highest of all.
    """
    least = min(parcels, key=RANKS.__getitem__)
    has_left = any(status is not ShipmentStatus.BOOKED for status in parcels)
    return ShipmentStatus.PICKED_UP if has_left and least is ShipmentStatus.BOOKED else least
