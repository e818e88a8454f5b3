"""What the carrier does with the shipments of a story, and how far they have come."""

from typing import Any, cast
from uuid import UUID

from temporalio.client import WorkflowHandle

from domain.documents import Kind
from domain.ids import OrderId, ShipmentId
from tests.patience import eventually
from tests.workflows.capabilities.runs import Runs


class Shipments(Runs):
    """Shipments, as the carrier sees them."""

    def tracking(self, shipment_id: UUID) -> WorkflowHandle[Any, Any]:
        """Return the shipment's run."""
        return self._run(Kind.SHIPMENT, shipment_id)

    async def shipments(self, order_id: OrderId, status: str, count: int = 1) -> list[ShipmentId]:
        """Return the order's shipments in a state, as soon as there are so many."""

        async def there() -> list[ShipmentId] | None:
            found = await self.shop.rows(
                "SELECT s.id, s.number FROM shipments s JOIN sites t ON t.id = s.site_id"
                " WHERE order_id = :id AND s.status = :status ORDER BY t.rank, s.id",
                id=order_id,
                status=status,
            )
            self.shop.numbers |= {row["id"]: row["number"] for row in found}
            return [row["id"] for row in found] if len(found) == count else None

        return cast(list[ShipmentId], await eventually(there))

    async def shipment(self, order_id: OrderId, status: str) -> ShipmentId:
        [shipment_id] = await self.shipments(order_id, status)
        return shipment_id

    async def number(self, shipment_id: UUID) -> str:
        [number] = await self.numbers(shipment_id)
        return number

    async def numbers(self, shipment_id: UUID) -> list[str]:
        """Return the tracking numbers of the shipment's parcels."""
        query = "SELECT tracking_number FROM parcels WHERE shipment_id = :id ORDER BY 1"
        return [row["tracking_number"] for row in await self.shop.rows(query, id=shipment_id)]

    async def labels(self, order_id: OrderId) -> list[bool]:
        """Return for each label that the carrier sold for the order whether it is live."""
        rows = await self.shop.rows("SELECT id FROM shipments WHERE order_id = :id", id=order_id)
        return [
            not booking["voided"]
            for row in rows
            for booking in (await self.carrier.ask("GET", f"/bookings?reference={row['id']}"))[
                "data"
            ]
        ]

    async def travel(self, shipment_id: UUID, to: str) -> None:
        """Let the carrier scan the only parcel on its way to a state."""
        await self.advance(await self.number(shipment_id), to)

    async def advance(self, number: str, to: str) -> None:
        """Let the carrier scan one parcel on its way to a state."""
        await self.carrier.ask("POST", f"/sandbox/parcels/{number}/advance", {"to": to})

    async def scan(self, shipment_id: UUID, code: str, **rest: Any) -> None:
        """Let the carrier report one code."""
        number = await self.number(shipment_id)
        await self.carrier.ask("POST", f"/sandbox/parcels/{number}/scans", {"code": code, **rest})
