"""A parcel's status as a pure function of its set of scans, so arrival order cannot matter."""

import hashlib
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime, timedelta

from domain.shipments.status import RANKS, ShipmentStatus
from domain.value import Value

CONTRADICTION_WITHIN = timedelta(hours=72)
"""A return scan this soon after delivery contradicts the delivery."""

_NEVER = datetime.min.replace(tzinfo=UTC)


class TrackingScan(Value):
    """One carrier event, translated: ``status`` is None when the code moves nothing."""

    code: str
    status: ShipmentStatus | None
    exception: str | None
    place: str
    signed_by: str
    occurred_at: datetime

    def hash(self, carrier: str, tracking_number: str) -> str:
        """Name this event: the same event reported twice has the same name."""
        facts = (carrier, tracking_number, self.code, self.occurred_at.isoformat(), self.place)
        return hashlib.sha256("\x1f".join(facts).encode()).hexdigest()

    @property
    def rank(self) -> int:
        """How far this event says the parcel is; 0 when it does not say."""
        return RANKS[self.status] if self.status else 0


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
    """
    ordered = sorted(scans, key=lambda scan: (scan.occurred_at, scan.rank, scan.code, scan.place))
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
            returning = True
            if delivered and scan.occurred_at - delivered.occurred_at <= CONTRADICTION_WITHIN:
                exception = "conflicting_facts"
        if meaning is ShipmentStatus.DELIVERED and returning:
            meaning = ShipmentStatus.RETURNED
        if meaning is ShipmentStatus.DELIVERED:
            delivered = scan
        reached = (RANKS[meaning], scan.occurred_at)
        if best is None or reached >= best:
            best, status = reached, meaning
    is_delivered = status is ShipmentStatus.DELIVERED and delivered is not None
    return ParcelState(
        status=status,
        exception=exception,
        signed_by=delivered.signed_by if is_delivered and delivered else "",
        delivered_at=delivered.occurred_at if is_delivered and delivered else None,
        moved=RANKS[status] > RANKS[ShipmentStatus.BOOKED],
    )


def combine(parcels: Sequence[ParcelState]) -> ParcelState:
    """Return a shipment's state; the proof of delivery is that of the last parcel."""
    least = max(parcels, key=lambda one: (-RANKS[one.status], one.delivered_at or _NEVER))
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
