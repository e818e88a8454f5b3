"""Plans of lists: however many rows there are, no page reads all of them."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Select

from db.customers import CustomerRow, search_customers
from db.items import ItemRow, search_items
from db.orders.reads import search_orders
from db.orders.tables import OrderRow
from db.pages import Window, bounded
from db.payments import PaymentRow
from db.reads.payments import search_payments
from db.refunds.reads import search_refunds
from db.refunds.tables import RefundRow
from db.shipments.reads import search_shipments
from db.shipments.tables import ShipmentRow
from domain.access import Reach
from domain.ids import CustomerId
from domain.orders.status import STATES_OF, FulfillmentStatus
from tests.shop import Shop, opened

BEGAN = datetime(2030, 1, 1, tzinfo=UTC)
ROWS = 20_000
FILL = """
INSERT INTO customers (id, kind, name, status, source, created_at)
SELECT lpad(to_hex(n), 32, '0')::uuid, 'person', 'c', 'active', 'bulk', moment
FROM series;
INSERT INTO items (id, sku, sku_key, name, status, created_at)
SELECT lpad(to_hex(n), 32, '0')::uuid, 'b' || n, 'b' || n, 'i', 'active', moment FROM series;
INSERT INTO orders (id, number, customer_id, source, status, currency, payment_method,
    shipping_service, ship_to, bill_to, subtotal_amount, discount_amount, shipping_amount,
    shipping_tax_amount, tax_amount, total_amount, placed_at, updated_at, payment_due_at,
    confirmed_at, completed_at)
SELECT id, 'B-' || n, id, CASE n % 1000 WHEN 0 THEN 'rare' ELSE 'bulk' END, 'completed', 'USD',
    'card', 'ground', '{}', '{}', 1, 0, 0, 0, 0, 1, moment, moment, moment, moment, moment
FROM series, LATERAL (SELECT lpad(to_hex(n), 32, '0')::uuid AS id) i;
INSERT INTO payments (id, order_id, provider, method, amount, currency, created_by, created_at)
SELECT id, id, 'sandbox', 'card', 1, 'USD', 'tests', moment
FROM series, LATERAL (SELECT lpad(to_hex(n), 32, '0')::uuid AS id) i;
INSERT INTO shipments (id, number, order_id, site_id, status, carrier, service, ship_from, ship_to,
    created_at)
SELECT id, 'BS-' || n, id, (SELECT min(id::text)::uuid FROM sites), 'cancelled', 'c', 'ground',
    '{}', '{}', moment
FROM series, LATERAL (SELECT lpad(to_hex(n), 32, '0')::uuid AS id) i;
INSERT INTO refunds (id, number, order_id, payment_id, shipment_id, source, status, currency,
    amount, shipping_amount, shipping_tax_amount, goodwill_amount, goodwill_tax_amount, tax_amount,
    reason, requested_by, created_at)
SELECT id, 'BR-' || n, id, id, id, 'shipment', 'succeeded', 'USD', 1, 0, 0, 1, 0, 0, 'r', 'tests',
    moment
FROM series, LATERAL (SELECT lpad(to_hex(n), 32, '0')::uuid AS id) i;
ANALYZE
""".replace(
    "series",
    f"(SELECT n, timestamptz '{BEGAN.isoformat()}' + n * interval '1 minute' AS moment"
    f" FROM generate_series(1, {ROWS}) AS n) series",
)


@pytest.fixture(scope="module")
async def shop(database_url: str) -> AsyncIterator[Shop]:
    async with opened(database_url) as shop:
        async with shop.books.begin() as db:
            for statement in FILL.split(";"):
                await db.exec_driver_sql(statement)
        yield shop


def windows(column: Any) -> list[Window]:
    """Windows at the beginning of history, in its middle, and without an end."""
    middle, hour = BEGAN + timedelta(minutes=ROWS / 2), timedelta(hours=1)
    return [
        Window(column, BEGAN, BEGAN + hour),
        Window(column, middle, middle + hour),
        Window(column, middle, None),
        Window(column, None, BEGAN + hour),
    ]


LISTS: dict[str, tuple[Select[Any], Any, Sequence[Window]]] = {
    **{
        f"{name} {number}": (query, row.id, [window])
        for name, query, row, column in (
            ("orders by placing", search_orders(), OrderRow, OrderRow.placed_at),
            ("orders by change", search_orders(), OrderRow, OrderRow.updated_at),
            (
                "a source's orders",
                search_orders(Reach(source="bulk")),
                OrderRow,
                OrderRow.placed_at,
            ),
            ("shipments", search_shipments(), ShipmentRow, ShipmentRow.created_at),
            ("payments", search_payments(), PaymentRow, PaymentRow.created_at),
            ("customers", search_customers(), CustomerRow, CustomerRow.created_at),
            ("items", search_items(), ItemRow, ItemRow.created_at),
        )
        for number, window in enumerate(windows(column))
    },
    "a rare source": (search_orders(source="rare"), OrderRow.id, ()),
    "a rare source's own": (search_orders(Reach(source="rare")), OrderRow.id, ()),
    "the refunds of a shipment": (search_refunds(shipment_id=UUID(int=9)), RefundRow.id, ()),
    "the refunds of a shipment, of one customer": (
        search_refunds(Reach(customer_id=CustomerId(UUID(int=9))), shipment_id=UUID(int=9)),
        RefundRow.id,
        (),
    ),
    "the refunds of a return": (search_refunds(return_id=UUID(int=1)), RefundRow.id, ()),
    "a provider's payment": (search_payments(provider_reference="none"), PaymentRow.id, ()),
    "what is on its way": (
        search_orders(statuses=STATES_OF[FulfillmentStatus.SHIPPED]),
        OrderRow.id,
        (),
    ),
}


@pytest.mark.parametrize("after", [None, UUID(int=ROWS // 2)])
@pytest.mark.parametrize("name", LISTS)
async def test_a_page_reads_little_more_than_its_rows(
    shop: Shop, name: str, after: UUID | None
) -> None:
    """A filter without an index reads the whole table, or walks all that is newer than it."""
    query, column, given = LISTS[name]
    page = bounded(query, column, after=after, limit=20, windows=given)
    written = page.compile(
        dialect=shop.books.engine.dialect, compile_kwargs={"literal_binds": True}
    )
    explain = f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {written}"
    async with shop.books.read() as db:
        [plan] = (await db.exec_driver_sql(explain)).scalar_one()
    nodes = list(walk(plan["Plan"]))
    table = column.table.name
    scans = [node for node in nodes if node.get("Relation Name") == table]
    assert scans
    assert {node["Node Type"] for node in scans} <= {
        "Index Scan",
        "Index Only Scan",
        "Bitmap Heap Scan",
    }, plan
    read = sum(
        (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]
        for node in scans
    )
    assert read <= 100, plan


def walk(node: dict[str, Any]) -> Any:
    yield node
    for child in node.get("Plans", ()):
        yield from walk(child)
