"""The real application over HTTP, on a database of the module's own."""

from collections.abc import AsyncIterator

import httpx2
import pytest
from fastapi import FastAPI
from temporalio.client import Client

from api.app import create_app
from api.services import Services
from db.engine import Database, open_engine
from domain.errors import PartnerUnavailable
from runtime.settings import Settings
from tests.api.callers import Callers


async def away() -> Client:
    """Temporal, away: nothing that these tests ask needs it."""
    raise PartnerUnavailable("Temporal cannot be reached now; try again")


@pytest.fixture(scope="module")
async def books(database_url: str) -> AsyncIterator[Database]:
    db = Database(open_engine(database_url, application="tests"))
    yield db
    await db.close()


@pytest.fixture(scope="module")
def settings() -> Settings:
    return Settings()


@pytest.fixture(scope="module")
def app(books: Database, settings: Settings) -> FastAPI:
    return create_app(Services(settings=settings, db=books, temporal=away))


@pytest.fixture(scope="module")
async def callers(app: FastAPI, books: Database) -> AsyncIterator[Callers]:
    """A client per role, each with an API key."""
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app), base_url="http://stateset"
    ) as client:
        yield Callers(client, books)
