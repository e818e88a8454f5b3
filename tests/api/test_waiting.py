"""What documents wait for: told by the books and a Temporal that has no runs of them."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import httpx2
import pytest
from temporalio.client import Client

from api.app import create_app
from api.services import Services
from db.engine import Database
from runtime.settings import Settings
from tests.api.callers import Callers
from tests.storefront import ADDRESS

BOOKS = Path(__file__).parent.parent / "db" / "sound.sql"
LEFT = "UPDATE shipments SET status = $1, booked_at = now(), handed_over_at = now() WHERE id = $2"
ASKED = """INSERT INTO tasks (id, kind, document_type, document_id, role, question, facts, choices,
    status, due_at) VALUES (gen_random_uuid(), 'parcel_lost', 'shipment', $1, 'support',
    'Refund or write off?', '{}', '["refund", "write_off"]', 'open', now())"""

TAKEN_BACK = """UPDATE shipments SET status = 'pending', booked_at = NULL, handed_over_at = NULL,
    settled_at = NULL WHERE number = 'SHP-3'; DELETE FROM tasks WHERE status = 'open'"""


@pytest.fixture(scope="module")
async def callers(
    books: Database, settings: Settings, temporal_address: str
) -> AsyncIterator[Callers]:
    """Callers of an application whose Temporal is there."""

    async def connect() -> Client:
        return await Client.connect(temporal_address)

    app = create_app(Services(settings=settings, db=books, temporal=connect))
    transport = httpx2.ASGITransport(app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://stateset") as client:
        yield Callers(client, books)


@pytest.fixture(scope="module", autouse=True)
async def documents(database_url: str) -> None:
    """One pending shipment of a running order, and shipments that have ended."""
    connection = await asyncpg.connect(database_url, ssl=False)
    await connection.execute(BOOKS.read_text())
    await connection.execute("UPDATE orders SET ship_to = $1, bill_to = $1", json.dumps(ADDRESS))
    await connection.close()


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection that takes back what a test did to the pending shipment."""
    connection = await asyncpg.connect(database_url, ssl=False)
    yield connection
    await connection.execute(TAKEN_BACK)
    await connection.close()


async def told(callers: Callers, path: str) -> dict[str, Any]:
    answer = await callers.get(f"{path}/process")
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def found(database: asyncpg.Connection, number: str) -> tuple[UUID, UUID]:
    """Return the id of a shipment, and of its order."""
    row = await database.fetchrow("SELECT id, order_id FROM shipments WHERE number = $1", number)
    return row["id"], row["order_id"]


async def test_a_pending_shipment_waits_for_its_orders_process(
    callers: Callers, database: asyncpg.Connection
) -> None:
    shipment, order = await found(database, "SHP-3")
    process = await told(callers, f"/shipments/{shipment}")
    assert process["waiting_for"][0]["who"] == "the process of its order"
    number = (await callers.get(f"/orders/{order}")).json()["number"]
    assert process["summary"] == (
        f"SHP-3 is pending and waits for the process of its order: {number} books the label."
    )
    assert {name: process[name] for name in ("document_type", "document_id", "status", "runs")} == {
        "document_type": "shipment",
        "document_id": str(shipment),
        "status": "pending",
        "runs": [],
    }


async def test_what_a_shipment_waits_for_its_order_waits_for(
    callers: Callers, database: asyncpg.Connection
) -> None:
    shipment, order = await found(database, "SHP-3")
    await database.execute(LEFT, "out_for_delivery", shipment)
    process = await told(callers, f"/shipments/{shipment}")
    assert process["summary"] == (
        "SHP-3 is out for delivery and waits for the carrier: SHP-3 is out for delivery."
    )
    waits = (await told(callers, f"/orders/{order}"))["waiting_for"]
    assert process["waiting_for"] == [one for one in waits if one["who"] == "the carrier"]


async def test_a_lost_shipment_waits_for_a_person_until_it_is_settled(
    callers: Callers, database: asyncpg.Connection
) -> None:
    shipment, _ = await found(database, "SHP-3")
    await database.execute(LEFT, "lost", shipment)
    await database.execute(ASKED, shipment)
    waits = (await told(callers, f"/shipments/{shipment}"))["waiting_for"]
    assert {wait["who"] for wait in waits} == {"a person", "the carrier"}
    assert any("Refund or write off?" in wait["what"] for wait in waits)

    await database.execute("UPDATE shipments SET settled_at = now() WHERE id = $1", shipment)
    ended = await told(callers, f"/shipments/{shipment}")
    assert (ended["summary"], ended["waiting_for"]) == ("SHP-3 is lost: nothing is awaited.", [])


@pytest.mark.parametrize("number", ["SHP-1", "SHP-2", "SHP-4"])
async def test_a_shipment_that_has_ended_waits_for_nothing(
    number: str, callers: Callers, database: asyncpg.Connection
) -> None:
    shipment, _ = await found(database, number)
    process = await told(callers, f"/shipments/{shipment}")
    assert process["summary"].endswith(": nothing is awaited.")
    assert process["waiting_for"] == []
