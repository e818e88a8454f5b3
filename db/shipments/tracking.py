"""Tracking facts of parcels: read and written for many shipments at once."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple, cast
from uuid import UUID

from sqlalchemy import ARRAY, String, Uuid, any_, bindparam, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from db.engine import to_json
from db.events import ADD_EVENTS, Event, to_add
from db.outbox import ADD_MESSAGES, Message
from db.returns.tables import ReturnLabelRow, ReturnRow
from db.shipments.tables import ParcelRow, ShipmentRow, TrackingEventRow
from domain.ids import new_id
from domain.shipments.status import FREE, ShipmentStatus
from domain.shipments.tracking import ParcelState, TrackingScan, predates

Scans = dict[UUID, list[TrackingScan]]
"""All that the carrier said about the parcels of one label, by parcel."""

# Who locks several shipments locks them in the order of their ids.
_BY_NUMBER = (
    select(ShipmentRow.__table__, ParcelRow.id.label("parcel_id"), ParcelRow.tracking_number)
    .join(ParcelRow, ParcelRow.shipment_id == ShipmentRow.id)
    .where(
        ParcelRow.carrier == any_(bindparam("carriers", type_=ARRAY(String))),
        ParcelRow.tracking_number == any_(bindparam("numbers", type_=ARRAY(String))),
    )
    .order_by(ShipmentRow.id)
    .with_for_update(of=ShipmentRow, key_share=True)
)
_LABELS_BY_NUMBER = (
    select(
        ReturnRow.__table__,
        ReturnLabelRow.id.label("label_id"),
        ReturnLabelRow.direction,
        ReturnLabelRow.booked_at,
        ParcelRow.carrier,
        ParcelRow.id.label("parcel_id"),
        ParcelRow.tracking_number,
    )
    .join(ReturnLabelRow, ReturnLabelRow.return_id == ReturnRow.id)
    .join(ParcelRow, ParcelRow.return_label_id == ReturnLabelRow.id)
    .where(
        ParcelRow.carrier == any_(bindparam("carriers", type_=ARRAY(String))),
        ParcelRow.tracking_number == any_(bindparam("numbers", type_=ARRAY(String))),
    )
    .order_by(ReturnRow.id)
    .with_for_update(of=ReturnRow, key_share=True)
)
_LABEL_STATES = select(ReturnLabelRow.id, ReturnLabelRow.status).where(
    ReturnLabelRow.id == any_(bindparam("labels", type_=ARRAY(Uuid)))
)


def _scans(row: Any, owner: Any) -> Any:
    """Select the scans of all parcels of shipments or labels, which are the ``owner`` of each."""
    return (
        select(
            owner.label("owner"),
            row.booked_at,
            ParcelRow.id.label("parcel"),
            TrackingEventRow.__table__,
        )
        .join(row, row.id == owner)
        .outerjoin(TrackingEventRow, TrackingEventRow.parcel_id == ParcelRow.id)
        .where(owner == any_(bindparam("owners", type_=ARRAY(Uuid))))
        .order_by(ParcelRow.id)
    )


_SCANS = _scans(ShipmentRow, ParcelRow.shipment_id)
_LABEL_SCANS = _scans(ReturnLabelRow, ParcelRow.return_label_id)


class TrackedLabel(NamedTuple):
    """A label of a locked return, under which goods of it travel to us or to the customer."""

    id: UUID
    direction: str
    carrier: str
    booked_at: datetime | None
    status: str
    back: ReturnRow


class TrackedParcel(NamedTuple):
    """A parcel with its locked shipment, or with the label of a locked return."""

    owner: ShipmentRow | TrackedLabel
    id: UUID
    tracking_number: str


async def lock_shipments_of_parcels(
    db: AsyncConnection, parcels: Collection[tuple[str, str]]
) -> list[TrackedParcel]:
    """Lock and return the shipments of parcels (carrier, number), a row for each parcel.

    A row more comes back where two of the carriers happen to use the same number, and where one
    has used it again.

    For what changes the shipments alone; who changes an order too locks it first.
    """
    carriers, numbers = map(set, zip(*parcels, strict=True))
    given = {"carriers": list(carriers), "numbers": list(numbers)}
    return [
        TrackedParcel(cast(ShipmentRow, row), row.parcel_id, row.tracking_number)
        for row in await db.execute(_BY_NUMBER, given)
    ]


async def lock_returns_of_parcels(
    db: AsyncConnection, parcels: Collection[tuple[str, str]]
) -> list[TrackedParcel]:
    """Lock and return the returns of parcels (carrier, number) that come back under our labels.

    As `lock_shipments_of_parcels` does, and after that.
    """
    carriers, numbers = map(set, zip(*parcels, strict=True))
    given = {"carriers": list(carriers), "numbers": list(numbers)}
    rows = (await db.execute(_LABELS_BY_NUMBER, given)).all()
    if not rows:
        return []
    # Read under the lock: the one that waited for it would see the label as it was before.
    labels = {"labels": [row.label_id for row in rows]}
    states = {row.id: row.status for row in await db.execute(_LABEL_STATES, labels)}
    return [
        TrackedParcel(
            TrackedLabel(
                row.label_id,
                row.direction,
                row.carrier,
                row.booked_at,
                states[row.label_id],
                cast(ReturnRow, row),
            ),
            row.parcel_id,
            row.tracking_number,
        )
        for row in rows
    ]


def scan_of(row: Any) -> TrackingScan:
    """Return the scan of a tracking event's row that has its parcel's ``booked_at``, too."""
    return TrackingScan(
        code=row.code,
        status=ShipmentStatus(row.status) if row.status else None,
        exception=row.exception,
        place=row.place,
        signed_by=row.signed_by,
        occurred_at=row.occurred_at,
        recorded_at=row.recorded_at,
        before_booking=predates(row.occurred_at, row.booked_at),
    )


async def scans_of(db: AsyncConnection, shipment_ids: Collection[UUID]) -> dict[UUID, Scans]:
    """Return all that the carrier said about the parcels of shipments, by shipment."""
    return await _read_scans(db, _SCANS, shipment_ids)


async def scans_of_labels(db: AsyncConnection, label_ids: Collection[UUID]) -> dict[UUID, Scans]:
    """Return all that the carrier said about parcels that come back, by their label."""
    return await _read_scans(db, _LABEL_SCANS, label_ids)


async def _read_scans(
    db: AsyncConnection, query: Any, owners: Collection[UUID]
) -> dict[UUID, Scans]:
    found: dict[UUID, Scans] = {owner: {} for owner in owners}
    for row in await db.execute(query, {"owners": list(owners)}):
        of_parcel = found[row.owner].setdefault(row.parcel, [])
        if row.id is not None:
            of_parcel.append(scan_of(row))
    return found


@dataclass
class Tracked:
    """What scans change about locked shipments, to be written by one statement."""

    scans: list[dict[str, Any]] = field(default_factory=list)
    parcels: dict[UUID, ParcelState] = field(default_factory=dict)
    shipments: dict[UUID, dict[str, Any]] = field(default_factory=dict)
    """Status, exception, proof, and how many changes these columns went through."""
    events: list[Event] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)

    def add_scan(
        self, parcel: TrackedParcel, scan: TrackingScan, message: str, source: str
    ) -> None:
        """Keep what the carrier said about a parcel of a locked document."""
        self.scans.append(
            {
                "id": new_id(),
                "parcel_id": parcel.id,
                "hash": scan.hash(parcel.owner.carrier, parcel.tracking_number),
                "message": message,
                "source": source,
                **scan.model_dump(),
            }
        )


_WRITE = text(
    f"""WITH scans AS (
        INSERT INTO tracking_events (id, parcel_id, hash, code, status, exception, place, message,
            signed_by, source, occurred_at, recorded_at)
        SELECT * FROM jsonb_to_recordset(CAST(:scans AS jsonb)) AS x(id uuid, parcel_id uuid,
            hash text, code text, status text, exception text, place text, message text,
            signed_by text, source text, occurred_at timestamptz, recorded_at timestamptz)),
    parcels AS (
        UPDATE parcels p SET exception_reason = x.exception,
            status = CASE p.status WHEN 'voided' THEN p.status ELSE x.status END
        FROM jsonb_to_recordset(CAST(:parcels AS jsonb)) AS x(id uuid, status text, exception text)
        WHERE p.id = x.id),
    shipments AS (
        UPDATE shipments s SET status = x.status, exception_reason = x.exception_reason,
            signed_by = x.signed_by, delivered_at = x.delivered_at, version = version + x.changes
        FROM jsonb_to_recordset(CAST(:shipments AS jsonb)) AS x(id uuid, status text,
            exception_reason text, signed_by text, delivered_at timestamptz, changes int)
        WHERE s.id = x.id),
    messages AS ({ADD_MESSAGES})
    {ADD_EVENTS}"""
)


async def write_tracked(db: AsyncConnection, tracked: Tracked) -> None:
    """Write all that the scans of locked shipments change, with events and messages."""
    parcels = [
        {"id": parcel, "status": state.status, "exception": state.exception}
        for parcel, state in tracked.parcels.items()
    ]
    shipments = [{"id": shipment, **values} for shipment, values in tracked.shipments.items()]
    await db.execute(
        _WRITE,
        {
            "scans": to_json(tracked.scans),
            "parcels": to_json(parcels),
            "shipments": to_json(shipments),
            "messages": to_json(tracked.messages),
            "events": to_add(tracked.events),
        },
    )


async def void_parcels(db: AsyncConnection, shipment_id: UUID) -> None:
    """Give the numbers of a locked shipment's parcels back; whatever is scanned, they stay void."""
    given_back = update(ParcelRow).where(ParcelRow.shipment_id == shipment_id)
    await db.execute(given_back.values(status=ShipmentStatus.VOIDED))


_LIVING = text(
    """SELECT p.tracking_number, coalesce(s.number, r.number) AS document, o.number AS order
    FROM parcels p LEFT JOIN shipments s ON s.id = p.shipment_id
    LEFT JOIN return_labels l ON l.id = p.return_label_id LEFT JOIN returns r ON r.id = l.return_id
    JOIN orders o ON o.id = coalesce(s.order_id, r.order_id)
    WHERE p.carrier = :carrier AND p.tracking_number = ANY(:numbers) AND NOT p.status = ANY(:free)
    ORDER BY p.tracking_number LIMIT 1"""
)


class LivingParcel(NamedTuple):
    """A parcel that is on its way under a number, with its shipment or return, and its order."""

    tracking_number: str
    document: str
    order: str


async def find_living(
    db: AsyncConnection, carrier: str, numbers: Collection[str]
) -> LivingParcel | None:
    """Return a parcel that lives under one of these numbers of a carrier, if there is one."""
    given = {"carrier": carrier, "numbers": list(numbers), "free": sorted(FREE)}
    found = (await db.execute(_LIVING, given)).one_or_none()
    return None if found is None else LivingParcel(*found)


async def has_parcel(
    db: AsyncConnection, carrier: str, tracking_number: str, shipment_id: UUID | None = None
) -> bool:
    """Whether a parcel that lives, or any of a shipment, has this number of this carrier."""
    query = select(ParcelRow.id).where(
        ParcelRow.carrier == carrier,
        ParcelRow.tracking_number == tracking_number,
        ParcelRow.status.not_in(sorted(FREE))
        if shipment_id is None
        else ParcelRow.shipment_id == shipment_id,
    )
    return (await db.execute(query)).first() is not None
