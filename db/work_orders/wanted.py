"""Parts of work orders that wait for stock, as waiting demand: it is SQL, and no more."""

from db.work_orders.tables import OPEN

PARTS_AWAITED = f"""SELECT 'work_order' AS document_type, w.id AS document_id, p.id AS line_id,
        p.item_id, w.site_id, {OPEN} - coalesce((SELECT sum(r.quantity) FROM reservations r
            WHERE r.document_id = w.id AND r.line_id = p.id AND r.status = 'active'), 0)
            AS quantity,
        true AS all_or_none, w.priority, w.due_on AS needed_by, w.released_at AS created_at
    FROM work_order_parts p JOIN work_orders w ON w.id = p.work_order_id
    WHERE w.status IN ('released', 'in_progress')"""
"""Selects what released work orders lack: all of it, or nothing."""
