"""When documents changed: every view says it, and the database alone writes it."""

from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from db.documents import ORDERS, SHIPMENTS
from db.shipments.planning import plan_shipments
from db.tables import metadata
from tests.api.callers import Callers
from tests.api.test_metadata import one
from tests.shop import opened


@pytest.fixture(scope="module", autouse=True)
async def sites(database_url: str) -> None:
    async with opened(database_url):
        pass


async def read(callers: Callers, path: str) -> dict[str, Any]:
    found: dict[str, Any] = (await callers.get(path)).json()
    return found


def at(document: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(document["updated_at"])


@pytest.mark.parametrize("kind", ["customers", "items", "orders"])
async def test_what_is_new_was_changed_when_it_was_made_and_moves_with_its_version(
    callers: Callers, kind: str
) -> None:
    made = await one(callers, kind)
    assert made["updated_at"] == made["placed_at" if kind == "orders" else "created_at"]
    path = f"/{kind}/{made['id']}"
    assert (await read(callers, path))["updated_at"] == made["updated_at"]
    change = {"metadata": {"a": "1"}}
    changed = (await callers.ask("PATCH", path, json=change)).json()
    assert at(changed) > at(made)
    assert (await read(callers, path))["updated_at"] == changed["updated_at"]
    again = (await callers.ask("PATCH", path, json=change)).json()
    assert (again["version"], again["updated_at"]) == (changed["version"], changed["updated_at"])


async def test_a_shipment_moves_when_it_is_changed_and_a_payment_with_its_entries(
    callers: Callers,
) -> None:
    order = await one(callers, "orders", payment={"method": "card", "token": "tok_ok"})
    [payment] = (await read(callers, f"/payments?order_id={order['id']}"))["items"]
    assert payment["updated_at"] == payment["created_at"]
    async with callers.books.begin() as db:
        row = await ORDERS.lock(db, UUID(order["id"]))
        [shipment_id] = await plan_shipments(db, row, "sandbox")
        await db.execute(
            text(
                "INSERT INTO payment_entries (id, payment_id, kind, phase, key, amount)"
                " VALUES (gen_random_uuid(), :payment, 'authorization', 'requested', 'k', 1)"
            ),
            {"payment": payment["id"]},
        )
    planned = await read(callers, f"/shipments/{shipment_id}")
    assert planned["updated_at"] == planned["created_at"]
    entered = await read(callers, f"/payments/{payment['id']}")
    assert entered["updated_at"] == entered["entries"][0]["recorded_at"]
    assert at(entered) > at(payment)
    async with callers.books.begin() as db:
        await SHIPMENTS.change(db, await SHIPMENTS.lock(db, shipment_id), carrier="heron")
    assert at(await read(callers, f"/shipments/{shipment_id}")) > at(planned)


async def test_every_table_with_a_version_says_when_it_was_counted_up(callers: Callers) -> None:
    """A version that moves without its moment would hide a change from who asks what is new."""
    versioned = {name for name, table in metadata.tables.items() if "version" in table.columns}
    # Each version of a term is a row of its own, which never changes.
    versioned -= {"warranty_terms"}
    assert versioned
    assert all("updated_at" in metadata.tables[name].columns for name in versioned)
    async with callers.books.read() as db:
        rows = await db.execute(
            text("SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname = 'say_when_changed'")
        )
    assert set(rows.scalars()) == versioned


async def test_who_waited_for_the_row_does_not_set_the_moment_back(callers: Callers) -> None:
    """now() is when a transaction began, and who began first may write last."""
    made = await one(callers, "customers")
    path = f"/customers/{made['id']}"
    rename = text("UPDATE customers SET name = :name, version = version + 1 WHERE id = :id")
    async with callers.books.begin() as early:
        await early.execute(text("SELECT now()"))
        async with callers.books.begin() as late:
            await late.execute(rename, {"name": "late", "id": made["id"]})
        between = await read(callers, path)
        await early.execute(rename, {"name": "early", "id": made["id"]})
    after = await read(callers, path)
    assert (after["name"], after["version"]) == ("early", 3)
    assert at(after) == at(between) > at(made)
