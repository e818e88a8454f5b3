"""Work orders hold what they may, use up what was issued, and nobody is at two works at once."""

from db.verify.check import Check
from db.work_orders.tables import OPEN

CHECKS = (
    Check(
        "I14a",
        "A promise to a work order is one to a part of it, of that part's item, and to one at work",
        """SELECT r.id AS reservation_id, w.number, w.status FROM reservations r
        LEFT JOIN work_order_parts p ON p.id = r.line_id
        LEFT JOIN work_orders w ON w.id = r.document_id
        WHERE r.document_type = 'work_order' AND (p.id IS NULL OR p.work_order_id <> r.document_id
            OR p.item_id <> r.item_id
            OR r.status = 'active' AND w.status NOT IN ('released', 'in_progress'))""",
    ),
    Check(
        "I14b",
        "A part is promised no more than is still to be issued of it",
        f"""SELECT w.number, p.id AS part_id, {OPEN} AS open, r.held FROM work_order_parts p
        JOIN work_orders w ON w.id = p.work_order_id JOIN (
            SELECT line_id, sum(quantity) AS held FROM reservations
            WHERE document_type = 'work_order' AND status = 'active' GROUP BY 1) r
            ON r.line_id = p.id
        WHERE r.held > {OPEN}""",
    ),
    Check(
        "I14c",
        "What a part counts as issued and returned is what the ledger has moved for it",
        """SELECT p.id AS part_id, p.issued, p.returned, m.issued AS moved_out,
            m.returned AS moved_back
        FROM work_order_parts p LEFT JOIN (
            SELECT line_id, coalesce(sum(quantity) FILTER (WHERE kind = 'issue'), 0) AS issued,
                coalesce(sum(quantity) FILTER (WHERE kind = 'return'), 0) AS returned
            FROM movements WHERE document_type = 'work_order' GROUP BY 1) m ON m.line_id = p.id
        WHERE p.issued <> coalesce(m.issued, 0) OR p.returned <> coalesce(m.returned, 0)""",
    ),
    Check(
        "I14d",
        "Nobody is planned for, or timed on, two works at once unless that was allowed",
        """SELECT a.technician_no, a.id, b.id AS other FROM time_entries a JOIN time_entries b
            ON b.technician_no = a.technician_no AND b.id > a.id
            AND tstzrange(a.since, a.until) && tstzrange(b.since, b.until)
        WHERE NOT a.parallel AND NOT b.parallel AND a.corrected_by_id IS NULL
            AND b.corrected_by_id IS NULL
        UNION ALL SELECT a.technician_no, a.id, b.id FROM assignments a JOIN assignments b
            ON b.technician_no = a.technician_no AND b.id > a.id
            AND tstzrange(a.since, a.until) && tstzrange(b.since, b.until)
        WHERE a.cancelled_at IS NULL AND b.cancelled_at IS NULL""",
    ),
    Check(
        "I14e",
        "A unit is in another one just while its genealogy says so, and where that says",
        """SELECT u.serial, u.status, u.parent_unit_id, x.parent_unit_id AS written FROM units u
        FULL JOIN (SELECT * FROM installations WHERE removed_at IS NULL) x ON x.unit_id = u.id
        WHERE u.parent_unit_id IS DISTINCT FROM x.parent_unit_id
            AND num_nonnulls(u.parent_unit_id, x.parent_unit_id) > 0""",
    ),
    Check(
        "I14f",
        "Who has signed a work order off has not worked on it",
        """SELECT w.number, w.signed_off_by FROM work_orders w
        WHERE w.status = 'closed' AND w.signed_off_by IN (
            SELECT o.done_by FROM work_order_operations o WHERE o.work_order_id = w.id
            UNION SELECT e.actor FROM events e WHERE e.subject_id = w.id
                AND e.type = 'work_order.operation_done.v1'
            UNION SELECT t.recorded_by FROM time_entries t WHERE t.work_order_id = w.id
            UNION SELECT e.subject FROM time_entries t JOIN technicians e ON e.id = t.technician_id
            WHERE t.work_order_id = w.id)""",
    ),
    Check(
        "I14g",
        "Work that has ended leaves no timer running and no component at the bench",
        """SELECT w.number, w.status, t.id AS time_entry_id, NULL AS serial FROM work_orders w
        JOIN time_entries t ON t.work_order_id = w.id AND t.until IS NULL
        WHERE w.status IN ('completed', 'closed', 'cancelled')
        UNION ALL SELECT w.number, w.status, NULL, u.serial FROM units u
        JOIN unit_events e ON e.unit_id = u.id AND e.sequence = u.events
        JOIN work_orders w ON w.id = e.document_id
        WHERE u.status = 'issued' AND w.status IN ('closed', 'cancelled')""",
    ),
    Check(
        "I14h",
        "Completed work has no open operation, and no part that is still to be issued",
        f"""SELECT w.number FROM work_orders w WHERE w.status IN ('completed', 'closed') AND (
            EXISTS (SELECT FROM work_order_operations o
                WHERE o.work_order_id = w.id AND o.status = 'open')
            OR EXISTS (SELECT FROM work_order_parts p WHERE p.work_order_id = w.id AND {OPEN} > 0))
        """,
    ),
    Check(
        "I14i",
        "No more of a lot goes back from a part than was issued of it",
        """SELECT line_id AS part_id, lot_id, sum(quantity) FILTER (WHERE kind = 'issue') AS issued,
            sum(quantity) FILTER (WHERE kind = 'return') AS returned
        FROM movements WHERE document_type = 'work_order' AND lot_id IS NOT NULL
        GROUP BY 1, 2 HAVING coalesce(sum(quantity) FILTER (WHERE kind = 'return'), 0)
            > coalesce(sum(quantity) FILTER (WHERE kind = 'issue'), 0)""",
    ),
)
