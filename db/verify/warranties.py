"""What was delivered with a term is under warranty, for its days, as long as its owner has it."""

from db.items import known_by
from db.verify.check import Check
from db.warranties.returned import TAKEN, UNITS
from db.warranties.sold import NOT_ON_CLAIM, term_at

CHECKS = (
    Check(
        "I12a",
        "Units that were delivered with a term have a warranty from that delivery",
        f"""SELECT s.number, x.order_line_id, x.units, coalesce(w.units, 0) AS registered
        FROM shipments s CROSS JOIN LATERAL (
            SELECT order_line_id, item_id, sum(quantity) AS units FROM shipment_lines
            WHERE shipment_id = s.id GROUP BY 1, 2) x
        CROSS JOIN LATERAL ({term_at("x.item_id", "s.delivered_at")}) t
        LEFT JOIN LATERAL (SELECT sum(quantity) AS units FROM warranties
            WHERE shipment_id = s.id AND order_line_id = x.order_line_id) w ON true
        JOIN orders o ON o.id = s.order_id AND {NOT_ON_CLAIM}
        WHERE s.status = 'delivered' AND s.settled_at IS NOT NULL AND t.starts <> 'registration'
            AND coalesce(w.units, 0) <> x.units AND NOT EXISTS (SELECT FROM events e
                WHERE e.subject_id = s.id AND e.type = 'shipment.written_off.v1')""",
    ),
    Check(
        "I12b",
        "A warranty ends so many months after its first day as its term and extensions say",
        """SELECT w.number, w.starts_on, w.ends_on FROM warranties w
        JOIN warranty_terms t ON t.id = w.term_id
        WHERE w.duration_months IS DISTINCT FROM t.duration_months OR w.term_code <> t.code
            OR w.ends_on IS DISTINCT FROM greatest(w.repaired_until, CASE
                WHEN w.source = 'replacement'
                THEN w.handed_on_until + make_interval(months => w.extended_months)
                ELSE w.starts_on + make_interval(months => w.duration_months + w.extended_months)
                END::date)""",
    ),
    Check(
        "I12c",
        "A unit has one active warranty of a term",
        """SELECT unit_id, term_code, count(*) AS warranties FROM warranties
        WHERE status = 'active' AND unit_id IS NOT NULL GROUP BY 1, 2 HAVING count(*) > 1""",
    ),
    Check(
        "I12d",
        "No more units of a line are under warranty than its customer has",
        f"""SELECT l.id AS line_id, l.delivered, coalesce(b.units, 0) AS went_back, w.units
        FROM order_lines l JOIN (SELECT order_line_id, {UNITS} AS units
            FROM warranties WHERE status = 'active' GROUP BY 1) w ON w.order_line_id = l.id
        LEFT JOIN (SELECT x.order_line_id, sum(d.quantity) AS units
            FROM return_dispositions d JOIN return_lines x ON x.id = d.return_line_id
            JOIN returns r ON r.id = x.return_id JOIN order_lines n ON n.id = x.order_line_id
            JOIN items i ON i.id = n.item_id AND {known_by("n")} <> 'serial'
            WHERE d.accepted AND d.revised_at IS NULL AND r.status = 'closed'
                AND r.shipment_id IS NULL GROUP BY 1) b ON b.order_line_id = l.id
        WHERE w.units > l.delivered - coalesce(b.units, 0)""",
    ),
    Check(
        "I12e",
        "A unit that a closed return took for good is under warranty with its former line no more",
        f"SELECT w.number, u.serial, r.number AS by {TAKEN} AND r.status = 'closed'",
    ),
)
