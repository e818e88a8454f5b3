"""The worker: runs every process and its steps, and dispatches the outbox. ``python worker.py``."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable, Coroutine, Sequence
from datetime import timedelta
from typing import Any

import structlog
import uvloop
from temporalio.client import Client
from temporalio.worker import PollerBehaviorAutoscaling, Worker

from activities.claims.activities import ClaimActivities
from activities.holds import HoldActivities
from activities.inventory.serving import ReplenishmentActivities
from activities.orders.activities import OrderActivities
from activities.payments.activities import PaymentActivities
from activities.refunds.activities import RefundActivities
from activities.returns.activities import ReturnActivities
from activities.returns.labelling import ReturnLabelActivities
from activities.shipments.booking import BookingActivities
from activities.shipments.journey import JourneyActivities
from activities.tasks import TaskActivities
from activities.work_orders.activities import WorkOrderActivities
from db.engine import Database, open_engine, process_name
from domain.policy import Policy
from gateways.carriers.port import Carrier
from gateways.partner import Partner, Port
from gateways.partners import CARRIER, PROVIDER
from gateways.payments.port import PaymentProvider
from relay.dispatch import Dispatcher
from relay.renaming import retire_old_runs
from relay.sweep import Keep
from relay.sweeps import Sweeper
from runtime.freezing import freeze_gc
from runtime.settings import Settings, settings
from runtime.telemetry.start import start_telemetry
from runtime.temporal import connect

log = structlog.get_logger(__name__)

UNHEARD = timedelta(seconds=5)
"""After so long the task of a run goes to any worker: the one that remembers the run is silent."""


def activities(
    books: Database, carrier: Carrier, payments: PaymentProvider, policy: Policy | None = None
) -> list[Callable[..., Any]]:
    """Return every step of every process; a test checks that none is missing."""
    decided = policy or Policy()
    objects = (
        OrderActivities(books, carrier.name),
        PaymentActivities(books, payments, carrier.name),
        BookingActivities(books, carrier),
        JourneyActivities(books, payments, decided),
        RefundActivities(books, payments),
        ReturnActivities(books, decided),
        ClaimActivities(books, decided),
        WorkOrderActivities(books),
        ReturnLabelActivities(books, carrier),
        TaskActivities(books),
        HoldActivities(books, decided),
        ReplenishmentActivities(books),
    )
    return [
        getattr(each, name)
        for each in objects
        for name in dir(each)
        if hasattr(getattr(each, name), "__temporal_activity_definition")
    ]


def make_worker(client: Client, given: Settings, steps: Sequence[Callable[..., Any]]) -> Worker:
    """Return a worker of this client, tuned by the settings; the plugin brings the workflows."""
    return Worker(
        client,
        task_queue=given.task_queue,
        activities=steps,
        max_cached_workflows=given.max_cached_workflows,
        max_concurrent_workflow_tasks=given.max_workflow_tasks,
        max_concurrent_activities=given.max_activities,
        max_concurrent_local_activities=given.max_activities,
        workflow_task_poller_behavior=PollerBehaviorAutoscaling(initial=5),
        activity_task_poller_behavior=PollerBehaviorAutoscaling(initial=5),
        graceful_shutdown_timeout=given.graceful_shutdown,
        sticky_queue_schedule_to_start_timeout=UNHEARD,
    )


def _connect(given: Settings, partner: Partner[Port, Any]) -> Port:
    """Return the gateway to a partner; it is reached when it is first asked."""
    its = given.of(partner)
    return partner.connect(its.url, its.api_key.get_secret_value())


async def serve(given: Settings) -> None:
    """Work until SIGTERM or SIGINT; then finish what is under way and stop in order."""
    if given.database_url is None:
        raise SystemExit("STATESET_DATABASE_URL is not set: where are the books?")
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    engine = open_engine(
        given.database_url,
        application=process_name("stateset-worker"),
        pool=given.database_pool,
    )
    telemetry = start_telemetry(
        "stateset-worker",
        engine=engine,
        log_level=given.log_level,
        metrics_host=given.metrics_host,
        metrics_port=given.metrics_port,
        otlp_endpoint=given.otlp_endpoint,
    )
    books = Database(engine)
    carrier = _connect(given, CARRIER)
    payments = _connect(given, PROVIDER)
    client = await _reach(given, stop)
    if client is not None:
        await retire_old_runs(client)
        worker = make_worker(client, given, activities(books, carrier, payments, given.policy))
        # At the end new work stops before the worker does.
        async with worker:
            freeze_gc()
            log.info("worker_ready", task_queue=given.task_queue)
            await go_on(stop, *_loops(given, books, client, given.database_url))
    for resource in (carrier, payments):
        await resource.aclose()
    await books.close()
    telemetry.stop()


def _loops(
    given: Settings, books: Database, client: Client, database_url: str
) -> list[Coroutine[Any, Any, None]]:
    """Return what goes on beside the worker: the dispatcher of the outbox, and the sweeps."""
    dispatcher = Dispatcher(
        books,
        client,
        task_queue=given.task_queue,
        batch=given.dispatch_batch,
        poll=given.dispatch_poll,
    )
    keep = Keep(given.keep_answers, given.keep_facts, given.keep_links)
    sweeper = Sweeper(books, client, keep=keep)
    return [dispatcher.run(), dispatcher.listen(database_url), sweeper.run()]


async def go_on(stop: asyncio.Event, *loops: Coroutine[Any, Any, None]) -> None:
    """Let the loops run until ``stop``.

    A loop that fails ends the others and is raised: a worker that is half dead looks alive, and
    whoever looks after it would leave it so.
    """
    async with asyncio.TaskGroup() as group:
        running = [group.create_task(loop) for loop in loops]
        await stop.wait()
        for loop in running:
            loop.cancel()


async def _reach(given: Settings, stop: asyncio.Event) -> Client | None:
    """Connect to Temporal, however long it is away; None when we are stopped meanwhile."""
    address = None
    if given.sdk_metrics_port is not None:
        address = f"{given.metrics_host}:{given.sdk_metrics_port}"
    while not stop.is_set():
        try:
            return await connect(given, metrics_address=address)
        except RuntimeError as error:
            log.warning("temporal_unreachable", error=str(error))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), 1)
    return None


def main() -> None:
    """Run the worker as a process of its own."""
    uvloop.run(serve(settings()))
    # The Temporal SDK's threads may abort a normal interpreter exit; all is flushed by now.
    os._exit(0)


if __name__ == "__main__":
    main()
