"""``python -m simulators.payments``: the sandbox payment provider."""

from fastapi import FastAPI
from pydantic import SecretStr

from simulators import faults, webhooks
from simulators.payments import pages, routes
from simulators.payments.book import Book
from simulators.payments.rules import TOKENS
from simulators.payments.schema import SCHEMA
from simulators.payments.steering import Steering
from simulators.server import create_app, serve
from simulators.settings import SimulatorSettings
from simulators.storage import Storage


class Settings(SimulatorSettings):
    """The sandbox's public test credentials as defaults."""

    port: int = 8082
    data: str = "payments.sqlite"
    api_key: SecretStr = SecretStr("sandbox-payments-key")
    webhook_secret: SecretStr = SecretStr("whsec_c2FuZGJveC1wYXltZW50cy13ZWJob29rLXNlY3JldA==")


DESCRIPTION = "A card payment provider's sandbox. Test tokens:\n\n" + "\n".join(
    f"* `{token}`: {meaning}" for token, meaning in TOKENS.items()
)


def build(settings: SimulatorSettings) -> FastAPI:
    """Assemble the provider on its storage."""
    storage = Storage(settings.data, faults.SCHEMA, webhooks.SCHEMA, SCHEMA)
    ordered = faults.Faults(
        storage, routes.OPERATIONS, settings.hang_seconds, routes.MONEY_OPERATIONS
    )
    outbox = webhooks.Outbox(storage, ordered, settings)
    book = Book(storage, outbox, settings.hang_seconds)
    steering = Steering(storage, book)
    private = [
        routes.payment_routes(book, ordered),
        routes.steering_routes(steering),
        faults.fault_routes(ordered),
        webhooks.webhook_routes(outbox),
    ]
    return create_app(
        "Sandbox payments",
        DESCRIPTION,
        settings,
        storage,
        private,
        public=[pages.confirmation_pages(book, steering)],
        loops=[outbox.run],
    )


if __name__ == "__main__":
    given = Settings()
    serve(build(given), given)
