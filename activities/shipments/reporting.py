"""Scans by hand: what a person reports of a parcel goes the way of the carrier's own facts."""

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from activities.shipments.scans import apply_scans
from db.documents import SHIPMENTS
from db.shipments.tracking import has_parcel
from db.shipments.writes import lock_with_order
from domain.errors import IllegalMove, Malformed
from domain.shipments.reporting import ReportedStatus, ReportScan
from domain.shipments.status import ShipmentStatus
from domain.shipments.tracking import predates
from gateways.carriers.port import Codes, Scan

MANUAL = "manual"
_CODES: Codes = {status: (status, "", False) for status in ReportedStatus}
_NO_LABEL = (ShipmentStatus.PENDING, ShipmentStatus.CANCELLED, ShipmentStatus.VOIDED)


@dataclass(frozen=True)
class _ByHand:
    name: str
    codes: Codes


async def report_scan(
    db: AsyncConnection, scan_id: UUID, shipment_id: UUID, report: ReportScan, actor: str
) -> None:
    """Apply what a person reports about a parcel of a shipment, under an id of the report.

    Raises NotFound, IllegalMove for a shipment without a label, and Malformed for a number that is
    not one of its parcels, or a time that is to come or long before the label.
    """
    _, shipment = await lock_with_order(db, shipment_id)
    if shipment.status in _NO_LABEL:
        raise IllegalMove(
            f"the shipment is {shipment.status}", current_status=shipment.status, allowed=[]
        )
    if not await has_parcel(db, shipment.carrier, report.tracking_number, shipment_id):
        _refuse("tracking_number", "is not the number of one of its parcels")
    now = datetime.now(UTC)
    occurred_at = report.occurred_at or now
    if occurred_at > now:
        _refuse("occurred_at", "is still to come")
    if predates(occurred_at, shipment.booked_at):
        _refuse("occurred_at", "is more than a day before the label was booked")
    scan = Scan(
        event_id=f"manual/{scan_id}",
        tracking_number=report.tracking_number,
        code=report.status,
        occurred_at=occurred_at.astimezone(UTC),
        place=report.place,
        message=report.message,
        signed_by=report.signed_by,
    )
    await apply_scans(db, {scan_id: (_ByHand(shipment.carrier, _CODES), scan)}, MANUAL, shipment_id)
    data = {"tracking_number": report.tracking_number, "status": report.status}
    await SHIPMENTS.add_event(db, shipment, "scan_reported", actor, data)


def _refuse(field: str, problem: str) -> None:
    raise Malformed(f"{field} {problem}", errors=[{"pointer": f"/{field}", "message": problem}])
