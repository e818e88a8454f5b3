"""The processes on real servers: a worker, a dispatcher, webhooks by HTTP, both partners."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast
from uuid import UUID

import uvicorn
from temporalio.api.sdk.v1 import WorkflowMetadata
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowHandle
from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import TimeSkippingConfig, WorkflowEnvironment
from temporalio.worker import Worker

from api.app import create_app
from api.services import Services
from api.steering import Steering
from db.engine import Database
from db.orders.attempts import add_attempt
from db.verify.books import Finding, verify
from domain.ids import OrderId, ShipmentId, TaskId, new_id
from domain.orders.status import CancelReason, HoldReason
from domain.orders.steps import Cancellation, HoldPlacement, HoldRelease
from domain.tasks import ASKERS, Asker, Decision, TaskKind
from gateways.carriers.sandbox import SandboxCarrier
from gateways.payments.sandbox import SandboxPayments
from runtime.commands.reconciliation import compare_labels, compare_payments
from runtime.dispatch import Dispatcher
from runtime.local.binaries import temporal_program
from runtime.settings import Settings
from tests.partners import Simulator
from tests.ports import free_port
from tests.shop import PAYMENT_WINDOW, Shop
from worker import activities, make_worker
from workflows.attributes import ALL, run_id
from workflows.order_fulfillment import OrderFulfillment
from workflows.plugin import plugin
from workflows.shipment_tracking import ShipmentTracking

POLL = 0.02
PATIENCE = 20.0
WINDOW = PAYMENT_WINDOW + timedelta(minutes=1)
"""After so long an unpaid order is cancelled."""


@dataclass
class Partners:
    """Both simulators."""

    carrier: Simulator
    payments: Simulator


@contextlib.asynccontextmanager
async def temporal() -> AsyncIterator[WorkflowEnvironment]:
    """A Temporal server on which a test may let a run's time pass; else time is real."""
    async with await WorkflowEnvironment.start_time_skipping_v2(
        dev_server_existing_path=str(temporal_program()),
        search_attributes=ALL,
        plugins=[plugin()],
        ts_config=TimeSkippingConfig(enabled=False),
        dev_server_log_level="error",
        dev_server_extra_args=[
            "--dynamic-config-value",
            "frontend.WorkflowTimeSkippingEnabled=true",
            "--dynamic-config-value",
            'history.timerProcessorMaxTimeShift="10ms"',
        ],
    ) as environment:
        yield environment


class Stage:
    """What a story needs: orders to place, requests to make, scans to cause, ends to wait for."""

    def __init__(
        self,
        shop: Shop,
        environment: WorkflowEnvironment,
        partners: Partners,
        task_queue: str = "stage",
    ) -> None:
        """Play with these servers; ``working`` must be entered for anything to happen."""
        self.shop = shop
        self.environment = environment
        self.client = environment.client
        self.carrier = partners.carrier
        self.payments = partners.payments
        self.task_queue = task_queue
        self.settings = Settings(task_queue=task_queue, graceful_shutdown=timedelta())
        self._steering = Steering(self.connected, task_queue)

    async def connected(self) -> Client:
        return self.client

    @property
    def books(self) -> Database:
        return self.shop.books

    @contextlib.asynccontextmanager
    async def working(
        self, *, cached: int = 1000, change: Callable[[dict[str, Any]], None] | None = None
    ) -> AsyncIterator[Worker]:
        """Run a worker and a dispatcher; ``change`` may swap a step by its name for another."""
        carrier = SandboxCarrier(self.carrier.base_url, self.carrier.api_key)
        payments = SandboxPayments(self.payments.base_url, self.payments.api_key)
        steps = {step.__name__: step for step in activities(self.books, carrier, payments)}
        if change is not None:
            change(steps)
        settings = self.settings.model_copy(update={"max_cached_workflows": cached})
        worker = make_worker(self.client, settings, list(steps.values()))
        dispatcher = Dispatcher(
            self.books,
            self.client,
            task_queue=self.task_queue,
            batch=50,
            poll=timedelta(seconds=POLL),
        )
        async with worker:
            dispatching = asyncio.create_task(dispatcher.run())
            try:
                yield worker
            finally:
                dispatching.cancel()
                await asyncio.gather(dispatching, return_exceptions=True)
                for resource in (carrier, payments):
                    await resource.aclose()

    # What people ask for.

    async def cancel(
        self, order_id: OrderId, reason: CancelReason = CancelReason.CUSTOMER_REQUEST
    ) -> None:
        request = Cancellation(order_id=order_id, reason=reason, actor="customer")
        await self._steering.ask(
            OrderFulfillment, OrderFulfillment.cancel, order_id, request, new_id()
        )

    async def hold(self, order_id: OrderId) -> UUID:
        hold_id = new_id()
        request = HoldPlacement(
            order_id=order_id, hold_id=hold_id, reason=HoldReason.MANUAL, note="", actor="support"
        )
        await self._steering.ask(
            OrderFulfillment, OrderFulfillment.place_hold, order_id, request, hold_id
        )
        return hold_id

    async def release(self, order_id: OrderId, hold_id: UUID) -> None:
        request = HoldRelease(order_id=order_id, hold_id=hold_id, actor="support")
        await self._steering.ask(
            OrderFulfillment, OrderFulfillment.release_hold, order_id, request, new_id()
        )

    async def pay(self, order_id: OrderId, token: str) -> None:
        async with self.books.begin() as db:
            await add_attempt(db, order_id, new_id(), token=token, actor="customer")

    async def decide(self, kind: TaskKind, document_id: UUID, choice: str) -> None:
        """Answer the open task of a kind about a document, as its role would."""
        task = await self.task(kind, document_id)
        decision = Decision(task_id=TaskId(task["id"]), choice=choice, actor="person")
        if ASKERS[kind] is Asker.ORDER:
            await self._steering.ask(
                OrderFulfillment,
                OrderFulfillment.decide,
                UUID(task["facts"]["order_id"]),
                decision,
                new_id(),
            )
        else:
            await self._steering.ask(
                ShipmentTracking, ShipmentTracking.decide, document_id, decision, new_id()
            )

    async def task(self, kind: TaskKind, document_id: UUID) -> Any:
        """Return the open task of a kind about a document, as soon as there is one."""
        query = (
            "SELECT * FROM tasks WHERE kind = :kind AND document_id = :document AND status = 'open'"
        )

        async def asked() -> Any:
            found = await self.shop.rows(query, kind=kind, document=document_id)
            return found[0] if found else None

        return await eventually(asked)

    # What the carrier does.

    async def travel(self, shipment_id: UUID, to: str) -> None:
        """Let the carrier scan the parcel on its way to a state."""
        number = await self.number(shipment_id)
        await self.carrier.ask("POST", f"/sandbox/parcels/{number}/advance", {"to": to})

    async def scan(self, shipment_id: UUID, code: str, **rest: Any) -> None:
        """Let the carrier report one code."""
        number = await self.number(shipment_id)
        await self.carrier.ask("POST", f"/sandbox/parcels/{number}/scans", {"code": code, **rest})

    async def number(self, shipment_id: UUID) -> str:
        query = "SELECT tracking_number FROM parcels WHERE shipment_id = :id"
        return cast(str, await self.shop.one(query, id=shipment_id))

    # What the customer's bank and time do.

    async def confirm(self, order_id: OrderId) -> None:
        """Let the customer confirm the order's payment at the provider."""
        key = await self.shop.one(
            "SELECT e.key FROM payment_entries e JOIN payments p ON p.id = e.payment_id"
            " WHERE p.order_id = :id AND e.phase = 'action_required'",
            id=order_id,
        )
        [operation] = (await self.payments.ask("GET", f"/operations?key={key}"))["data"]
        await self.payments.ask("POST", f"/authorizations/{operation['authorization']}/confirm")

    async def pass_time(self, run: WorkflowHandle[Any, Any], duration: timedelta) -> None:
        """Let so much time pass for a run; what falls due meanwhile happens."""
        await self.environment.fast_forward(run, duration)

    # What is waited for.

    async def shipments(self, order_id: OrderId, status: str, count: int = 1) -> list[ShipmentId]:
        """Return the order's shipments in a state, as soon as there are so many."""

        async def there() -> list[ShipmentId] | None:
            found = await self.shop.rows(
                "SELECT s.id FROM shipments s JOIN sites t ON t.id = s.site_id"
                " WHERE order_id = :id AND s.status = :status ORDER BY t.rank, s.id",
                id=order_id,
                status=status,
            )
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
        return self.client.get_workflow_handle(run_id("OrderFulfillment", document_id))

    def tracking(self, shipment_id: UUID) -> WorkflowHandle[Any, Any]:
        """Return the shipment's run."""
        return self.client.get_workflow_handle(run_id("ShipmentTracking", shipment_id))

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
        findings = await verify(self.books.engine, patience=timedelta(seconds=5))
        engine = self.books.engine
        findings += await compare_payments(engine, self.payments.base_url, self.payments.api_key)
        findings += await compare_labels(engine, self.carrier.base_url, self.carrier.api_key)
        return [found for found in findings if found.broken]


async def eventually(look: Callable[[], Awaitable[Any]], patience: float = PATIENCE) -> Any:
    """Return what a look finds as soon as it is not nothing."""
    deadline = time.monotonic() + patience
    while not (found := await look()):
        assert time.monotonic() < deadline, "it did not come"
        await asyncio.sleep(POLL)
    return found


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Any:
        """Leave signals to the test run."""
        yield


@contextlib.asynccontextmanager
async def served(app: Any, port: int) -> AsyncIterator[None]:
    """Serve an application on a port."""
    server = _Server(uvicorn.Config(app, port=port, log_config=None, access_log=False))
    running = asyncio.create_task(server.serve())
    while not server.started:
        assert not running.done(), "the server did not start"
        await asyncio.sleep(POLL)
    try:
        yield
    finally:
        server.should_exit = True
        await running


class Front:
    """The application over HTTP, whose address partners know before it serves any books."""

    def __init__(self) -> None:
        self.port = free_port()

    def webhooks(self, provider: str) -> str:
        return f"http://127.0.0.1:{self.port}/webhooks/{provider}"

    @contextlib.asynccontextmanager
    async def serving(self, stage: Stage) -> AsyncIterator[None]:
        """Serve with these books."""
        app = create_app(Services(stage.settings, stage.books, stage.connected))
        async with served(app, self.port):
            yield
