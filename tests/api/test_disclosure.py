"""What each role is shown of a document, in every view of it: planted values, and who sees them."""

import json
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

import httpx2
import pytest
from sqlalchemy import text
from temporalio import workflow
from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from api.app import create_app
from api.services import Services
from db.engine import Database
from db.events import Event, add_events
from domain.access import Role
from runtime.settings import Settings
from tests.api.callers import Callers
from tests.patience import eventually
from tests.shop import Shop
from tests.storefront import Storefront, an_order

R = Role
EVERYBODY = frozenset(Role)
OURS = EVERYBODY - {R.CUSTOMER}
STAFF = OURS - {R.INTEGRATION}
CASHIERS = frozenset({R.CUSTOMER, R.SUPPORT, R.FINANCE, R.ADMIN, R.INTEGRATION})

SEEN: dict[str, frozenset[Role]] = {
    '"on_hold":true': EVERYBODY,
    "SO-planted": EVERYBODY,
    "planted-tracking": EVERYBODY,
    "2031-04-05": EVERYBODY,
    "order.hold_placed": EVERYBODY,
    "a person, to release the hold": EVERYBODY,
    "planted-note": OURS,
    "fraud_review": OURS,
    '"fraud"': OURS,
    "user:planted-staff": OURS,
    "user:planted-clerk": CASHIERS - {R.CUSTOMER},
    "https://label.example/planted": OURS,
    "77731": OURS,
    "4711": OURS,
    "planted-shelf": OURS,
    "55519": OURS - {R.WAREHOUSE, R.OPERATOR, R.INSPECTOR},
    "planted-refusal": OURS,
    "planted-error": OURS,
    "planted step": OURS,
    '"history_events"': OURS,
    "planted question": STAFF,
    "planted-reference": CASHIERS,
    "planted-decline": CASHIERS,
    "https://bank.example/planted": CASHIERS,
    "66613": CASHIERS,
    "planted-dispute": CASHIERS - {R.CUSTOMER},
    "88842": STAFF & CASHIERS,
    "planted-report": STAFF,
    "planted@example.com": CASHIERS,
}
"""Each planted value, and the roles that find it anywhere."""

PLANT = """
UPDATE orders SET number = 'SO-planted', source = 'integration' WHERE id = :order;
UPDATE customers SET source = 'integration', email = 'planted@example.com' WHERE id = :customer;
UPDATE orders SET status = 'cancelled', source = 'integration', cancelled_at = now(),
    cancel_reason = 'fraud' WHERE id = :cancelled;
UPDATE outbox SET attempts = 3, last_error = 'planted-error' WHERE document_id = :order;
UPDATE items SET standard_cost_amount = 55519, standard_cost_currency = 'USD' WHERE id = :item;
INSERT INTO holds (id, document_type, document_id, reason, note, placed_by)
    VALUES (gen_random_uuid(), 'order', :order, 'fraud_review', 'planted-note',
        'user:planted-staff');
INSERT INTO shipments (id, number, order_id, site_id, status, carrier, service, ship_from, ship_to,
        label_url, label_amount, label_currency, promised_on, booked_at)
    SELECT :shipment, 'SHP-planted', o.id, l.site_id, 'booked', 'sandbox', 'ground', '{}',
        o.ship_to, 'https://label.example/planted', 77731, 'USD', '2031-04-05', now()
    FROM orders o, locations l WHERE o.id = :order AND l.id = :shelf;
INSERT INTO shipment_lines (id, shipment_id, order_line_id, item_id, location_id, reservation_id,
        quantity)
    SELECT gen_random_uuid(), :shipment, line_id, item_id, location_id, id, 1
    FROM reservations WHERE document_id = :order;
INSERT INTO parcels (id, shipment_id, carrier, tracking_number, status)
    VALUES (gen_random_uuid(), :shipment, 'sandbox', 'planted-tracking', 'booked');
INSERT INTO tasks (id, kind, document_type, document_id, role, question, facts, choices, status,
        due_at)
    VALUES (gen_random_uuid(), 'parcel_exception', 'shipment', :shipment, 'support',
        'planted question?', '{"message": "planted-report"}', '["dealt_with"]', 'open',
        now() + interval '1 day'),
        (gen_random_uuid(), 'payment_mismatch', 'shipment', :shipment, 'finance', '?',
        '{"ours": {"amount": 88842, "currency": "USD"},
        "theirs": {"amount": 1, "currency": "USD"}}',
        '["ours", "theirs"]', 'open', now() + interval '1 day');
UPDATE payments SET amount = 66613, created_by = 'user:planted-clerk',
    redirect_url = 'https://bank.example/planted' WHERE order_id = :order;
INSERT INTO payment_entries (id, payment_id, kind, phase, key, amount, provider_reference,
        failure_code)
    SELECT gen_random_uuid(), id, 'authorization', 'failed', 'k', 66613, 'planted-reference',
        'planted-decline'
    FROM payments WHERE order_id = :order;
INSERT INTO payment_entries (id, payment_id, kind, phase, key, amount)
    SELECT gen_random_uuid(), id, 'authorization', 'action_required', 'k2', 66613
    FROM payments WHERE order_id = :order
"""

VIEWS = """/orders/{order} /orders?number=SO-planted /orders/{order}/timeline
    /orders/{order}/process /orders/{cancelled} /orders/{cancelled}/timeline /shipments/{shipment}
    /shipments?order_id={order} /shipments/{shipment}/tracking /shipments/{shipment}/timeline
    /shipments/{shipment}/process /payments?order_id={order} /items/{item} /items?sku={sku}
    /inventory?sku={sku} /customers/{customer} /customers?email=planted@example.com
    /tasks?document_id={shipment} /events?subject_id={order} /events?subject_id={shipment}
    /events?subject_id={cancelled}""".split()


@workflow.defn(name="Planted")
class Planted:
    """A run with a step that no worker takes."""

    @workflow.run
    async def run(self) -> None:
        await workflow.execute_activity(
            "planted_step",
            task_queue="nobody",
            schedule_to_close_timeout=timedelta(hours=1),
        )


@pytest.fixture(scope="module")
async def temporal(temporal_address: str) -> Client:
    return await Client.connect(temporal_address)


@pytest.fixture(scope="module")
async def callers(books: Database, settings: Settings, temporal: Client) -> AsyncIterator[Callers]:
    """Callers of an application whose Temporal is there."""

    async def connect() -> Client:
        return temporal

    app = create_app(Services(settings=settings, db=books, temporal=connect))
    transport = httpx2.ASGITransport(app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://stateset") as client:
        yield Callers(client, books)


@pytest.fixture(scope="module")
async def planted(callers: Callers, books: Database, temporal: Client) -> dict[str, str]:
    """An order with everything that it can have; returns the ids that its views are found by."""
    company = Shop(books)
    await company.open()
    shop = Storefront(company, callers)
    sku = await shop.item(stock=4711)
    order, cancelled = await shop.placed({sku: 1}), await shop.placed({sku: 1})
    ids = {
        "order": order["id"],
        "cancelled": cancelled["id"],
        "customer": shop.customer_id,
        "item": order["lines"][0]["item_id"],
        "shelf": str(company.shelves["AUS"]),
        "shipment": "0190a4b5-7a6e-7c3d-8f1e-2b3c4d5e6f70",
    }
    given = {name: UUID(value) for name, value in ids.items()}
    async with books.begin() as db:
        for statement in PLANT.split(";\n"):
            used = {name: value for name, value in given.items() if f":{name}" in statement}
            await db.execute(text(statement), used)
        await add_events(db, events(given))
    await start_run(temporal)
    return {**ids, "sku": sku}


def events(ids: dict[str, UUID]) -> list[Event]:
    def event(kind: str, **data: object) -> Event:
        subject = ids["cancelled" if kind.endswith("cancelled") else kind.partition(".")[0]]
        return Event(kind, kind, subject, "user:planted-staff", "", data)

    mismatch = {"payment_id": "p", "ours": {"amount": 66613}, "reference": "planted-dispute"}
    return [
        event("order.hold_placed", reason="fraud_review", note="planted-note"),
        event("order.cancelled", reason="fraud", **{"from": "pending", "to": "cancelled"}),
        event("order.payment_failed", amount={"amount": 66613}, failure_code="planted-decline"),
        event("order.payment_mismatched", **mismatch),
        event("shipment.planned", to="pending", units=1),
        event("shipment.booking_refused", code="no", message="planted-refusal"),
    ]


async def start_run(temporal: Client) -> None:
    worker = Worker(
        temporal,
        task_queue="planted",
        workflows=[Planted],
        workflow_runner=UnsandboxedWorkflowRunner(),
    )
    async with worker:
        run = await temporal.start_workflow(
            "Planted", id="order-fulfillment/SO-planted", task_queue="planted"
        )

        async def pending() -> bool:
            return bool((await run.describe()).raw_description.pending_activities)

        await eventually(pending)


def is_shown(value: str, read: str) -> bool:
    """Whether the value is in what was read; a number as a whole one, not as part of an id."""
    return re.search(rf"(?<![\w.-]){re.escape(value)}(?![\w-])", read) is not None


@pytest.mark.parametrize("role", Role)
async def test_a_role_is_shown_what_the_table_says_and_nothing_else(
    role: Role, callers: Callers, planted: dict[str, str]
) -> None:
    """D9, D24: tested on fields, not on routes: everything that a role may read is read."""
    customer = planted["customer"] if role is R.CUSTOMER else None
    read = ""
    for path in VIEWS:
        answer = await callers.get(path.format(**planted), role=role, customer_id=customer)
        assert answer.status_code in (200, 403), answer.text
        read += json.dumps(answer.json(), separators=(",", ":"))
    read = read.replace(planted["shelf"], "planted-shelf")
    found = {value for value in SEEN if is_shown(value, read)}
    assert found == {value for value, roles in SEEN.items() if role in roles}


async def test_a_customer_sees_its_own_facts_and_that_it_waits(
    callers: Callers, planted: dict[str, str]
) -> None:
    """D9: what is withheld is null, and in words says no more than that it is waited for."""
    me = {"role": "customer", "customer_id": planted["customer"]}
    order = (await callers.get(f"/orders/{planted['order']}", **me)).json()
    assert (order["on_hold"], order["holds"], order["status"]) == (True, None, "pending")
    assert [payment["amount"]["amount"] for payment in order["payments"]] == [66613]
    cancelled = (await callers.get(f"/orders/{planted['cancelled']}", **me)).json()
    assert (cancelled["status"], cancelled["cancel_reason"]) == ("cancelled", None)
    events = (await callers.get(f"/orders/{planted['order']}/timeline", **me)).json()["items"]
    assert [(event["type"], event["actor"], sorted(event["data"])) for event in events] == [
        ("order.placed.v1", "company", ["to", "total"]),
        ("order.stock_reserved.v1", "company", []),
        ("order.hold_placed.v1", "company", []),
        ("order.payment_failed.v1", "company", ["amount", "failure_code"]),
        ("order.payment_mismatched.v1", "company", ["payment_id"]),
    ]
    process = (await callers.get(f"/orders/{planted['order']}/process", **me)).json()
    assert process["runs"] is None
    assert {(wait["who"], wait["what"]) for wait in process["waiting_for"]} >= {
        ("a person", "a decision"),
        ("a person, to release the hold", "the hold"),
        ("our dispatcher", "the next step"),
        ("a step of ours", "the next step"),
    }
    assert not any(wait["attempts"] or wait["last_error"] for wait in process["waiting_for"])


async def test_a_customer_knows_itself_in_the_timeline(
    callers: Callers, planted: dict[str, str]
) -> None:
    """D9: others are the company, oneself is oneself."""
    body = an_order(planted["customer"], {planted["sku"]: 1})
    me = {"role": "customer", "customer_id": planted["customer"]}
    placed = (await callers.post("/orders", body, **me)).json()
    assert placed == (await callers.get(f"/orders/{placed['id']}", **me)).json()
    events = (await callers.get(f"/orders/{placed['id']}/timeline", **me)).json()["items"]
    assert {event["actor"] for event in events} == {"key:customer"}
