"""The HTTP front: which routers there are, and in which order they are asked."""

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute

from api import (
    codec,
    errors,
    events,
    health,
    items,
    moved,
    openapi,
    reference,
    tasks,
    webhooks,
)
from api.authentication import Authenticator
from api.claims import costs
from api.claims import router as claims
from api.connections import Connection
from api.customers import credit
from api.customers import router as customers
from api.inventory import counts, lots, reservations, sites, trace, units
from api.inventory import router as inventory
from api.issuer import Issuer
from api.keys import ApiKeys
from api.limits.admission import Admission
from api.middleware.authenticated import Authenticated, ForGuests
from api.middleware.browsers import Browsers
from api.middleware.failures import Failures
from api.middleware.limits import Limits
from api.middleware.observe import Observe
from api.middleware.strangers import Strangers
from api.notifier import OutboxNotifier
from api.orders import commands
from api.orders import router as orders
from api.orders.batch import Acceptor
from api.payments import router as payments
from api.refunds import router as refunds
from api.returns import commands as return_commands
from api.returns import guests, returnable, withdrawals
from api.returns import router as returns
from api.services import Services
from api.settings import ApiSettings
from api.shipments import router as shipments
from api.temporal import LazyClient, TemporalProvider
from api.tokens import Tokens
from api.warranties import asking as warranty_requests
from api.warranties import router as warranties
from api.warranties import terms as warranty_terms
from api.work_orders import holding, technicians, working
from api.work_orders import router as work_orders
from db.engine import Database, open_engine, process_name
from db.turns import Turns
from runtime.freezing import freeze_gc
from runtime.settings import Settings
from runtime.telemetry.start import start_telemetry

# A route costs a request the more the later it stands: the busiest come first.
ROUTERS: tuple[APIRouter, ...] = (
    orders.router,
    webhooks.router,
    inventory.router,
    units.router,
    counts.router,
    lots.router,
    reservations.router,
    trace.router,
    shipments.router,
    items.router,
    customers.router,
    credit.router,
    payments.router,
    refunds.router,
    returnable.router,
    returns.router,
    return_commands.router,
    withdrawals.router,
    guests.router,
    warranty_terms.router,
    costs.router,
    claims.router,
    warranty_requests.router,
    warranties.router,
    technicians.router,
    work_orders.router,
    working.router,
    holding.router,
    events.router,
    tasks.router,
    sites.router,
    health.router,
    commands.router,
    codec.router,
)

LISTS_AT_ONCE = 2
"""Lists that are read and written out together: they take the process's one CPU for long."""
LIST_PATIENCE = 10.0
"""Seconds for which a list waits for its turn."""


def create_app(services: Services) -> FastAPI:
    """Return the application; the caller keeps and closes the services."""
    settings = services.settings
    gate = Authenticator(ApiKeys(services.db), _tokens(settings))

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await gate.close()

    app = FastAPI(
        title="StateSet",
        summary="Durable order, stock, shipment and payment processes",
        version="0.2.0",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    app.state.services = services
    app.state.authenticator = gate
    app.state.admission = admission = Admission(settings)
    app.state.health = health.Latest(services)
    app.state.lists = Turns(LISTS_AT_ONCE, 1, patience=LIST_PATIENCE)
    app.state.notifier = OutboxNotifier(services.db)
    app.state.inbox = webhooks.WebhookInbox(services.db)
    app.state.acceptor = Acceptor(services.db, app.state.notifier, settings.policy)
    errors.install(app)
    # Each layer is added around those before it.
    app.add_middleware(Failures)
    app.add_middleware(Limits, body_limit=settings.body_limit, within=settings.request_timeout)
    app.add_middleware(Strangers, admission=admission, authenticator=gate)
    app.add_middleware(Browsers, origins=settings.origins)
    app.add_middleware(Observe)
    for router in ROUTERS:
        mount(app, router)
    reference.install(app)
    moved.install(app)
    openapi.install(app)
    return app


def mount(app: FastAPI, router: APIRouter) -> None:
    """Put a router's routes directly into the app: nested routers cost every request more."""
    for route in router.routes:
        if isinstance(route, APIRoute):
            route.operation_id = route.unique_id = f"{route.tags[0]}-{route.name}"
            command = openapi.command_of(route)
            if command is not None and not isinstance(route.app, Authenticated):
                route.app = Authenticated(route.app, command, lists=_lists(route))
            elif route.path.startswith("/guest") and not isinstance(route.app, ForGuests):
                route.app = ForGuests(route.app)
        app.router.routes.append(route)


def _lists(route: APIRoute) -> bool:
    return "GET" in (route.methods or ()) and "{" not in route.path


class Server(uvicorn.Server):
    """Serves until SIGINT or SIGTERM, and then returns.

    uvicorn's own server raises the signal again at its end, which kills the process before it has
    closed anything.
    """

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Finish what is in flight at the first signal; a second SIGINT does not wait for that."""
        loop = asyncio.get_running_loop()
        signals = (signal.SIGINT, signal.SIGTERM)
        for number in signals:
            loop.add_signal_handler(number, self.handle_exit, number, None)
        try:
            yield
        finally:
            for number in signals:
                loop.remove_signal_handler(number)


async def serve(settings: Settings, connect: TemporalProvider) -> None:
    """Serve HTTP until stopped by a signal; ``connect`` makes the Temporal client when needed."""
    if settings.database_url is None:
        raise SystemExit("STATESET_DATABASE_URL is not set: where are the books?")
    engine = open_engine(
        settings.database_url,
        application=process_name("stateset-api"),
        pool=settings.database_pool,
        statement_timeout=settings.statement_timeout,
        lock_timeout=settings.lock_timeout,
    )
    db = Database(engine, settings.database_share)
    telemetry = start_telemetry(
        "stateset-api",
        engine=engine,
        log_level=settings.log_level,
        metrics_host=settings.metrics_host,
        metrics_port=settings.metrics_port,
        otlp_endpoint=settings.otlp_endpoint,
    )
    app = create_app(Services(settings=settings, db=db, temporal=LazyClient(connect)))
    freeze_gc()
    watching = asyncio.create_task(health.watch_backlog(db))
    try:
        await Server(server_config(app, settings)).serve()
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        await db.close()
        telemetry.stop()


def server_config(app: FastAPI, settings: Settings) -> uvicorn.Config:
    """Return how the app is served."""
    return uvicorn.Config(
        app,
        host=settings.api_host,
        port=settings.api_port,
        http=Connection,
        ws="none",
        limit_concurrency=settings.max_connections,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=int(settings.graceful_shutdown.total_seconds()),
    )


def _tokens(settings: ApiSettings) -> Tokens | None:
    if settings.jwt_issuer is None or settings.jwks_url is None:
        return None
    return Tokens(
        Issuer(settings.jwks_url), name=settings.jwt_issuer, audience=settings.jwt_audience
    )
