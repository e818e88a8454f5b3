"""Sums that are larger than any request may give, and rows that do not fit their view."""

from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from structlog.testing import capture_logs

from domain.ids import new_id
from telemetry.metrics import REGISTRY
from tests.api.callers import Callers
from tests.shop import opened
from tests.storefront import an_order

TRILLION = 10**12


@pytest.fixture(scope="module", autouse=True)
async def sites(database_url: str) -> None:
    async with opened(database_url):
        pass


def unfit(view: str, outcome: str) -> float:
    labels = {"view": view, "outcome": outcome}
    return REGISTRY.get_sample_value("stateset_unfit_rows_total", labels) or 0.0


async def add(callers: Callers, sku: str, quantity: object, site: str = "AUS") -> Any:
    body = {"sku": sku, "site": site, "quantity": quantity, "reason": "found"}
    return await callers.post("/inventory/adjustments", body)


async def an_item(callers: Callers) -> dict[str, Any]:
    body = {"sku": f"SKU-{uuid4()}", "name": "Rivet"}
    item: dict[str, Any] = (await callers.post("/items", body)).json()
    return item


async def test_two_adjustments_of_a_trillion_are_shown_everywhere(callers: Callers) -> None:
    """T23: the bound of one request does not bound the sum of two."""
    item = await an_item(callers)
    first, second = [await add(callers, item["sku"], TRILLION) for _ in range(2)]
    assert (first.status_code, second.status_code) == (201, 201), second.text
    assert second.json()["on_hand"] == 2 * TRILLION
    for group in ("location", "site", "item"):
        rows = (await callers.get(f"/inventory?group_by={group}")).json()["items"]
        mine = [row for row in rows if row["sku"] == item["sku"]]
        assert [(row["on_hand"], row["available"]) for row in mine] == [(2 * TRILLION,) * 2]
    shown = (await callers.get(f"/items/{item['id']}")).json()
    assert [one["on_hand"] for one in shown["stock"]] == [2 * TRILLION]
    ledger = (await callers.get(f"/inventory/movements?item_id={item['id']}")).json()["items"]
    assert [one["quantity"] for one in ledger] == [TRILLION, TRILLION]


async def test_a_trillion_at_each_of_two_sites_is_added_up(callers: Callers) -> None:
    """T23: sums over sites are shown, with their fractions."""
    item = await an_item(callers)
    for site in ("AUS", "RNO"):
        made = await add(callers, item["sku"], "999999999999.500000", site)
        assert made.status_code == 201, made.text
    await add(callers, item["sku"], "0.25")
    rows = (await callers.get(f"/inventory?sku={item['sku']}&group_by=item")).json()["items"]
    assert [row["on_hand"] for row in rows] == ["1999999999999.250000"]


async def test_more_than_the_books_can_count_is_refused(callers: Callers) -> None:
    """T23: the eleventh trillion at one location is a 422 with a pointer and changes nothing."""
    item = await an_item(callers)
    answers = [await add(callers, item["sku"], TRILLION) for _ in range(12)]
    assert [answer.status_code for answer in answers] == [201] * 10 + [422] * 2
    assert [one["pointer"] for one in answers[-1].json()["errors"]] == ["/quantity"]
    rows = (await callers.get(f"/inventory?sku={item['sku']}")).json()["items"]
    assert [row["on_hand"] for row in rows] == [10 * TRILLION]


@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")
async def test_a_row_that_another_release_stored_does_not_take_the_list_away(
    callers: Callers, database_url: str
) -> None:
    """T23: what does not fit its view is shown as it is, between the others, and logged."""
    item = await an_item(callers)
    await add(callers, item["sku"], 2)
    connection = await asyncpg.connect(database_url, ssl=False)
    await connection.execute("ALTER TABLE movements DROP CONSTRAINT ck_movements_kind")
    await connection.execute(
        "INSERT INTO movements (id, key, kind, item_id, quantity, from_location_id,"
        " to_location_id, actor, occurred_at) SELECT $2, 'up', 'levitation', item_id,"
        " 5 * quantity * 10 ^ 12, from_location_id, to_location_id, 'tests', now()"
        " FROM movements WHERE item_id = $1",
        item["id"],
        UUID(int=1),
    )
    await connection.close()
    before = unfit("MovementView", "shown_as_stored")
    with capture_logs() as logs:
        answer = await callers.get(f"/inventory/movements?item_id={item['id']}")
    assert answer.status_code == 200, answer.text
    assert [(one["kind"], one["quantity"]) for one in answer.json()["items"]] == [
        ("adjustment", 2),
        ("levitation", 10 * TRILLION),
    ]
    [line] = [one for one in logs if one["event"] == "row_does_not_fit_its_view"]
    assert (line["view"], sorted(line["fields"])) == ("MovementView", ["kind", "quantity"])
    assert unfit("MovementView", "shown_as_stored") == before + 1


async def test_an_order_that_cannot_be_shown_is_left_out_of_the_list(
    callers: Callers, database_url: str
) -> None:
    """T23: an entry of a kind that this release does not know hides its order alone."""
    sku = (await an_item(callers))["sku"]
    await add(callers, sku, 9)
    customer = (await callers.post("/customers", {"name": "Ada"})).json()["id"]
    ids = []
    for _ in range(3):
        body = an_order(customer, {})
        price = {"amount": 100, "currency": "USD"}
        body["lines"] = [{"sku": sku, "quantity": 1, "unit_price": price}]
        placed = await callers.post("/orders", body)
        assert placed.status_code == 201, placed.text
        ids.append(placed.json()["id"])
    connection = await asyncpg.connect(database_url, ssl=False)
    await connection.execute("ALTER TABLE payment_entries DROP CONSTRAINT ck_payment_entries_kind")
    await connection.execute(
        "INSERT INTO payment_entries (id, payment_id, kind, phase, key, amount, failure_code)"
        " SELECT $2, id, 'alchemy', 'succeeded', 'alchemy', 1, ''"
        " FROM payments WHERE order_id = $1",
        ids[1],
        uuid4(),
    )
    await connection.close()
    before = unfit("OrderView", "left_out")
    orders = await callers.get(f"/orders?customer_id={customer}")
    assert orders.status_code == 200, orders.text
    assert [one["id"] for one in orders.json()["items"]] == [ids[2], ids[0]]
    assert unfit("OrderView", "left_out") == before + 1
    payments = await callers.get("/payments")
    assert payments.status_code == 200, payments.text
    assert [one["order_id"] for one in payments.json()["items"]] == [ids[2], ids[0]]


@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")
async def test_a_question_of_a_kind_that_this_release_does_not_know_is_shown_as_it_is(
    callers: Callers, database_url: str
) -> None:
    """T23: a release that was taken back has asked it; the list of tasks stays whole."""
    connection = await asyncpg.connect(database_url, ssl=False)
    await connection.execute("ALTER TABLE tasks DROP CONSTRAINT ck_tasks_kind")
    for kind in ("unapplied_fact", "alchemy", "unapplied_fact"):
        await connection.execute(
            "INSERT INTO tasks (id, kind, role, status, document_type, document_id, question,"
            " choices, facts, due_at) VALUES"
            " ($1, $2, 'admin', 'open', 'fact', $3, 'Why?', '[\"ignored\"]', '{}', now())",
            new_id(),
            kind,
            uuid4(),
        )
    await connection.close()
    before = unfit("TaskView", "shown_as_stored")
    answer = await callers.get("/tasks?status=open")
    assert answer.status_code == 200, answer.text
    kinds = [one["kind"] for one in answer.json()["items"]]
    assert kinds == ["unapplied_fact", "alchemy", "unapplied_fact"]
    assert unfit("TaskView", "shown_as_stored") == before + 1
    path = f"/tasks/{answer.json()['items'][1]['id']}/decide"
    refused = await callers.post(path, {"choice": "ignored"})
    assert (refused.status_code, refused.json()["code"]) == (409, "illegal_move")


async def test_an_event_that_another_release_wrote_does_not_take_the_feed_away(
    callers: Callers, database_url: str
) -> None:
    """T23: it is left out of feed and timeline, and the next page begins behind it."""
    customer = (await callers.post("/customers", {"name": "Bo"})).json()["id"]
    sku = (await an_item(callers))["sku"]
    await add(callers, sku, 9)
    body = an_order(customer, {})
    body["lines"] = [{"sku": sku, "quantity": 1, "unit_price": {"amount": 1, "currency": "USD"}}]
    order = (await callers.post("/orders", body)).json()["id"]
    connection = await asyncpg.connect(database_url, ssl=False)
    for sequence, data in ((101, '"words"'), (102, "[1]"), (103, '{"reason": "kept"}')):
        await connection.execute(
            "INSERT INTO events (id, type, subject, subject_id, sequence, actor, correlation_id,"
            " data) VALUES ($1, 'order.told.v9', 'SO-1', $2, $3, 'tests', '', $4)",
            new_id(),
            order,
            sequence,
            data,
        )
    await connection.close()
    before = unfit("FeedEventView", "left_out")
    address, seen, pages = f"/events?limit=1&subject_id={order}", [], 0
    more = True
    while more:
        answer = await callers.get(address)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        address, more, pages = page["next"], page["has_more"], pages + 1
        seen += [one["sequence"] for one in page["items"]]
    assert (seen, pages) == ([1, 2, 103], 5)
    assert unfit("FeedEventView", "left_out") == before + 2
    told = await callers.get(f"/orders/{order}/timeline")
    assert told.status_code == 200, told.text
    assert [one["sequence"] for one in told.json()["items"]] == [1, 2, 103]
