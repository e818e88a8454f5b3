"""The processes on real servers: a worker, a dispatcher, webhooks by HTTP, both partners."""

import asyncio
import contextlib
import functools
import secrets
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

from temporalio import activity
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from api.app import create_app
from api.services import Services
from domain.errors import IllegalMove
from domain.orders.receipts import CARD_SPREAD
from domain.policy import Policy
from gateways.carriers.sandbox import SandboxCarrier
from gateways.payments.sandbox import SandboxPayments
from relay.dispatch import Dispatcher
from runtime.settings import Settings
from tests.database import fresh_database
from tests.partners import carrier_simulator, payments_simulator
from tests.patience import POLL
from tests.ports import free_port
from tests.serving import served
from tests.shop import Shop, opened
from tests.workflows.capabilities.claims import Claims
from tests.workflows.capabilities.inventory import Inventory
from tests.workflows.capabilities.orders import Orders
from tests.workflows.capabilities.payments import Payments
from tests.workflows.capabilities.returns import Returns
from tests.workflows.capabilities.shipments import Shipments
from tests.workflows.capabilities.tasks import Tasks
from tests.workflows.capabilities.work_orders import WorkOrders
from tests.workflows.servers import Partners
from worker import activities, make_worker

WINDOW = Policy().payment_window * (1 + CARD_SPREAD) + timedelta(minutes=1)
"""After so long an unpaid order is cancelled."""


class Stage(Orders, Inventory, Shipments, Payments, Returns, Claims, WorkOrders, Tasks):
    """What a story needs: a class per capability, and servers on which all of them happen."""

    def __init__(
        self,
        shop: Shop,
        environment: WorkflowEnvironment,
        partners: Partners,
        task_queue: str = "stage",
    ) -> None:
        """Play with these servers; ``working`` must be entered for anything to happen."""
        super().__init__(shop, environment, partners, task_queue)
        self.settings = Settings(task_queue=task_queue, graceful_shutdown=timedelta())
        self.refusals: dict[str, bool] = {}
        """Steps that are to refuse once; True when they do so after their work."""
        self.failures: dict[str, Exception] = {}
        """Steps that are to fail once, and with what."""
        self.answers: dict[str, asyncio.Event] = {}
        """Steps whose answers wait until a story lets them go."""

    @contextlib.asynccontextmanager
    async def working(
        self, *, cached: int = 1000, client: Client | None = None
    ) -> AsyncIterator[Worker]:
        """Run a worker and a dispatcher, of another ``client`` if one is given."""
        client = client or self.client
        carrier = SandboxCarrier(self.carrier.base_url, self.carrier.api_key)
        payments = SandboxPayments(self.payments.base_url, self.payments.api_key)
        steps = [self._refusable(step) for step in activities(self.books, carrier, payments)]
        settings = self.settings.model_copy(update={"max_cached_workflows": cached})
        worker = make_worker(client, settings, steps)
        dispatcher = Dispatcher(
            self.books,
            client,
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
            if name in self.failures:
                raise self.failures.pop(name)
            result = await step(given)
            if self.refusals.pop(name, False):
                raise IllegalMove(f"{name} refuses though it is done")
            if name in self.answers:
                await self.answers.pop(name).wait()
            return result

        return taken


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
        opened(url) as shop,
    ):
        # Runs are named by numbers, and stages with books of their own share a Temporal.
        for numbers in ("order", "shipment", "refund", "return", "claim", "work_order"):
            await shop.one(f"SELECT setval('{numbers}_numbers', {secrets.randbelow(10**12) + 1})")
        stage = Stage(shop, environment, Partners(carrier, payments), task_queue)
        app = create_app(Services(stage.settings, stage.books, stage.connected))
        async with served(app, port):
            yield stage
