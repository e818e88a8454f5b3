"""Shipments, payments and tasks over HTTP: what is shown, and to whom."""

import json
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from db.engine import Database
from db.runs import get_run
from domain.access import Reach
from domain.documents import Document, Kind
from domain.errors import NotFound
from domain.ids import CustomerId
from tests.api.callers import Callers

ADDRESS = {
    "name": "Ada",
    "line1": "12, St James's Square, Apt. 4",
    "city": "London",
    "postal_code": "SW1Y 4JH",
    "country": "GB",
}
LOST = uuid4()
BOOKS = Path(__file__).parent.parent / "db" / "sound.sql"


@pytest.fixture(scope="module", autouse=True)
async def documents(database_url: str) -> None:
    """Orders delivered, lost, running and cancelled, with everything that belongs to them."""
    connection = await asyncpg.connect(database_url, ssl=False)
    await connection.execute(BOOKS.read_text())
    await connection.execute("UPDATE shipments SET ship_to = $1", json.dumps(ADDRESS))
    await connection.execute(
        "INSERT INTO tasks (id, kind, document_type, document_id, role, question, facts, choices,"
        " status, due_at) VALUES ($1, 'parcel_lost', 'shipment', $2, 'support', 'Now what?',"
        " '{\"days\": 3}', '[\"refund\", \"wait\"]', 'open', now())",
        uuid4(),
        LOST,
    )
    await connection.close()


@pytest.fixture
async def owner(database_url: str) -> UUID:
    connection = await asyncpg.connect(database_url, ssl=False)
    owner: UUID = await connection.fetchval("SELECT customer_id FROM orders LIMIT 1")
    await connection.close()
    return owner


async def listed(callers: Callers, path: str, **who: Any) -> list[dict[str, Any]]:
    answer = await callers.get(path, **who)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


@pytest.mark.parametrize("path", ["/shipments", "/payments", "/tasks"])
async def test_a_list_and_its_details_agree(path: str, callers: Callers) -> None:
    found = await listed(callers, path)
    assert found
    for one in found:
        assert (await callers.get(f"{path}/{one['id']}")).json() == one


@pytest.mark.parametrize("path", ["/shipments", "/payments"])
async def test_a_customer_sees_the_documents_of_its_own_orders_only(
    path: str, callers: Callers, owner: UUID
) -> None:
    everything = await listed(callers, path)
    mine: dict[str, Any] = {"role": "customer", "customer_id": str(owner)}
    seen = await listed(callers, path, **mine)
    assert [one["id"] for one in seen] == [one["id"] for one in everything]
    stranger = (await callers.post("/customers", {"name": "Stranger"})).json()["id"]
    foreign: dict[str, Any] = {"role": "customer", "customer_id": stranger}
    assert await listed(callers, path, **foreign) == []
    for one in everything:
        assert (await callers.get(f"{path}/{one['id']}", **foreign)).status_code == 404


@pytest.mark.parametrize("part", ["tracking", "timeline", "process"])
async def test_a_shipments_parts_are_its_customers_too(
    part: str, callers: Callers, owner: UUID
) -> None:
    [shipment, *_] = await listed(callers, "/shipments")
    stranger = (await callers.post("/customers", {"name": "Stranger"})).json()["id"]
    for path, who, status in (
        (f"/shipments/{shipment['id']}/{part}", owner, 200),
        (f"/shipments/{shipment['id']}/{part}", stranger, 404),
        (f"/shipments/{uuid4()}/{part}", owner, 404),
    ):
        answer = await callers.get(path, role="customer", customer_id=str(who))
        assert answer.status_code == status, answer.text
    unknown = await callers.get(f"/shipments/{uuid4()}/{part}")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "not_found")


async def test_the_run_of_another_customers_document_is_not_found(
    books: Database, callers: Callers, owner: UUID
) -> None:
    [shipment, *_] = await listed(callers, "/shipments")
    document = Document(Kind.SHIPMENT, UUID(shipment["id"]))
    async with books.read() as db:
        assert (
            await get_run(db, document, Reach(customer_id=CustomerId(owner)))
        ).number == shipment["number"]
        with pytest.raises(NotFound):
            await get_run(db, document, Reach(customer_id=CustomerId(uuid4())))


async def test_a_shipments_timeline_tells_what_happened_oldest_first(callers: Callers) -> None:
    [shipment] = await listed(callers, "/shipments?status=delivered")
    events = await listed(callers, f"/shipments/{shipment['id']}/timeline")
    assert [event["type"].removesuffix(".v1") for event in events] == [
        "shipment.planned",
        "shipment.booked",
        "shipment.picked_up",
        "shipment.delivered",
    ]
    assert [event["sequence"] for event in events] == [1, 2, 3, 4]


async def test_shipments_are_found_by_state_number_and_order(callers: Callers) -> None:
    everything = await listed(callers, "/shipments")
    delivered = await listed(callers, "/shipments?status=delivered")
    assert {one["status"] for one in delivered} == {"delivered"}
    both = await listed(callers, "/shipments?status=delivered&status=lost")
    assert {one["status"] for one in both} == {"delivered", "lost"}
    for one in everything:
        assert one in await listed(callers, f"/shipments?order_id={one['order_id']}")
        assert await listed(callers, f"/shipments?number={one['number']}") == [one]


async def test_a_shipments_tracking_has_its_parcels_and_events(callers: Callers) -> None:
    shipment = (await listed(callers, "/shipments?status=delivered"))[0]
    tracking = (await callers.get(f"/shipments/{shipment['id']}/tracking")).json()
    assert tracking["status"] == "delivered"
    assert [one["id"] for one in tracking["parcels"]] == [one["id"] for one in shipment["parcels"]]
    times = [event["occurred_at"] for event in tracking["events"]]
    assert times == sorted(times)


async def test_a_payments_amounts_follow_from_its_entries(callers: Callers) -> None:
    for payment in await listed(callers, "/payments"):
        captured = sum(
            entry["amount"]["amount"]
            for entry in payment["entries"]
            if (entry["kind"], entry["phase"]) == ("capture", "succeeded")
        )
        assert payment["captured"] == {"amount": captured, "currency": "USD"}
        assert "token" not in payment


async def test_tasks_are_found_by_their_role_and_state(callers: Callers) -> None:
    assert await listed(callers, "/tasks?role=support&status=open")
    assert await listed(callers, "/tasks?role=finance") == []
    (task,) = await listed(callers, f"/tasks?document_id={LOST}")
    assert task["choices"] == ["refund", "wait"]
    assert task["facts"] == {"days": 3}


async def test_a_site_without_an_address_and_what_leaves_from_there_show_none(
    callers: Callers,
) -> None:
    """Null where the document wants an address: an empty object would be none that can be read."""
    [shipment, *_] = (await callers.get("/shipments")).json()["items"]
    site = (await callers.get(f"/inventory/sites/{shipment['site_id']}")).json()
    assert (shipment["ship_from"], site["address"]) == (None, None)
