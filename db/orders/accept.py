"""Acceptance of orders: many by a handful of statements, each order whole or not at all."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from db.engine import to_json
from db.idempotency import CallerKey, Claim
from db.inventory.lots import find_promisable
from db.inventory.posting import RESERVE_LOCKED
from db.items import listing_of
from db.orders.tables import PREFIX
from db.outbox import Message
from domain.customers import CustomerStatus
from domain.ids import CustomerId, ItemId, LocationId, SiteId
from domain.inventory import Shelf
from domain.items import Listing
from domain.orders.terms import Terms

# Given as JSON, any number of ids looks like a hundred to the planner, so that one kept plan does
# for all; of arrays it would see the length and plan anew every time. Each id is looked up by
# itself (LATERAL, OFFSET 0): a kept plan that scans a table would not notice how that grows.
_REFERENCE = text(
    """SELECT
    (SELECT json_object_agg(c.id, json_build_array(c.status, c.terms_days,
        c.credit_limit_amount, c.credit_limit_currency, c.declines, c.declines_from,
        (SELECT count(*) FROM (
            SELECT FROM orders WHERE customer_id = c.id AND status = 'pending'
                AND payment_method = 'card' LIMIT :counted) u)))
     FROM jsonb_array_elements_text(CAST(:customers AS jsonb)) AS w(id), LATERAL (
        SELECT id, status, terms_days, credit_limit_amount, credit_limit_currency, declines,
            declines_from
        FROM customers WHERE id = w.id::uuid OFFSET 0) c) AS customers,
    (SELECT json_agg(json_build_object(
        'id', i.id, 'sku', i.sku, 'key', i.sku_key, 'name', i.name,
        'status', i.status, 'sellable', i.sellable, 'backorderable', i.backorderable,
        'serial_at_shipping', i.serial_at_shipping,
        'tax_rate', i.tax_rate::text, 'prices', coalesce((
            SELECT json_object_agg(p.currency, p.amount) FROM (
                SELECT DISTINCT ON (currency) currency, amount FROM prices
                WHERE prices.item_id = i.id AND valid_from <= now()
                ORDER BY currency, valid_from DESC) p), '{}'::json)))
     FROM (
        SELECT found.* FROM jsonb_array_elements_text(CAST(:items AS jsonb)) AS w(id), LATERAL (
            SELECT * FROM items WHERE id = w.id::uuid OFFSET 0) found
        UNION ALL
        SELECT found.* FROM jsonb_array_elements_text(CAST(:skus AS jsonb)) AS w(sku), LATERAL (
            SELECT * FROM items WHERE sku_key = w.sku OFFSET 0) found) i) AS items,
    (SELECT json_object_agg(w.name, (SELECT count(*) FROM (
            SELECT FROM orders WHERE source = w.name AND status = 'pending'
                AND payment_method = 'card' LIMIT :counted) u))
     FROM jsonb_array_elements_text(CAST(:integrations AS jsonb)) AS w(name)) AS unpaid,
    (SELECT json_agg(json_build_object('source', o.source, 'reference', o.external_reference,
        'id', o.id))
     FROM orders o JOIN unnest(CAST(:sources AS text[]), CAST(:references AS text[])) AS given(s, r)
        ON o.source = given.s AND o.external_reference = given.r) AS known,
    (SELECT json_agg(k)
     FROM jsonb_to_recordset(CAST(:keys AS jsonb)) AS w(caller text, key text), LATERAL (
        SELECT * FROM idempotency_keys WHERE caller = w.caller AND key = w.key OFFSET 0) k) AS keys,
    (SELECT array_agg(nextval('order_numbers')) FROM generate_series(1, :orders)) AS numbers"""
)

_NUMBER = text("SELECT number FROM orders WHERE id = :order")

# Balances are locked in the one order that avoids deadlocks: by item, location and lot.
_LOCK_SHELVES = text(
    """SELECT b.item_id, b.location_id, l.code, l.site_id, s.code, s.rank,
        floor(b.on_hand - b.reserved)::bigint, b.lot_id
    FROM jsonb_array_elements_text(CAST(:items AS jsonb)) AS w(id)
        JOIN balances b ON b.item_id = w.id::uuid
        JOIN locations l ON l.id = b.location_id JOIN sites s ON s.id = l.site_id
    WHERE l.sellable AND l.active AND s.active
    ORDER BY b.item_id, b.location_id, b.lot_id FOR UPDATE OF b"""
)

_COLUMNS = {
    "orders": (
        "id, number, customer_id, kind, replaces_return_id, replaces_shipment_id, source,"
        " external_reference, status, currency, payment_method, capture_on, terms_days,"
        " shipping_service, ship_to, bill_to, subtotal_amount, discount_amount, shipping_amount,"
        " shipping_tax_amount, tax_amount, total_amount, metadata, placed_at, payment_due_at,"
        " shortage_policy, ship_complete, priority, promised_on, updated_at"
    ),
    "order_lines": (
        "id, order_id, position, item_id, sku, name, quantity, unit_price_amount, discount_amount,"
        " tax_rate, tax_amount, total_amount, short_since, serial_at_shipping"
    ),
    "payments": "id, order_id, provider, method, amount, currency, token, return_url, created_by",
    "events": "id, type, subject, subject_id, sequence, actor, correlation_id, data",
    "outbox": "kind, document_type, document_id, payload",
}
_INSERTS = ", ".join(
    f"{table}_in AS (INSERT INTO {table} ({columns}) "
    f"SELECT {columns} FROM jsonb_populate_recordset(NULL::{table}, CAST(:{table} AS jsonb)))"
    for table, columns in _COLUMNS.items()
)
# The keys come first: a request with the same key makes this wait until that one has ended, and
# then nothing else was written in vain.
_KEY = "caller, key, route, fingerprint, resource_id, state, status, answer"
_WRITE = text(
    f"""WITH {_INSERTS}, {RESERVE_LOCKED}
    INSERT INTO idempotency_keys ({_KEY}) SELECT {_KEY}
    FROM jsonb_populate_recordset(NULL::idempotency_keys, CAST(:keys AS jsonb))"""
)


@dataclass(frozen=True, slots=True)
class Reference:
    """What placing needs to know: customers, what is sold, and a number for each order."""

    customers: dict[CustomerId, tuple[CustomerStatus, Terms]]
    """Of each whether it may order, and what on terms."""
    declined: dict[CustomerId, tuple[int, datetime | None]]
    """Of each customer how many cards were declined since when."""
    unpaid: Counter[CustomerId | str]
    """How many orders of each customer and integration wait for their money."""
    listings: dict[ItemId | str, Listing]
    known: dict[tuple[str, str], UUID]
    """Orders that were placed before, by source and external reference."""
    keys: dict[CallerKey, dict[str, Any]]
    """Rows of the idempotency record that there are already."""
    numbers: tuple[str, ...]

    def used(self, claim: Claim) -> dict[str, Any] | None:
        """Return the row of a claim's key, if there is one."""
        return next((self.keys[place] for place in claim.places if place in self.keys), None)


@dataclass(frozen=True, slots=True)
class OrderRows:
    """All rows of one accepted order, by table, as JSON values."""

    order: dict[str, Any]
    lines: list[dict[str, Any]]
    payments: list[dict[str, Any]]
    events: list[dict[str, Any]]
    start: Message
    reservations: list[dict[str, Any]] = field(default_factory=list)


async def get_reference(
    db: AsyncConnection,
    customers: Iterable[CustomerId],
    items: Iterable[ItemId],
    skus: Iterable[str],
    references: Sequence[tuple[str, str]],
    keys: Iterable[CallerKey],
    orders: int,
    integrations: Iterable[str] = (),
    counted: int = 0,
) -> Reference:
    """Read what is needed to judge, price and number ``orders`` orders (``skus`` are keys).

    ``references`` are pairs of source and external reference, ``keys`` of caller and key. Orders
    that wait for their money are counted up to ``counted``.
    """
    row = (
        await db.execute(
            _REFERENCE,
            {
                "customers": to_json(list(customers)),
                "items": to_json(list(items)),
                "skus": to_json(list(skus)),
                "sources": [source for source, _ in references],
                "references": [reference for _, reference in references],
                "keys": to_json([{"caller": caller, "key": key} for caller, key in keys]),
                "orders": orders,
                "integrations": to_json(list(integrations)),
                "counted": counted,
            },
        )
    ).one()
    listings: dict[ItemId | str, Listing] = {}
    for item in row.items or ():
        listing = listing_of(item)
        listings[listing.item_id] = listings[item["key"]] = listing
    customers = row.customers or {}
    return Reference(
        customers={
            CustomerId(UUID(key)): (CustomerStatus(status), Terms(*terms))
            for key, (status, *terms, _, _, _) in customers.items()
        },
        declined={
            CustomerId(UUID(key)): (declines, since and datetime.fromisoformat(since))
            for key, (*_, declines, since, _) in customers.items()
        },
        unpaid=Counter(
            {
                **{CustomerId(UUID(key)): counted for key, (*_, counted) in customers.items()},
                **(row.unpaid or {}),
            }
        ),
        listings=listings,
        known={(each["source"], each["reference"]): UUID(each["id"]) for each in row.known or ()},
        keys={(each["caller"], each["key"]): each for each in row.keys or ()},
        numbers=tuple(f"{PREFIX}-{number}" for number in row.numbers),
    )


async def find_number(db: AsyncConnection, order_id: UUID) -> str | None:
    """Return the number of the order with this id, if there is one."""
    number: str | None = (await db.execute(_NUMBER, {"order": order_id})).scalar_one_or_none()
    return number


async def lock_shelves(
    db: AsyncConnection, items: Mapping[ItemId, str]
) -> dict[ItemId, list[Shelf]]:
    """Lock and return what is free of these items (and their SKUs) wherever it can be sold from.

    Lots are looked up when their balances are locked, so that one in quarantine is not promised
    by who has waited for it; it takes a statement only where there are some.
    """
    rows = (await db.execute(_LOCK_SHELVES, {"items": to_json(list(items))})).all()
    lots = await find_promisable(db, {row.lot_id for row in rows if row.lot_id is not None})
    shelves: dict[ItemId, list[Shelf]] = {item: [] for item in items}
    for item, location, location_code, site, site_code, rank, available, lot in rows:
        if lot is not None and lot not in lots:
            continue
        received_on, expires_on = lots.get(lot, (date.min, date.max))
        shelves[item].append(
            Shelf(
                item_id=item,
                sku=items[item],
                location_id=LocationId(location),
                location_code=location_code,
                site_id=SiteId(site),
                site_code=site_code,
                site_rank=rank,
                available=available,
                lot_id=lot,
                received_on=received_on,
                expires_on=expires_on,
            )
        )
    return shelves


async def write_orders(
    db: AsyncConnection, orders: Sequence[OrderRows], keys: Sequence[Mapping[str, Any]]
) -> None:
    """Write accepted orders, their reservations, events and starts by one statement.

    ``keys`` are rows of the idempotency record, with the answers, of the orders that have a claim.
    The shelves are locked by the caller; the CHECK on the balances refuses what oversells all the
    same. An IntegrityError may mean that a key or reference was used since it was looked for.
    """
    # Two writers that meet on unique values do so in one order: no deadlock.
    by_key = sorted(keys, key=lambda row: (row["caller"], row["key"]))
    by_reference = sorted(
        (order.order for order in orders),
        key=lambda row: (row["source"], row["external_reference"] or ""),
    )
    await db.execute(
        _WRITE,
        {
            "orders": to_json(by_reference),
            "order_lines": to_json([row for order in orders for row in order.lines]),
            "reservations": to_json([row for order in orders for row in order.reservations]),
            "payments": to_json([row for order in orders for row in order.payments]),
            "events": to_json([row for order in orders for row in order.events]),
            "outbox": to_json([order.start for order in orders]),
            "keys": to_json(by_key),
        },
    )
