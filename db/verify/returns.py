"""Every unit on a return is counted on its order, explained by movements, and paid for once."""

from db.returns.coming import USED, first_scan
from db.returns.losses import LOST_UNITS
from db.verify.check import Check

LOST = f"""SELECT sum(p.quantity) AS units FROM replacement_losses x
            CROSS JOIN LATERAL {LOST_UNITS} p WHERE x.return_id = r.id"""
"""Units that got lost of what replaced goods of a return ``r``, and are answered for."""

CHECKS = (
    Check(
        "I9a",
        "A line of an order counts what is on its returns, and what came on them and is not its"
        " customer's again after a claim",
        """SELECT l.id AS line_id, l.coming_back, l.returned, r.coming, r.received
        FROM order_lines l LEFT JOIN (
            SELECT x.order_line_id, coalesce(sum(x.quantity - x.received) FILTER (
                WHERE r.status IN ('requested', 'authorized')), 0) AS coming,
                sum(x.received - coalesce(d.units, 0)) AS received
            FROM return_lines x JOIN returns r ON r.id = x.return_id LEFT JOIN (
                SELECT d.return_line_id, sum(d.quantity) AS units FROM return_dispositions d
                JOIN movements m ON m.key = 'left/' || d.id AND m.kind = 'issue'
                WHERE d.disposition = 'return_to_customer' AND d.left_at IS NOT NULL GROUP BY 1) d
                ON d.return_line_id = x.id AND r.claim_id IS NOT NULL
            GROUP BY 1) r
            ON r.order_line_id = l.id
        WHERE (l.coming_back, l.returned) <> (coalesce(r.coming, 0), coalesce(r.received, 0))""",
    ),
    Check(
        "I9b",
        "What came is inspected once, and all of it before anything is given for it",
        """SELECT r.number, x.id AS line_id, x.received, coalesce(d.units, 0) AS inspected
        FROM returns r JOIN return_lines x ON x.return_id = r.id LEFT JOIN (
            SELECT return_line_id, sum(quantity) AS units FROM return_dispositions
            WHERE revised_at IS NULL GROUP BY 1) d ON d.return_line_id = x.id
        WHERE coalesce(d.units, 0) > x.received
            OR r.status IN ('inspected', 'closed') AND coalesce(d.units, 0) <> x.received""",
    ),
    Check(
        "I9c",
        "What came back on a return lies where its dispositions say",
        """SELECT r.number, x.id AS line_id, x.received, coalesce(m.came, 0) AS came,
            coalesce(d.waits, 0) AS waits, coalesce(m.here, 0) AS here
        FROM returns r JOIN return_lines x ON x.return_id = r.id LEFT JOIN (
            SELECT return_line_id, sum(quantity) FILTER (WHERE NOT came) AS lost,
                sum(quantity) FILTER (
                    WHERE disposition <> 'return_to_customer' OR left_at IS NOT NULL) AS gone,
                sum(quantity) FILTER (
                    WHERE disposition = 'return_to_customer' AND left_at IS NULL) AS waits
            FROM return_dispositions WHERE revised_at IS NULL GROUP BY 1) d
            ON d.return_line_id = x.id
        LEFT JOIN LATERAL (
            SELECT sum(m.quantity) FILTER (WHERE m.kind = 'return') AS came,
                sum(CASE r.quarantine_id WHEN m.to_location_id THEN m.quantity
                    WHEN m.from_location_id THEN -m.quantity ELSE 0 END) AS here
            FROM movements m WHERE m.document_id = r.id AND m.line_id = x.order_line_id) m ON true
        WHERE r.ship_back <> 'none' AND (coalesce(m.came, 0) <> x.received - coalesce(d.lost, 0)
            OR coalesce(m.here, 0) <> x.received - coalesce(d.gone, 0))""",
    ),
    Check(
        "I9d",
        "Refunds of a return are for units that were accepted, each once",
        """SELECT r.number, x.id AS line_id, coalesce(d.accepted, 0) AS accepted, f.units
        FROM returns r JOIN return_lines x ON x.return_id = r.id
        JOIN (SELECT f.return_id, y.order_line_id, sum(y.units) AS units
            FROM refunds f JOIN refund_lines y ON y.refund_id = f.id
            WHERE f.return_id IS NOT NULL AND f.status <> 'cancelled' GROUP BY 1, 2) f
            ON f.return_id = r.id AND f.order_line_id = x.order_line_id
        LEFT JOIN (SELECT return_line_id, sum(quantity) AS accepted FROM return_dispositions
            WHERE revised_at IS NULL AND accepted GROUP BY 1) d ON d.return_line_id = x.id
        WHERE f.units > coalesce(d.accepted, 0)""",
    ),
    Check(
        "I9e",
        "A closed return has nothing open: its customer is served, and no goods wait",
        """SELECT r.number, r.resolution FROM returns r WHERE r.status = 'closed' AND (
            EXISTS (SELECT FROM refunds f WHERE f.return_id = r.id
                AND f.status IN ('requested', 'approved', 'submitted') AND f.failed_at IS NULL)
            OR EXISTS (SELECT FROM return_dispositions d JOIN return_lines x
                ON x.id = d.return_line_id WHERE x.return_id = r.id AND d.revised_at IS NULL
                AND d.left_at IS NULL AND d.disposition = 'return_to_customer')
            OR EXISTS (SELECT FROM replacement_losses x
                WHERE x.return_id = r.id AND x.settled_at IS NULL))""",
    ),
    Check(
        "I9f",
        "A return is settled once: by its refunds, or by orders that replace its goods; but what"
        " got lost of those may be paid back",
        f"""SELECT r.number, f.units AS refunded, x.units AS lost FROM returns r
        JOIN (SELECT f.return_id, l.item_id, coalesce(sum(y.units), 1) AS units FROM refunds f
            LEFT JOIN refund_lines y ON y.refund_id = f.id
            LEFT JOIN order_lines l ON l.id = y.order_line_id
            WHERE f.return_id IS NOT NULL AND f.status <> 'cancelled' GROUP BY 1, 2) f
            ON f.return_id = r.id
        LEFT JOIN LATERAL ({LOST} AND x.answer = 'refund'
            AND (p.item_id = f.item_id OR f.item_id IS NULL)) x ON true
        WHERE f.units > coalesce(x.units, 0) AND EXISTS (SELECT FROM orders o
            WHERE o.replaces_return_id = r.id AND o.status <> 'cancelled')""",
    ),
    Check(
        "I9g",
        "Orders replace units of their return, accepted or in advance, each once and what got lost"
        " of them once more",
        f"""SELECT r.number, l.sku, l.units, a.units AS accepted, x.units AS lost
        FROM returns r JOIN (
            SELECT o.replaces_return_id, l.item_id, min(l.sku) AS sku,
                sum(l.quantity - l.cancelled) AS units
            FROM orders o JOIN order_lines l ON l.order_id = o.id
            WHERE o.replaces_return_id IS NOT NULL AND o.status <> 'cancelled' GROUP BY 1, 2) l
            ON l.replaces_return_id = r.id
        LEFT JOIN LATERAL (
            SELECT sum(CASE r.replacement_timing WHEN 'in_advance' THEN x.quantity
                ELSE coalesce(d.units, 0) END) AS units
            FROM return_lines x JOIN order_lines y ON y.id = x.order_line_id
            LEFT JOIN LATERAL (SELECT sum(quantity) AS units FROM return_dispositions
                WHERE return_line_id = x.id AND accepted AND revised_at IS NULL) d ON true
            WHERE x.return_id = r.id AND y.item_id = l.item_id) a ON true
        LEFT JOIN LATERAL ({LOST} AND p.item_id = l.item_id) x ON true
        WHERE l.units - coalesce(x.units, 0) > coalesce(a.units, 0)""",
    ),
    Check(
        "I9h",
        "A return that is closed because its goods were replaced has sent what replaces them",
        """SELECT r.number FROM returns r
        WHERE r.status = 'closed' AND r.resolution = 'replacement' AND (
            NOT EXISTS (SELECT FROM orders o JOIN order_lines l ON l.order_id = o.id
                WHERE o.replaces_return_id = r.id AND l.shipped > 0)
            OR EXISTS (SELECT FROM orders o JOIN order_lines l ON l.order_id = o.id
                WHERE o.replaces_return_id = r.id AND l.quantity > l.cancelled + l.shipped))""",
    ),
    Check(
        "I9o",
        "What got lost of a replacement is written off, and is sent once more by one order of the"
        " same goods where that was the answer",
        """SELECT r.number, s.number AS shipment, x.answer FROM replacement_losses x
        JOIN returns r ON r.id = x.return_id JOIN shipments s ON s.id = x.shipment_id
        JOIN orders o ON o.id = s.order_id
        LEFT JOIN orders n ON n.replaces_shipment_id = s.id
        WHERE s.settled_at IS NULL OR NOT EXISTS (
            WITH RECURSIVE up AS (SELECT o.replaces_return_id AS id
                UNION SELECT p.replaces_return_id FROM up JOIN returns b ON b.id = up.id
                JOIN orders p ON p.id = b.order_id)
            SELECT FROM up WHERE up.id = x.return_id)
            OR n.id IS NULL AND x.answer = 'replace' AND x.settled_at IS NOT NULL
                AND s.status <> 'delivered'
        UNION ALL SELECT n.number, s.number, x.answer FROM orders n
        JOIN shipments s ON s.id = n.replaces_shipment_id
        LEFT JOIN replacement_losses x ON x.shipment_id = s.id
        WHERE x.return_id IS DISTINCT FROM n.replaces_return_id OR EXISTS (
            SELECT FROM (SELECT item_id, sum(quantity) AS units FROM shipment_lines
                WHERE shipment_id = s.id GROUP BY 1) p
            FULL JOIN (SELECT item_id, sum(quantity) AS units FROM order_lines
                WHERE order_id = n.id GROUP BY 1) l ON l.item_id = p.item_id
            WHERE l.units IS DISTINCT FROM p.units)""",
    ),
    Check(
        "I9i",
        "A confirmed withdrawal has opened the return of the goods that it names",
        """SELECT w.id, r.number, r.kind FROM withdrawals w JOIN returns r ON r.id = w.return_id
        WHERE r.kind <> 'withdrawal' OR r.order_id <> w.order_id OR EXISTS (
            SELECT FROM (SELECT * FROM return_lines WHERE return_id = r.id) x
            FULL JOIN jsonb_to_recordset(w.lines) AS s(order_line_id uuid, quantity int)
                ON s.order_line_id = x.order_line_id
            WHERE x.quantity IS DISTINCT FROM s.quantity)""",
    ),
    Check(
        "I9j",
        "A parcel that came back undelivered opened one return, of its units and of no others",
        """SELECT r.number, s.number AS shipment FROM returns r JOIN shipments s
            ON s.id = r.shipment_id
        WHERE s.settled_at IS NULL OR s.order_id <> r.order_id OR EXISTS (
            SELECT FROM (SELECT * FROM return_lines WHERE return_id = r.id) x
            FULL JOIN (SELECT order_line_id, sum(quantity) AS units FROM shipment_lines
                WHERE shipment_id = s.id GROUP BY 1) p ON p.order_line_id = x.order_line_id
            WHERE x.quantity IS DISTINCT FROM p.units)""",
    ),
    Check(
        "I9k",
        "A line counts which of its units on returns were never delivered",
        """SELECT l.id AS line_id, l.undelivered, coalesce(r.units, 0) AS units
        FROM order_lines l LEFT JOIN (
            SELECT x.order_line_id, sum(CASE r.status WHEN 'authorized' THEN x.quantity
                ELSE x.received END) AS units
            FROM return_lines x JOIN returns r ON r.id = x.return_id
            WHERE r.shipment_id IS NOT NULL GROUP BY 1) r ON r.order_line_id = l.id
        WHERE l.undelivered <> coalesce(r.units, 0)""",
    ),
    Check(
        "I9l",
        "A bought label of a return has parcels, and one that is not bought has none",
        """SELECT r.number, l.id AS label_id, l.status FROM return_labels l
        JOIN returns r ON r.id = l.return_id
        WHERE (l.booking_reference IS NOT NULL)
            <> EXISTS (SELECT FROM parcels p WHERE p.return_label_id = l.id)""",
    ),
    Check(
        "I9p",
        "What the carrier took along to a customer was inspected before it scanned the label",
        f"""SELECT r.number, d.id AS disposition_id, d.created_at FROM movements m
        JOIN return_dispositions d ON m.key = 'left/' || d.id
        JOIN return_lines x ON x.id = d.return_line_id JOIN returns r ON r.id = x.return_id
        WHERE m.actor = 'carrier' AND NOT EXISTS (SELECT FROM return_labels l
            WHERE l.return_id = r.id AND l.direction = 'outbound'
                AND {first_scan("l.id")} >= d.created_at)""",
    ),
    Check(
        "I9n",
        "What a label costs is kept once, of a return under a label, and never more",
        """SELECT r.number, r.ship_back, r.label_fee_amount, f.kept FROM returns r
        JOIN (SELECT return_id, sum(label_fee_amount) AS kept FROM refunds
            WHERE status NOT IN ('failed', 'cancelled') GROUP BY 1) f ON f.return_id = r.id
        WHERE f.kept > r.label_fee_amount""",
    ),
    Check(
        "I9m",
        "Of a return that nothing comes of, no unused label is kept",
        f"""SELECT r.number, l.status FROM return_labels l JOIN returns r ON r.id = l.return_id
        WHERE r.status IN ('rejected', 'cancelled', 'expired')
            AND l.status IN ('pending', 'booked', 'voiding') AND NOT {USED}""",
        settles=True,
    ),
)
