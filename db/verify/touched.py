"""The documents that changed since a mark, with all that checks compare them with.

A check says nothing of changed documents only: it reads tables. So it is given tables that hold
nothing else: temporary ones of the same names, which PostgreSQL finds before the books' own.
"""

from collections.abc import Mapping

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from db.documents import DOCUMENTS
from db.verify.mark import Mark

# What has not ended is looked at every day, because time alone may make it wrong.
_BEGIN = " UNION ".join(
    (
        "SELECT subject_id AS id FROM public.events WHERE position >= :position",
        "SELECT document_id FROM public.movements"
        " WHERE recorded_at >= :since AND document_id IS NOT NULL",
        "SELECT payment_id FROM public.payment_entries WHERE recorded_at >= :since",
        """SELECT coalesce(p.shipment_id, l.return_id) FROM public.tracking_events e
        JOIN public.parcels p ON p.id = e.parcel_id
        LEFT JOIN public.return_labels l ON l.id = p.return_label_id
        WHERE e.recorded_at >= :since""",
        "SELECT id FROM public.orders WHERE updated_at >= :since",
        "SELECT document_id FROM public.tasks WHERE status = 'open'",
        "SELECT document_id FROM public.reservations WHERE status = 'active'",
        *(
            f"SELECT id FROM public.{each.table} WHERE status = ANY(:{each.table}_running)"
            for each in DOCUMENTS.values()
        ),
    )
)
_RUNNING = {f"{each.table}_running": sorted(each.running) for each in DOCUMENTS.values()}

# A document, and a document that checks compare it with: both ways where there is an index.
_BOTH_WAYS = (
    ("shipments", "id", "order_id"),
    ("payments", "id", "order_id"),
    ("refunds", "id", "order_id"),
    ("returns", "id", "order_id"),
    ("returns", "id", "claim_id"),
    ("orders", "id", "replaces_return_id"),
    ("orders", "id", "replaces_shipment_id"),
    ("claims", "id", "warranty_id"),
    ("claims", "id", "order_id"),
    ("warranties", "id", "order_id"),
    ("warranties", "id", "replaces_id"),
    ("work_orders", "id", "return_id"),
    ("replacement_losses", "return_id", "shipment_id"),
)
_ONE_WAY = (
    ("unit_events", "document_id", "unit_id"),
    ("work_orders", "id", "unit_id"),
    ("warranties", "id", "unit_id"),
    ("claims", "id", "unit_id"),
    ("warranties", "unit_id", "id"),
    ("installations", "installed_by_id", "unit_id"),
    ("installations", "removed_by_id", "unit_id"),
    ("installations", "parent_unit_id", "unit_id"),
    ("payments", "id", "renews"),
    ("payments", "renews", "id"),
)
_STEPS = (*_BOTH_WAYS, *((table, to, start) for table, start, to in _BOTH_WAYS), *_ONE_WAY)
_SPREAD = " UNION ".join(
    f"SELECT x.{to} AS id FROM public.{table} x JOIN reached n ON n.id = x.{start}"
    f" WHERE n.step = :step AND x.{to} IS NOT NULL"
    for table, start, to in _STEPS
)
_START = text(
    f"INSERT INTO pg_temp.reached SELECT id, 0 FROM ({_BEGIN}) b WHERE id IS NOT NULL"
    " ON CONFLICT DO NOTHING"
)
_GO_ON = text(
    f"INSERT INTO pg_temp.reached SELECT id, :next FROM ({_SPREAD}) s ON CONFLICT DO NOTHING"
)

_REACHED = "IN (SELECT id FROM reached)"
_BY_ID = (*tuple(each.table for each in DOCUMENTS.values()), "warranties", "payments", "units")
_MINE: Mapping[str, str] = {
    **dict.fromkeys(_BY_ID, f"x.id {_REACHED}"),
    **dict.fromkeys(("order_lines", "credit_notes", "withdrawals"), f"x.order_id {_REACHED}"),
    "shipment_lines": f"x.shipment_id {_REACHED}",
    "refund_lines": f"x.refund_id {_REACHED}",
    **dict.fromkeys(("return_lines", "return_labels"), f"x.return_id {_REACHED}"),
    "return_dispositions": "x.return_line_id IN (SELECT id FROM return_lines)",
    "replacement_losses": f"x.return_id {_REACHED} OR x.shipment_id {_REACHED}",
    "parcels": f"x.shipment_id {_REACHED} OR x.return_label_id IN (SELECT id FROM return_labels)",
    "tracking_events": "x.parcel_id IN (SELECT id FROM parcels)",
    "payment_entries": f"x.payment_id {_REACHED}",
    **dict.fromkeys(("holds", "tasks", "reservations"), f"x.document_id {_REACHED}"),
    "movements": f"x.document_id {_REACHED} OR x.recorded_at >= :since",
    "events": f"x.subject_id {_REACHED}",
    "unit_events": f"x.unit_id {_REACHED}",
    "installations": f"x.unit_id {_REACHED}",
    "work_order_operations": f"x.work_order_id {_REACHED}",
    "work_order_parts": f"x.work_order_id {_REACHED}",
    "assignments": f"x.work_order_id {_REACHED}",
    "time_entries": f"x.work_order_id {_REACHED}",
}
"""The rows ``x`` that a table is given; in this order, because some follow from others."""

# Rows that ours are compared with, whose documents did not change.
_BESIDE = (
    """INSERT INTO pg_temp.movements SELECT x.* FROM public.movements x WHERE x.id IN (
        SELECT o.id FROM public.movements o JOIN movements m ON o.key = m.key
        UNION SELECT reverses_id FROM movements UNION SELECT balances_id FROM movements
        UNION SELECT o.id FROM public.movements o JOIN movements m ON o.reverses_id = m.reverses_id)
    AND x.id NOT IN (SELECT id FROM movements)""",
    """INSERT INTO pg_temp.payment_entries SELECT x.* FROM public.payment_entries x
    WHERE x.key IN (SELECT key FROM payment_entries)
    AND x.id NOT IN (SELECT id FROM payment_entries)""",
    """INSERT INTO pg_temp.tracking_events SELECT x.* FROM public.tracking_events x
    WHERE x.hash IN (SELECT hash FROM tracking_events)
    AND x.id NOT IN (SELECT id FROM tracking_events)""",
    *(
        f"""INSERT INTO pg_temp.{table} SELECT x.* FROM public.{table} x WHERE EXISTS (
            SELECT FROM {table} e WHERE e.technician_no = x.technician_no
            AND tstzrange(e.since, e.until) && tstzrange(x.since, x.until))
        AND x.id NOT IN (SELECT id FROM {table})"""
        for table in ("assignments", "time_entries")
    ),
)


async def make_room(db: AsyncConnection) -> None:
    """Make the temporary tables, empty: that is not possible while only reading."""
    await db.execute(text("CREATE TEMP TABLE reached (id uuid PRIMARY KEY, step int)"))
    for table in _MINE:
        await db.execute(text(f"CREATE TEMP TABLE {table} (LIKE public.{table} INCLUDING INDEXES)"))


async def look_at_books(db: AsyncConnection) -> None:
    """Have what follows in this transaction read the books."""
    await db.execute(text("SET LOCAL search_path = public, pg_temp"))


async def look_at_touched(db: AsyncConnection, mark: Mark) -> int:
    """Have what follows in this transaction read what was touched; return how many documents."""
    await db.execute(text("SET LOCAL search_path = pg_temp, public"))
    step = 0
    found = await db.execute(_START, {"position": mark.position, "since": mark.since, **_RUNNING})
    while found.rowcount:
        await db.execute(text("ANALYZE reached"))
        found = await db.execute(_GO_ON, {"step": step, "next": step + 1})
        step += 1
    for table, mine in _MINE.items():
        fill = text(f"INSERT INTO pg_temp.{table} SELECT x.* FROM public.{table} x WHERE {mine}")
        await db.execute(fill, {"since": mark.since} if ":since" in mine else {})
    for statement in _BESIDE:
        await db.execute(text(statement))
    await db.execute(text(f"ANALYZE {', '.join(_MINE)}"))
    return int((await db.execute(text("SELECT count(*) FROM reached"))).scalar_one())
