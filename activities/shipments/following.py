"""The state of a shipment: a function of all that the carrier said about its parcels."""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from db.shipments.captures import get_journey
from db.shipments.tracking import scans_of
from domain.shipments.outcomes import Journey
from domain.shipments.status import ShipmentStatus
from domain.shipments.tracking import ParcelState, TrackingScan, combine, follow

CARRIER = "carrier"
"""The actor of what a carrier's facts cause."""


async def get_state(db: AsyncConnection, shipment_id: UUID) -> ParcelState:
    """Fold all scans of all parcels of a locked shipment into its state."""
    return state_of((await scans_of(db, [shipment_id]))[shipment_id].values())


def state_of(scans: Iterable[Iterable[TrackingScan]]) -> ParcelState:
    """Fold the scans of each parcel into the shipment's state."""
    return combine([follow(of_parcel) for of_parcel in scans])


async def journey_of(db: AsyncConnection, shipment_id: UUID) -> Journey:
    """Return where a shipment is and what still keeps its run."""
    found = await get_journey(db, shipment_id)
    return Journey(
        status=ShipmentStatus(found.status),
        settled=found.settled,
        owed=found.owed,
        refunding=found.refunding,
        untried=found.untried,
    )
