"""A long history: the sound books over and over, as rows of the past that nothing waits for.

Each copy has ids, numbers and moments of its own, minutes before the copy before it; sites, items,
people and terms stay what they are. What has not ended is not copied: years of trade make the
history long, not the work of the day.
"""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from db.verify.corrections import ON_HAND_AT

SOUND = Path(__file__).parent / "db" / "sound.sql"
MINUTES = 4
"""Between two copies."""

APART = {"assignments": 65, "time_entries": 65}
"""Minutes between two copies of what a technician can only do one after another."""

ADDRESS = (
    '{"name": "Ada", "line1": "500 Congress Ave", "city": "Austin", "postal_code": "78701",'
    ' "country": "US"}'
)

STAYS = {
    "alembic_version", "api_keys", "sites", "locations", "items", "prices", "reorder_rules",
    "balances", "lots", "technicians", "warranty_terms", "item_warranty_terms",
    "partner_health", "verifications", "closed_days",
}  # fmt: skip
"""Tables that do not grow with trade."""

PASSING = {
    "idempotency_keys", "outbox", "inbound_facts", "holds", "withdrawal_links", "withdrawals",
}  # fmt: skip
"""Tables whose rows are dropped, or end, while history grows; and one with ids in its JSON."""

NAMES = {
    "number", "key", "hash", "serial", "serial_key", "tracking_number", "code", "code_key",
    "booking_reference", "external_reference", "provider_reference",
}  # fmt: skip
"""Words that are there once, and so differ from copy to copy."""

KEPT = ("item_id", "lot_id", "site_id", "location_id", "technician_id", "term_id", "quarantine_id")
"""How references to what stays end."""

OPEN = """
CREATE TEMP TABLE open_ones AS
    SELECT id FROM orders WHERE status NOT IN ('completed', 'closed', 'cancelled')
    UNION SELECT id FROM returns WHERE closed_at IS NULL AND rejected_at IS NULL
        AND expired_at IS NULL AND cancelled_at IS NULL
    UNION SELECT id FROM work_orders WHERE closed_at IS NULL AND cancelled_at IS NULL
    UNION SELECT id FROM claims WHERE settled_at IS NULL AND denied_at IS NULL
        AND withdrawn_at IS NULL
    UNION SELECT id FROM refunds WHERE status NOT IN ('succeeded', 'cancelled')
    UNION SELECT id FROM tasks WHERE status = 'open'
"""

BALANCES = """
CREATE TEMP TABLE counted AS
SELECT item_id, location_id, lot_id, m.moved, coalesce(r.held, 0) AS held
FROM (SELECT item_id, location_id, lot_id, sum(quantity) AS moved FROM (
        SELECT item_id, to_location_id AS location_id, lot_id, quantity FROM movements
        UNION ALL SELECT item_id, from_location_id, lot_id, -quantity FROM movements) sides
    JOIN locations l ON l.id = location_id AND l.site_id IS NOT NULL GROUP BY 1, 2, 3) m
LEFT JOIN (SELECT item_id AS item, location_id AS place, lot_id AS lot, sum(quantity) AS held
    FROM reservations WHERE status = 'active' GROUP BY 1, 2, 3) r
    ON (item, place) = (item_id, location_id) AND lot IS NOT DISTINCT FROM lot_id;
DELETE FROM balances;
INSERT INTO balances (item_id, location_id, lot_id, on_hand, reserved)
    SELECT item_id, location_id, lot_id, moved, held FROM counted;
DROP TABLE counted
"""

COUNTS = f"""
UPDATE count_lines l SET counted = c.on_hand
FROM ({ON_HAND_AT}) c WHERE c.id = l.id AND c.counted <> c.on_hand
"""
"""Who counts finds what all copies before have left there."""


@dataclass(frozen=True)
class _Column:
    name: str
    type: str


class History:
    """Fills an empty database with the sound books; ``db`` is a superuser's connection."""

    def __init__(self, db: Any, minutes: int = MINUTES) -> None:
        self._db = db
        self._minutes = minutes
        self.copies = 0
        self.orders = 0
        self._now = round(time.time() * 1000)
        self.tables: dict[str, list[_Column]] = {}
        self._moving: dict[tuple[str, str], str] = {}

    async def begin(self) -> None:
        """Write the sound books, and note which of their rows are to be copied."""
        await self._db.execute(SOUND.read_text())
        await self._db.execute("SET session_replication_role = replica")
        await self._db.execute(f"UPDATE orders SET ship_to = '{ADDRESS}', bill_to = '{ADDRESS}'")
        await self._db.execute(f"UPDATE shipments SET ship_to = '{ADDRESS}'")
        await self._read_columns()
        await self._db.execute(OPEN)
        while await self._spread():
            pass
        for table in self.tables:
            await self._db.execute(
                f"CREATE TEMP TABLE seed_{table} AS SELECT t.* FROM {table} t"
                f" WHERE NOT {self._refers(table, 'open_ones')}"
            )
        own = " UNION ".join(
            f"SELECT id FROM seed_{table}"
            for table in self.tables
            if self._has(table, "id", "uuid")
        )
        await self._db.execute(f"CREATE TEMP TABLE moving AS {own}")
        await self._db.execute(
            "DELETE FROM seed_events WHERE subject_id NOT IN (SELECT id FROM moving);"
            "UPDATE seed_order_lines SET coming_back = 0"
        )
        for table, columns in self.tables.items():
            for column in columns:
                if column.type == "uuid":
                    self._moving[table, column.name] = await self._way(table, column.name)
        self.orders = await self._db.fetchval("SELECT count(*) FROM seed_orders")

    async def grow(self, orders: int) -> None:
        """Copy until the books hold about so many ended orders, then let them be counted."""
        wanted = -(-orders // self.orders)
        for table, columns in self.tables.items():
            names = ", ".join(f'"{column.name}"' for column in columns)
            values = ", ".join(self._value(table, column) for column in columns)
            await self._db.execute(
                f"INSERT INTO {table} ({names}) SELECT {values}"
                f" FROM generate_series({self.copies + 1}, {wanted}) AS k, seed_{table} t"
            )
        self.copies = max(self.copies, wanted)
        await self._db.execute(COUNTS)
        await self._db.execute(BALANCES)
        await self._db.execute("VACUUM (ANALYZE)")

    async def _read_columns(self) -> None:
        rows = await self._db.fetch(
            """SELECT c.table_name, c.column_name, c.udt_name FROM information_schema.columns c
            JOIN information_schema.tables t USING (table_schema, table_name)
            WHERE table_schema = 'public' AND t.table_type = 'BASE TABLE'
                AND c.is_identity = 'NO' AND c.is_generated = 'NEVER'
            ORDER BY c.table_name, c.ordinal_position"""
        )
        for row in rows:
            if row["table_name"] not in STAYS | PASSING:
                column = _Column(row["column_name"], row["udt_name"])
                self.tables.setdefault(row["table_name"], []).append(column)

    async def _spread(self) -> bool:
        """Add the rows that belong to open ones; return whether there were any."""
        added = 0
        for table in self.tables:
            if self._has(table, "id", "uuid"):
                done = await self._db.execute(
                    f"INSERT INTO open_ones SELECT id FROM {table} t"
                    f" WHERE {self._refers(table, 'open_ones')}"
                    " AND id NOT IN (SELECT id FROM open_ones)"
                )
                added += int(done.rpartition(" ")[2])
        return added > 0

    def _refers(self, table: str, ids: str) -> str:
        parts = [
            f'coalesce(t."{column.name}" IN (SELECT id FROM {ids}), false)'
            for column in self.tables[table]
            if column.type == "uuid"
        ]
        return f"({' OR '.join(parts)})"

    def _has(self, table: str, name: str, kind: str) -> bool:
        return _Column(name, kind) in self.tables[table]

    async def _way(self, table: str, name: str) -> str:
        """How a reference is copied: every one moves, none does, or it depends on the row."""
        if name.endswith(KEPT):
            return "none"
        moved, given = await self._db.fetchrow(
            f'SELECT count(*) FILTER (WHERE "{name}" IN (SELECT id FROM moving)), count("{name}")'
            f" FROM seed_{table}"
        )
        return "none" if moved == 0 else "all" if moved == given else "some"

    def _value(self, table: str, column: _Column) -> str:
        own = f't."{column.name}"'
        back = f"k * interval '{max(APART.get(table, 0), self._minutes)} minutes'"
        if column.type == "uuid":
            way = self._moving[table, column.name]
            # The first half is a moment, as in the ids that the product makes.
            moment = f"to_hex({self._now} - k * {self._minutes * 60_000}::bigint)"
            moved = f"(lpad({moment}, 12, '0') || substr(md5({own}::text || k), 13))::uuid"
            some = f"CASE WHEN {own} IN (SELECT id FROM moving) THEN {moved} ELSE {own} END"
            return {"none": own, "all": moved, "some": some}[way]
        if column.type == "timestamptz":
            return f"{own} - {back}"
        if column.type == "tstzrange":
            return f"tstzrange(lower({own}) - {back}, upper({own}) - {back})"
        if column.type in ("text", "varchar") and column.name in NAMES:
            return f"{own} || '-' || k"
        return own
