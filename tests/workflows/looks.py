"""What stories wait for, and what is true in the books and at the partners afterwards."""

import asyncio
from datetime import timedelta
from typing import Any, cast
from uuid import UUID

from temporalio.api.sdk.v1 import WorkflowMetadata
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowHandle
from temporalio.service import RPCError, RPCStatusCode

from db.verify.books import Finding, verify
from domain.documents import Kind, run_id
from domain.ids import OrderId, ShipmentId
from domain.tasks import TaskKind
from runtime.commands.reconciliation import compare_labels, compare_payments
from tests.patience import PATIENCE, eventually
from tests.shop import Shop
from tests.workflows.servers import Partners


class Looks:
    """Looks at the books, at Temporal and at the partners."""

    def __init__(self, shop: Shop, client: Client, partners: Partners) -> None:
        """Look at these."""
        self.shop = shop
        self.client = client
        self.carrier = partners.carrier
        self.payments = partners.payments

    # What is waited for.

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

    async def order(self, order_id: OrderId, status: str) -> dict[str, Any]:
        """Return the order's row as soon as it is in a state."""

        async def there() -> Any:
            [row] = await self.shop.rows("SELECT * FROM orders WHERE id = :id", id=order_id)
            return row if row["status"] == status else None

        return cast(dict[str, Any], await eventually(there))

    async def waits(self, order_id: OrderId, phase: str) -> None:
        """Wait until the payment's ledger has an authorization in this phase."""

        async def there() -> Any:
            return [e for e in await self.entries(order_id) if e == ("authorization", phase)]

        await eventually(there)

    def run(self, document_id: UUID) -> WorkflowHandle[Any, Any]:
        """Return the order's run."""
        return self._run(Kind.ORDER, document_id)

    def tracking(self, shipment_id: UUID) -> WorkflowHandle[Any, Any]:
        """Return the shipment's run."""
        return self._run(Kind.SHIPMENT, shipment_id)

    def _run(self, kind: Kind, document_id: UUID) -> WorkflowHandle[Any, Any]:
        return self.client.get_workflow_handle(run_id(kind, self.shop.numbers[document_id]))

    async def result(self, handle: WorkflowHandle[Any, Any]) -> Any:
        """Return a run's result; the run must end soon."""
        await eventually(lambda: self.exists(handle))
        async with asyncio.timeout(PATIENCE):
            return await handle.result()

    async def wait_says(self, run: WorkflowHandle[Any, Any], words: str) -> None:
        """Wait until a run tells the operators that it waits for something."""

        async def there() -> bool:
            if not await self.exists(run):
                return False
            told = await run.query("__temporal_workflow_metadata", result_type=WorkflowMetadata)
            return words in told.current_details

        await eventually(there)

    async def exists(self, handle: WorkflowHandle[Any, Any]) -> bool:
        try:
            await handle.describe()
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            return False
        return True

    async def status(self, handle: WorkflowHandle[Any, Any]) -> WorkflowExecutionStatus | None:
        return (await handle.describe()).status

    # What is true afterwards.

    async def entries(self, order_id: OrderId) -> list[tuple[str, str]]:
        """Return kind and phase of the order's payment entries, oldest first."""
        rows = await self.shop.rows(
            "SELECT e.kind, e.phase FROM payment_entries e JOIN payments p ON p.id = e.payment_id"
            " WHERE p.order_id = :id ORDER BY e.id",
            id=order_id,
        )
        return [(row["kind"], row["phase"]) for row in rows]

    async def moved(self, order_id: OrderId) -> dict[str, int]:
        """Return what the provider moved for the order, by kind, in minor units."""
        rows = await self.shop.rows(
            "SELECT DISTINCT e.key FROM payment_entries e JOIN payments p ON p.id = e.payment_id"
            " WHERE p.order_id = :id",
            id=order_id,
        )
        sums: dict[str, int] = {}
        for row in rows:
            [*found] = (await self.payments.ask("GET", f"/operations?key={row['key']}"))["data"]
            for operation in found:
                assert operation["executed"] <= 1, operation
                sums[operation["kind"]] = (
                    sums.get(operation["kind"], 0) + operation["amount"] * operation["executed"]
                )
        return sums

    async def until_moved(self, order_id: OrderId, **wanted: int) -> None:
        """Wait until the provider has moved so much money for an order, and we know of it."""
        unknown = (
            "SELECT count(*)::int FROM (SELECT e.key FROM payment_entries e"
            " JOIN payments p ON p.id = e.payment_id WHERE p.order_id = :id"
            " GROUP BY e.key HAVING count(*) = 1) k"
        )

        async def there() -> bool:
            told = await self.shop.one(unknown, id=order_id) == 0
            return told and await self.moved(order_id) == wanted

        await eventually(there)

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

    async def broken(self) -> list[Finding]:
        """Return the rules that the books, or they and the partners' books, break."""
        findings = await verify(self.shop.books.engine, patience=timedelta(seconds=PATIENCE))
        engine = self.shop.books.engine
        findings += await compare_payments(engine, self.payments.base_url, self.payments.api_key)
        findings += await compare_labels(engine, self.carrier.base_url, self.carrier.api_key)
        return [found for found in findings if found.broken]

    async def task(self, kind: TaskKind, document_id: UUID) -> Any:
        """Return the open task of a kind about a document, as soon as there is one."""
        query = (
            "SELECT * FROM tasks WHERE kind = :kind AND document_id = :document AND status = 'open'"
        )

        async def asked() -> Any:
            found = await self.shop.rows(query, kind=kind, document=document_id)
            return found[0] if found else None

        return await eventually(asked)

    async def number(self, shipment_id: UUID) -> str:
        [number] = await self.numbers(shipment_id)
        return number

    async def numbers(self, shipment_id: UUID) -> list[str]:
        """Return the tracking numbers of the shipment's parcels."""
        query = "SELECT tracking_number FROM parcels WHERE shipment_id = :id ORDER BY 1"
        return [row["tracking_number"] for row in await self.shop.rows(query, id=shipment_id)]
