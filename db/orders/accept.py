"""Taking orders in: many by a handful of statements, each order whole or not at all."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from db.engine import to_json
from db.items import listing_of
from domain.customers import CustomerStatus
from domain.ids import CustomerId, ItemId, LocationId, SiteId
from domain.inventory import Shelf
from domain.items import Listing
from domain.value import Value

_REFERENCE = text(
    """SELECT
    (SELECT jsonb_object_agg(id, status) FROM customers WHERE id = ANY(:customers)) AS customers,
    (SELECT jsonb_agg(jsonb_build_object(
        'id', id, 'sku', sku, 'name', name, 'status', status, 'sellable', sellable,
        'tax_rate', tax_rate::text, 'prices', coalesce((
            SELECT jsonb_object_agg(p.currency, p.amount) FROM (
                SELECT DISTINCT ON (currency) currency, amount FROM prices
                WHERE prices.item_id = items.id AND valid_from <= now()
                ORDER BY currency, valid_from DESC) p), '{}'::jsonb)))
     FROM items WHERE id = ANY(:items) OR lower(sku) = ANY(:skus)) AS items,
    (SELECT jsonb_agg(jsonb_build_object('source', o.source, 'reference', o.external_reference,
        'id', o.id))
     FROM orders o JOIN unnest(CAST(:sources AS text[]), CAST(:references AS text[])) AS given(s, r)
        ON o.source = given.s AND o.external_reference = given.r) AS known,
    (SELECT array_agg(nextval('order_numbers')) FROM generate_series(1, :orders)) AS numbers"""
)

# Rows are locked in one order by everyone, so two callers never wait for each other in a circle.
_LOCK_SHELVES = text(
    """SELECT b.item_id, i.sku, b.location_id, l.code AS location_code, l.site_id,
        s.code AS site_code, s.rank AS site_rank, floor(b.on_hand - b.reserved)::bigint AS available
    FROM balances b JOIN items i ON i.id = b.item_id JOIN locations l ON l.id = b.location_id
        JOIN sites s ON s.id = l.site_id
    WHERE b.item_id = ANY(:items) AND l.sellable AND l.active AND s.active
    ORDER BY b.item_id, b.location_id FOR UPDATE OF b"""
)

_COLUMNS = {
    "orders": (
        "id, number, customer_id, source, external_reference, status, currency, payment_method,"
        " shipping_service, ship_to, bill_to, subtotal_amount, discount_amount, shipping_amount,"
        " shipping_tax_amount, tax_amount, total_amount, placed_at, payment_due_at"
    ),
    "order_lines": (
        "id, order_id, position, item_id, sku, name, quantity, unit_price_amount, discount_amount,"
        " tax_rate, tax_amount, total_amount"
    ),
    "reservations": (
        "id, item_id, location_id, quantity, document_type, document_id, line_id, status"
    ),
    "payments": "id, order_id, provider, method, amount, currency, token, created_by",
    "events": "id, type, subject, subject_id, sequence, actor, correlation_id, data",
    "outbox": "kind, workflow, document_id, payload",
}
_INSERTS = ", ".join(
    f"{table}_in AS (INSERT INTO {table} ({columns}) "
    f"SELECT {columns} FROM jsonb_populate_recordset(NULL::{table}, CAST(:{table} AS jsonb)))"
    for table, columns in _COLUMNS.items()
)
_WRITE = text(
    f"""WITH {_INSERTS}, promised AS (
        UPDATE balances b SET reserved = b.reserved + d.quantity
        FROM jsonb_to_recordset(CAST(:promises AS jsonb))
            AS d(item_id uuid, location_id uuid, quantity numeric)
        WHERE b.item_id = d.item_id AND b.location_id = d.location_id)
    UPDATE idempotency_keys k SET state = 'done', status = 201, answer = a.answer
    FROM jsonb_to_recordset(CAST(:answers AS jsonb)) AS a(caller text, key text, answer text)
    WHERE k.caller = a.caller AND k.key = a.key"""
)


class Reference(Value):
    """What placing needs to know: customers, what is sold, and a number for each order."""

    customers: dict[CustomerId, CustomerStatus]
    listings: dict[ItemId | str, Listing]
    known: dict[tuple[str, str], UUID]
    """Orders that were placed before, by source and external reference."""
    numbers: tuple[str, ...]


class OrderRows(Value):
    """All rows of one accepted order, by table, as JSON values."""

    order: dict[str, Any]
    lines: list[dict[str, Any]]
    reservations: list[dict[str, Any]]
    payments: list[dict[str, Any]]
    events: list[dict[str, Any]]
    start: dict[str, Any]


class StoredAnswer(Value):
    """What the caller is told, kept for a repeat under the same key."""

    caller: str
    key: str
    answer: str


async def read_reference(
    db: AsyncConnection,
    customers: Iterable[CustomerId],
    items: Iterable[ItemId],
    skus: Iterable[str],
    references: Sequence[tuple[str, str]],
    orders: int,
) -> Reference:
    """Read what is needed to price and number ``orders`` orders (``skus`` in lower case).

    ``references`` are pairs of source and external reference.
    """
    row = (
        await db.execute(
            _REFERENCE,
            {
                "customers": list(customers),
                "items": list(items),
                "skus": list(skus),
                "sources": [source for source, _ in references],
                "references": [reference for _, reference in references],
                "orders": orders,
            },
        )
    ).one()
    listings: dict[ItemId | str, Listing] = {}
    for item in row.items or ():
        listing = listing_of(item)
        listings[listing.item_id] = listings[listing.sku.lower()] = listing
    statuses, known = row.customers or {}, row.known or []
    return Reference(
        customers={CustomerId(UUID(key)): CustomerStatus(value) for key, value in statuses.items()},
        listings=listings,
        known={(row["source"], row["reference"]): UUID(row["id"]) for row in known},
        numbers=tuple(f"SO-{number}" for number in row.numbers),
    )


async def lock_shelves(db: AsyncConnection, items: Iterable[ItemId]) -> list[Shelf]:
    """Lock and return what is free of these items wherever it can be sold from."""
    rows = await db.execute(_LOCK_SHELVES, {"items": list(items)})
    return [
        Shelf(
            item_id=ItemId(row.item_id),
            sku=row.sku,
            location_id=LocationId(row.location_id),
            location_code=row.location_code,
            site_id=SiteId(row.site_id),
            site_code=row.site_code,
            site_rank=row.site_rank,
            available=row.available,
        )
        for row in rows
    ]


async def write_orders(
    db: AsyncConnection, orders: Sequence[OrderRows], answers: Sequence[StoredAnswer]
) -> None:
    """Write accepted orders, their promises, events, starts and answers by one statement.

    The shelves are locked by the caller; the CHECK on the balances refuses what oversells all the
    same. ``answers`` complete the callers' idempotency rows.
    """
    promises: dict[tuple[str, str], int] = {}
    for order in orders:
        for held in order.reservations:
            place = (held["item_id"], held["location_id"])
            promises[place] = promises.get(place, 0) + held["quantity"]
    await db.execute(
        _WRITE,
        {
            "orders": to_json([order.order for order in orders]),
            "order_lines": to_json([row for order in orders for row in order.lines]),
            "reservations": to_json([row for order in orders for row in order.reservations]),
            "payments": to_json([row for order in orders for row in order.payments]),
            "events": to_json([row for order in orders for row in order.events]),
            "outbox": to_json([order.start for order in orders]),
            "promises": to_json(
                [
                    {"item_id": item, "location_id": location, "quantity": quantity}
                    for (item, location), quantity in promises.items()
                ]
            ),
            "answers": to_json([answer.model_dump() for answer in answers]),
        },
    )
