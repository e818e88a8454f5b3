"""Reads of documents with very much of something: bounded, and they say so where they are cut."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx2
import pytest
from temporalio.client import Client

from api.app import create_app
from api.services import Services
from db.engine import Database
from db.events import Event, add_events
from db.inventory.reads import get_availability
from db.pages import PAGE_BYTES
from runtime.settings import Settings
from tests.api.callers import Callers
from tests.storefront import ADDRESS

BOOKS = Path(__file__).parent.parent / "db" / "sound.sql"
COPY = """INSERT INTO shipments SELECT (jsonb_populate_record(s, jsonb_build_object(
        'id', gen_random_uuid(), 'number', $2 || gen_random_uuid(), 'status', $2::text))).*
    FROM shipments s, generate_series(1, $3::int) n WHERE s.id = $1"""
SCANS = """INSERT INTO tracking_events (id, parcel_id, hash, code, status, place, message,
        signed_by, source, occurred_at)
    SELECT gen_random_uuid(), $1, gen_random_uuid(), 'DP', 'in_transit', 'Gary, IN', $3, '',
        'webhook', now() + make_interval(secs => n / 2) FROM generate_series(1, $2::int) n"""


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


@pytest.fixture(scope="module")
async def database(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database_url, ssl=False)
    await connection.execute(BOOKS.read_text())
    await connection.execute("UPDATE orders SET ship_to = $1, bill_to = $1", json.dumps(ADDRESS))
    await connection.execute("UPDATE shipments SET ship_to = $1", json.dumps(ADDRESS))
    yield connection
    await connection.close()


async def shipment_of(database: asyncpg.Connection, status: str) -> tuple[UUID, UUID, UUID]:
    """Return the ids of a shipment in this state, of its order, and of its parcel if it has one."""
    row = await database.fetchrow(
        "SELECT s.id, s.order_id, p.id AS parcel FROM shipments s"
        " LEFT JOIN parcels p ON p.shipment_id = s.id WHERE s.status = $1",
        status,
    )
    return row["id"], row["order_id"], row["parcel"]


async def read(callers: Callers, path: str) -> dict[str, Any]:
    answer = await callers.get(path)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def pages(callers: Callers, path: str) -> tuple[list[dict[str, Any]], int]:
    """Return all tracking events of a shipment, and the length of the largest answer."""
    seen, largest, address = [], 0, path
    while address:
        answer = await callers.get(address)
        assert answer.status_code == 200, answer.text
        assert answer.json()["events"]
        seen += answer.json()["events"]
        largest = max(largest, len(answer.content))
        address = answer.json()["next"]
    return seen, largest


async def test_the_feed_ends_a_page_before_what_is_too_large_and_misses_nothing(
    callers: Callers, books: Database
) -> None:
    """D2: a page of 100 large events has about a megabyte; `has_more` says to ask at once."""
    large = uuid4()
    data = {"plan": "x" * 50_000}
    for _ in range(3):
        async with books.begin() as db:
            await add_events(db, [Event("order.told", "SO-1", large, "t", "", data)] * 20)
    for words in ("", "&type=order.told.v1"):
        address, more = f"/events?limit=100&subject_id={large}{words}", True
        seen: list[int] = []
        sizes = []
        while more:
            answer = await callers.get(address)
            sizes.append(len(answer.content))
            page = answer.json()
            seen += [event["sequence"] for event in page["items"]]
            address, more = page["next"], page["has_more"]
        assert seen == list(range(1, 61))
        assert len(sizes) == 3
        assert max(sizes) <= PAGE_BYTES + 60_000


async def test_an_event_that_is_larger_than_a_page_does_not_stop_the_feed(
    callers: Callers, books: Database
) -> None:
    """D2: it is a page of its own."""
    huge = uuid4()
    data = {"plan": "x" * (PAGE_BYTES + 1)}
    async with books.begin() as db:
        for each in (data, {}, {}):
            await add_events(db, [Event("order.told", "SO-1", huge, "t", "", each)])
    first = await read(callers, f"/events?subject_id={huge}")
    assert ([one["sequence"] for one in first["items"]], first["has_more"]) == ([1], True)
    second = await read(callers, first["next"])
    assert ([one["sequence"] for one in second["items"]], second["has_more"]) == ([2, 3], False)


async def test_every_scan_of_a_shipment_is_read_page_by_page_oldest_first(
    callers: Callers, database: asyncpg.Connection
) -> None:
    """D2: of more than a thousand scans the newest were never shown; many have the same time."""
    shipment, _, parcel = await shipment_of(database, "delivered")
    path = f"/shipments/{shipment}/tracking"
    before = len((await read(callers, path))["events"])
    await database.execute(SCANS, parcel, 1_250, "on its way")
    seen, _ = await pages(callers, path)
    assert len(seen) == before + 1_250
    times = [event["occurred_at"] for event in seen]
    assert times == sorted(times)
    first = await read(callers, f"{path}?limit=7")
    assert [event["occurred_at"] for event in first["events"]] == times[:7]
    assert first["next"].startswith(f"{path}?limit=7&after=")
    for strange in (str(uuid4()), "x"):
        refused = await callers.get(f"{path}?after={strange}")
        assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (
            422,
            "/query/after",
        )


async def test_scans_with_many_words_are_pages_of_about_a_megabyte(
    callers: Callers, database: asyncpg.Connection
) -> None:
    """D2: a carrier's words are bounded by bytes, not only by number."""
    shipment, _, parcel = await shipment_of(database, "lost")
    await database.execute(SCANS, parcel, 100, "x" * 30_000)
    seen, largest = await pages(callers, f"/shipments/{shipment}/tracking")
    assert len([event for event in seen if len(event["message"]) == 30_000]) == 100
    assert largest <= PAGE_BYTES + 40_000


async def test_an_order_with_very_many_shipments_shows_those_with_a_label_and_says_there_are_more(
    callers: Callers, database: asyncpg.Connection
) -> None:
    """D2: what was given up is counted, not shown; the list of shipments has all."""
    shipment, order, parcel = await shipment_of(database, "delivered")
    before = await read(callers, f"/orders/{order}")
    assert before["more_shipments"] is False
    await database.execute(COPY, shipment, "voided", 120)
    await database.execute(
        "INSERT INTO parcels SELECT (jsonb_populate_record(p, jsonb_build_object("
        "'id', gen_random_uuid(), 'tracking_number', 'X' || n))).*"
        " FROM parcels p, generate_series(1, 210) n WHERE p.id = $1",
        parcel,
    )
    shown = await read(callers, f"/orders/{order}")
    assert (len(shown["shipments"]), shown["more_shipments"]) == (100, True)
    assert shown["fulfillment_status"] == before["fulfillment_status"]
    [sent] = [one for one in shown["shipments"] if one["status"] == "delivered"]
    assert (len(sent["tracking_numbers"]), sent["more_parcels"]) == (200, True)
    [listed] = (await read(callers, f"/orders?number={shown['number']}"))["items"]
    assert listed == shown
    for path in (f"/shipments/{shipment}", f"/shipments/{shipment}/tracking"):
        alone = await read(callers, path)
        assert (len(alone["parcels"]), alone["more_parcels"]) == (200, True)


async def test_a_process_tells_first_what_people_may_end_and_how_much_it_leaves_out(
    callers: Callers, database: asyncpg.Connection
) -> None:
    """D2: with hundreds of open parts and waits an answer is bounded, and says by how many."""
    shipment, order, _ = await shipment_of(database, "pending")
    whole = await read(callers, f"/orders/{order}/process")
    assert (whole["waits_left_out"], whole["parts_left_out"]) == (0, 0)
    await database.execute(COPY, shipment, "pending", 150)
    await database.execute(
        "INSERT INTO outbox (document_type, document_id, kind, payload)"
        " SELECT 'order', $1, 'signal', '{}'"
        " FROM generate_series(1, 130)",
        order,
    )
    await database.execute(
        "INSERT INTO tasks (id, kind, document_type, document_id, role, question, facts, choices,"
        " status, due_at) VALUES (gen_random_uuid(), 'undo_failed', 'order', $1, 'support',"
        " 'Now what?', '{}', '[]', 'open', now())",
        order,
    )
    cut = await read(callers, f"/orders/{order}/process")
    assert cut["parts_left_out"] == 1 + 1 + 150 - 100
    assert len(cut["waiting_for"]) == 100
    assert cut["waits_left_out"] == 130 + 1 + len(whole["waiting_for"]) - 100
    assert cut["waiting_for"][0]["what"].endswith("Now what?")


async def test_stock_at_more_sites_than_are_shown_with_an_item_says_so(
    books: Database, callers: Callers, database: asyncpg.Connection
) -> None:
    """D2: by site the list of stock has all of them."""
    item = await database.fetchval("SELECT item_id FROM balances GROUP BY 1 HAVING count(*) > 0")
    shown = await read(callers, f"/items/{item}")
    assert (shown["more_stock"], len(shown["stock"])) == (False, 1)
    await database.execute(
        "WITH s AS (INSERT INTO sites SELECT (jsonb_populate_record(s, jsonb_build_object('id',"
        " gen_random_uuid(), 'code', 'MANY-' || n))).* FROM sites s, generate_series(1, 1000) n"
        " WHERE s.id = (SELECT min(id::text)::uuid FROM sites) RETURNING id),"
        " l AS (INSERT INTO locations SELECT (jsonb_populate_record(l, jsonb_build_object('id',"
        " gen_random_uuid(), 'site_id', s.id))).* FROM locations l, s WHERE l.id ="
        " (SELECT min(id::text)::uuid FROM locations WHERE kind = 'stock') RETURNING id)"
        " INSERT INTO balances (location_id, item_id, on_hand, reserved)"
        " SELECT l.id, $1, 0, 0 FROM l",
        item,
    )
    shown = await read(callers, f"/items/{item}")
    assert (shown["more_stock"], len(shown["stock"])) == (True, 1000)
    async with books.read() as db:
        rows, more = await get_availability(db, item, limit=1001)
    assert (len(rows), more) == (1001, False)
