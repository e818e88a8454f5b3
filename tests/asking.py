"""Every question that the API answers: each path, and each of its filters by each kind of value."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

PAGING = {"after", "limit", "cursor"}
NOT_BOOKS = ("/health", "/guest", "/metrics")
"""Paths that are not asked: they read nothing that grows, or want a credential of their own."""

VALUES = """
SELECT 'order_id' AS name, id::text AS value FROM orders WHERE number LIKE 'SO-1-%'
UNION ALL SELECT 'customer_id', customer_id::text FROM orders WHERE number LIKE 'SO-1-%'
UNION ALL SELECT 'external_reference', 'none'
UNION ALL SELECT 'source', source FROM orders
UNION ALL SELECT 'source', 'none'
UNION ALL SELECT 'sku', sku FROM items
UNION ALL SELECT 'item_id', id::text FROM items
UNION ALL SELECT 'site_id', id::text FROM sites
UNION ALL SELECT 'site', code FROM sites
UNION ALL SELECT 'location_id', id::text FROM locations
UNION ALL SELECT 'lot_id', id::text FROM lots
UNION ALL SELECT 'movement_id', id::text FROM movements
UNION ALL SELECT 'document_id', document_id::text FROM movements WHERE document_id IS NOT NULL
UNION ALL SELECT 'count_id', id::text FROM counts
UNION ALL SELECT 'document_id', document_id::text FROM tasks
UNION ALL SELECT 'subject_id', subject_id::text FROM events
UNION ALL SELECT 'shipment_id', id::text FROM shipments
UNION ALL SELECT 'return_id', id::text FROM returns
UNION ALL SELECT 'payment_id', id::text FROM payments
UNION ALL SELECT 'refund_id', id::text FROM refunds
UNION ALL SELECT 'claim_id', id::text FROM claims
UNION ALL SELECT 'warranty_id', id::text FROM warranties
UNION ALL SELECT 'term_id', id::text FROM warranty_terms
UNION ALL SELECT 'work_order_id', id::text FROM work_orders
UNION ALL SELECT 'operation_id', id::text FROM work_order_operations
UNION ALL SELECT 'technician_id', id::text FROM technicians
UNION ALL SELECT 'assigned_to', id::text FROM technicians
UNION ALL SELECT 'withdrawal_id', id::text FROM withdrawals
UNION ALL SELECT 'order_line_id', id::text FROM order_lines
UNION ALL SELECT 'task_id', id::text FROM tasks
UNION ALL SELECT 'tracking_number', tracking_number FROM parcels
UNION ALL SELECT 'provider_reference', provider_reference FROM payment_entries
    WHERE provider_reference IS NOT NULL
UNION ALL SELECT 'carrier', carrier FROM shipments
UNION ALL SELECT 'email', 'nobody@example.com'
UNION ALL SELECT 'serial', serial FROM units
UNION ALL SELECT 'code', code FROM lots
UNION ALL SELECT 'code', code FROM warranty_terms
UNION ALL SELECT 'type', type FROM events
UNION ALL SELECT 'type', 'order.never.v1'
"""
NUMBERS = ("orders", "shipments", "refunds", "returns", "claims", "warranties", "work_orders")


async def known(db: Any) -> dict[str, list[str]]:
    """Return values that the books have, by the name of the parameter that takes them."""
    found: dict[str, list[str]] = {}
    query = f"SELECT name, min(value) AS least, max(value) AS most FROM ({VALUES}) v GROUP BY name"
    for row in await db.fetch(query):
        found[row["name"]] = sorted({row["least"], row["most"]})
    for table in NUMBERS:
        least, most = await db.fetchrow(f"SELECT min(number), max(number) FROM {table}")
        found[f"{table}.number"] = sorted({least, most, "none"})
    return found


class Questions:
    """What may be asked by ``GET``, made from the API's own description."""

    def __init__(self, description: Mapping[str, Any], values: Mapping[str, list[str]]) -> None:
        self._description = description
        self._values = values

    def __iter__(self) -> Iterator[str]:
        for path, item in self._description["paths"].items():
            if "get" not in item or path.startswith(NOT_BOOKS):
                continue
            parameters = item["get"].get("parameters", [])
            for filled in self._filled(path):
                yield filled
                for one in parameters:
                    if one["in"] == "query" and one["name"] not in PAGING:
                        for value in self._of(path, one["name"], one["schema"]):
                            yield f"{filled}?{urlencode({one['name']: value})}"

    def _filled(self, path: str) -> list[str]:
        start, brace, rest = path.partition("{")
        if not brace:
            return [path]
        name, _, end = rest.partition("}")
        return [f"{start}{value}{end}" for value in self._values[name]]

    def _of(self, path: str, name: str, schema: Mapping[str, Any]) -> list[str]:
        """Values of one parameter: each word of a list of words, else some that the books have."""
        for form in (schema, *schema.get("anyOf", ()), schema.get("items", {})):
            if "$ref" in form:
                form = self._description["components"]["schemas"][form["$ref"].rpartition("/")[2]]
            if "enum" in form:
                return [str(word) for word in form["enum"]]
            if form.get("type") == "boolean":
                return ["true", "false"]
            if form.get("format") in ("date-time", "date"):
                moments = [datetime.now(UTC) - timedelta(days=days) for days in (0, 7)]
                day = form["format"] == "date"
                return [(at.date() if day else at).isoformat() for at in moments]
            if form.get("type") == "integer":
                return ["3"]
        if name == "number":
            table = path.strip("/").replace("warranties/claims", "claims")
            return self._values.get(f"{table}.number", ["1"])
        return self._values.get(name, ["none"])
