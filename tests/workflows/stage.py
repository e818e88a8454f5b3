"""The processes on real servers: a worker, a dispatcher, webhooks by HTTP, both partners."""

import asyncio
import contextlib
import functools
import secrets
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

from temporalio import activity
from temporalio.client import Client, WorkflowHandle
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from activities.payments.accepting import pay_order
from activities.tasks import accept_answer
from api.app import create_app
from api.services import Services
from api.steering import Steering
from db.engine import Database, open_engine
from domain.access import Role
from domain.documents import DECIDE, PLACE_HOLD, RELEASE_HOLD, Document, Kind
from domain.errors import IllegalMove
from domain.holds import HoldPlacement, HoldReason, HoldRelease
from domain.ids import OrderId, TaskId, new_id
from domain.orders.requests import Cancellation
from domain.orders.status import CancelReason
from domain.policy import Policy
from domain.tasks import Decision, TaskKind
from gateways.carriers.sandbox import SandboxCarrier
from gateways.payments.sandbox import SandboxPayments
from relay.dispatch import Dispatcher
from runtime.settings import Settings
from tests.database import fresh_database
from tests.partners import carrier_simulator, payments_simulator
from tests.ports import free_port
from tests.shop import Shop
from tests.workflows.looks import Looks
from tests.workflows.servers import POLL, Partners, served
from worker import activities, make_worker
from workflows.order_fulfillment import OrderFulfillment

WINDOW = Policy().payment_window + timedelta(minutes=1)
"""After so long an unpaid order is cancelled."""


class Stage(Looks):
    """What a story needs: orders to place, requests to make, scans to cause, ends to wait for."""

    def __init__(
        self,
        shop: Shop,
        environment: WorkflowEnvironment,
        partners: Partners,
        task_queue: str = "stage",
    ) -> None:
        """Play with these servers; ``working`` must be entered for anything to happen."""
        super().__init__(shop, environment.client, partners)
        self.environment = environment
        self.task_queue = task_queue
        self.settings = Settings(task_queue=task_queue, graceful_shutdown=timedelta())
        self.refusals: dict[str, bool] = {}
        """Steps that are to refuse once; True when they do so after their work."""
        self.answers: dict[str, asyncio.Event] = {}
        """Steps whose answers wait until a story lets them go."""
        self._steering = Steering(shop.books, self.connected, task_queue)

    async def connected(self) -> Client:
        return self.client

    @property
    def books(self) -> Database:
        return self.shop.books

    @contextlib.asynccontextmanager
    async def working(self, *, cached: int = 1000) -> AsyncIterator[Worker]:
        """Run a worker and a dispatcher."""
        carrier = SandboxCarrier(self.carrier.base_url, self.carrier.api_key)
        payments = SandboxPayments(self.payments.base_url, self.payments.api_key)
        steps = [self._refusable(step) for step in activities(self.books, carrier, payments)]
        settings = self.settings.model_copy(update={"max_cached_workflows": cached})
        worker = make_worker(self.client, settings, steps)
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

    def _refusable(self, step: Callable[..., Any]) -> Callable[..., Any]:
        """Let the real step refuse once, before or after its work, when a story wants it."""
        name = step.__name__

        @activity.defn(name=name)
        @functools.wraps(step, updated=())
        async def taken(given: Any) -> Any:
            if name in self.refusals and not self.refusals[name]:
                del self.refusals[name]
                raise IllegalMove(f"{name} refuses")
            result = await step(given)
            if self.refusals.pop(name, False):
                raise IllegalMove(f"{name} refuses though it is done")
            if name in self.answers:
                await self.answers.pop(name).wait()
            return result

        return taken

    # What people ask for.

    async def cancel(
        self, order_id: OrderId, reason: CancelReason = CancelReason.CUSTOMER_REQUEST
    ) -> None:
        request = Cancellation(order_id=order_id, reason=reason, actor="customer")
        await self._steering.ask(
            Document(Kind.ORDER, order_id), OrderFulfillment.cancel, request, new_id()
        )

    async def hold(self, order_id: OrderId) -> UUID:
        document, hold_id = Document(Kind.ORDER, order_id), new_id()
        request = HoldPlacement(
            document=document,
            hold_id=hold_id,
            reason=HoldReason.MANUAL,
            note="",
            actor="support",
        )
        await self._steering.ask(document, PLACE_HOLD, request, hold_id)
        return hold_id

    async def release(self, order_id: OrderId, hold_id: UUID) -> None:
        document = Document(Kind.ORDER, order_id)
        request = HoldRelease(document=document, hold_id=hold_id, actor="support")
        await self._steering.ask(document, RELEASE_HOLD, request, new_id())

    async def pay(self, order_id: OrderId, token: str) -> None:
        async with self.books.begin() as db:
            await pay_order(db, new_id(), order_id, token=token, actor="customer")

    async def decide(self, kind: TaskKind, document_id: UUID, choice: str) -> None:
        """Answer the open task of a kind about a document, as its role would."""
        task = await self.task(kind, document_id)
        decision = Decision(task_id=TaskId(task["id"]), choice=choice, actor="person")
        async with self.books.begin() as db:
            asker = await accept_answer(db, decision, Role.ADMIN)
        if asker is not None:
            await self._steering.ask(asker, DECIDE, decision, new_id())

    # What the carrier does.

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


@contextlib.asynccontextmanager
async def open_stage(
    template_url: str, environment: WorkflowEnvironment, task_queue: str = "stage"
) -> AsyncIterator[Stage]:
    """Yield a stage with its own books, partners and webhooks, but nobody who works."""
    port = free_port()
    webhooks = f"http://127.0.0.1:{port}/webhooks"
    async with (
        fresh_database(template_url) as url,
        carrier_simulator(f"{webhooks}/sandbox-carrier") as carrier,
        payments_simulator(f"{webhooks}/sandbox-payments") as payments,
    ):
        books = Database(open_engine(url, application="tests"))
        shop = Shop(books)
        await shop.open()
        # Runs are named by numbers, and stages with books of their own share a Temporal.
        for numbers in ("order_numbers", "shipment_numbers"):
            await shop.one(f"SELECT setval('{numbers}', {secrets.randbelow(10**12) + 1})")
        stage = Stage(shop, environment, Partners(carrier, payments), task_queue)
        app = create_app(Services(stage.settings, books, stage.connected))
        async with served(app, port):
            yield stage
        await books.close()
