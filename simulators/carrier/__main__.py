"""``python -m simulators.carrier``: the sandbox carrier."""

from fastapi import FastAPI
from pydantic import SecretStr

from simulators import faults, webhooks
from simulators.carrier import routes
from simulators.carrier.areas import Areas
from simulators.carrier.autopilot import Pilot
from simulators.carrier.bookings import Bookings
from simulators.carrier.parcels import Parcels
from simulators.carrier.scenarios import DESCRIPTION
from simulators.carrier.schema import SCHEMA
from simulators.server import create_app, serve
from simulators.settings import SimulatorSettings
from simulators.storage import Storage


class Settings(SimulatorSettings):
    """The sandbox's public test credentials as defaults."""

    port: int = 8081
    data: str = "carrier.sqlite"
    api_key: SecretStr = SecretStr("sandbox-carrier-key")
    webhook_secret: SecretStr = SecretStr("whsec_c2FuZGJveC1jYXJyaWVyLXdlYmhvb2stc2VjcmV0IQ==")


def build(settings: SimulatorSettings) -> FastAPI:
    """Assemble the carrier on its storage."""
    storage = Storage(settings.data, faults.SCHEMA, webhooks.SCHEMA, SCHEMA)
    ordered = faults.Faults(
        storage, routes.OPERATIONS, settings.hang_seconds, of_labels=frozenset({"book"})
    )
    outbox = webhooks.Outbox(storage, ordered, settings)
    parcels = Parcels(storage, outbox)
    pilot = Pilot(storage, parcels)
    areas = Areas(storage)
    bookings = Bookings(storage, pilot, areas)
    private = [
        routes.booking_routes(bookings, ordered),
        routes.tracking_routes(parcels, ordered),
        routes.steering_routes(parcels, pilot, areas),
        faults.fault_routes(ordered),
        webhooks.webhook_routes(outbox),
    ]
    return create_app(
        "Sandbox carrier",
        DESCRIPTION,
        settings,
        storage,
        private,
        public=[routes.label_routes(bookings)],
        loops=[outbox.run, pilot.run],
    )


if __name__ == "__main__":
    given = Settings()
    serve(build(given), given)
