"""Money moves once, and never more of it than was agreed."""

from db.payments import STANDS
from db.shipments.captures import OWES
from db.verify.check import Check

# Per key a success outweighs every other phase, less what the provider took back of it.
_DONE = """SELECT p.id AS payment_id, p.order_id,
    coalesce(sum(e.amount) FILTER (WHERE e.kind = 'authorization'), 0) AS authorized,
    coalesce(sum(e.amount) FILTER (WHERE e.kind = 'capture'), 0) AS captured,
    coalesce(sum(e.amount) FILTER (WHERE e.kind = 'void'), 0) AS voided,
    coalesce(sum(e.amount) FILTER (WHERE e.kind = 'refund'), 0) AS refunded,
    coalesce(sum(e.amount) FILTER (WHERE e.kind = 'chargeback'), 0) AS charged_back
FROM payments p LEFT JOIN (
    SELECT payment_id, kind, CASE phase WHEN 'reversed' THEN -amount ELSE amount END AS amount
    FROM payment_entries WHERE phase IN ('succeeded', 'reversed')) e ON e.payment_id = p.id
GROUP BY p.id"""

# A reservation that the customer never confirmed may be dropped, though it never succeeded.
_PROMISED = """SELECT payment_id, max(amount) AS promised FROM payment_entries
WHERE kind = 'authorization' AND phase IN ('succeeded', 'action_required') GROUP BY 1"""

# Mirrors domain.orders.status.billable, in which money is rounded half up per line.
_OWED = """SELECT o.id AS order_id, coalesce(sum(
        round(CAST(l.total_amount AS numeric) * (l.quantity - l.cancelled) / l.quantity)), 0)
    + CASE WHEN bool_and(l.cancelled = l.quantity) THEN 0
        ELSE o.shipping_amount + o.shipping_tax_amount END AS owed
FROM orders o JOIN order_lines l ON l.order_id = o.id GROUP BY o.id"""

# A person has been told and decides; until then, or by that decision, the money may stand so.
_DECIDED = """SELECT 1 FROM tasks t WHERE t.document_id IN (
    SELECT o.id UNION ALL SELECT p.id FROM payments p WHERE p.order_id = o.id
    UNION ALL SELECT s.id FROM shipments s WHERE s.order_id = o.id)"""

# The provider moved another amount than it was asked for: finance is asked, or let it stand.
_STANDS = "t.kind = 'payment_mismatch' AND t.outcome = 'theirs'"
_OTHER_AMOUNT = """SELECT 1 FROM tasks t WHERE t.kind = 'payment_mismatch'
    AND t.facts->>'key' ="""

CHECKS = (
    Check(
        "I3a",
        "Captured and voided money stays within what was authorized, per payment",
        f"""SELECT m.*, p.promised FROM ({_DONE}) m LEFT JOIN ({_PROMISED}) p USING (payment_id)
        WHERE m.captured + m.voided > coalesce(p.promised, 0)
          OR m.captured > m.authorized""",
    ),
    Check(
        "I3b",
        "Money given or taken back stays within what was captured, per payment",
        f"""SELECT * FROM ({_DONE}) m WHERE refunded + charged_back > captured""",
    ),
    Check(
        "I3c",
        "A line's captured money stays within its total and its refunds within that",
        """SELECT id AS line_id, total_amount, captured_amount, refunded_amount FROM order_lines
        WHERE captured_amount > total_amount OR refunded_amount > captured_amount""",
    ),
    Check(
        "I3d",
        "No order has paid more than its total",
        f"""SELECT o.number, o.total_amount, sum(m.captured) AS captured
        FROM orders o JOIN ({_DONE}) m ON m.order_id = o.id
        WHERE NOT EXISTS ({_DECIDED} AND {_STANDS})
        GROUP BY o.id HAVING sum(m.captured) > o.total_amount""",
    ),
    Check(
        "I3e",
        "A completed order has paid exactly what it owes, or a person decided otherwise",
        f"""SELECT o.number, w.owed, coalesce(c.captured, 0) AS captured
        FROM orders o JOIN ({_OWED}) w ON w.order_id = o.id LEFT JOIN (
            SELECT order_id, sum(captured) AS captured FROM ({_DONE}) m GROUP BY 1) c
            ON c.order_id = o.id
        WHERE o.status IN ('completed', 'closed') AND coalesce(c.captured, 0) <> w.owed
          AND NOT EXISTS ({_DECIDED} AND (t.kind = 'capture_failed' OR {_STANDS}))""",
    ),
    Check(
        "I3f",
        "A shipment's money was captured once",
        f"""SELECT shipment_id, count(*) AS captures FROM payment_entries e
        WHERE kind = 'capture' AND shipment_id IS NOT NULL AND {STANDS}
        GROUP BY shipment_id HAVING count(*) > 1""",
    ),
    Check(
        "I3g",
        "One key names one amount of one payment, whatever the provider said of it",
        f"""SELECT key, count(DISTINCT amount) AS amounts, count(DISTINCT payment_id) AS payments
        FROM payment_entries e GROUP BY key
        HAVING count(DISTINCT (payment_id, kind)) > 1 OR (
            count(DISTINCT amount) FILTER (WHERE phase <> 'reversed') > 1
            AND NOT EXISTS ({_OTHER_AMOUNT} e.key AND t.outcome = 'theirs'))""",
    ),
    Check(
        "I3h",
        "The lines and shipping of an ended order add up to the money captured for it",
        f"""SELECT o.number, l.captured + o.captured_shipping_amount AS lines,
            coalesce(c.captured, 0) AS captured
        FROM orders o JOIN (
            SELECT order_id, sum(captured_amount) AS captured FROM order_lines GROUP BY 1) l
            ON l.order_id = o.id
        LEFT JOIN (SELECT order_id, sum(captured) AS captured FROM ({_DONE}) m GROUP BY 1) c
            ON c.order_id = o.id
        WHERE o.status IN ('completed', 'closed')
          AND l.captured + o.captured_shipping_amount <> coalesce(c.captured, 0)
          AND NOT EXISTS ({_DECIDED} AND {_STANDS})""",
    ),
    Check(
        "I3i",
        "A cancelled order has kept no money",
        f"""SELECT o.number, sum(m.captured) AS captured,
            sum(m.refunded + m.charged_back) AS returned
        FROM orders o JOIN ({_DONE}) m ON m.order_id = o.id WHERE o.status = 'cancelled'
          AND NOT EXISTS ({_DECIDED} AND t.status = 'open')
        GROUP BY o.id HAVING sum(m.captured) <> sum(m.refunded + m.charged_back)""",
        settles=True,
    ),
    Check(
        "I3j",
        "An order that has ended keeps no money reserved on the card",
        f"""SELECT o.number, o.status,
            sum(greatest(m.authorized - m.captured - m.voided, 0)) AS reserved
        FROM orders o JOIN ({_DONE}) m ON m.order_id = o.id
        WHERE o.status IN ('completed', 'closed', 'cancelled')
          AND NOT EXISTS ({_DECIDED} AND t.kind IN
            ('capture_failed', 'undo_failed', 'payment_mismatch'))
        GROUP BY o.id HAVING sum(greatest(m.authorized - m.captured - m.voided, 0)) > 0""",
        settles=True,
    ),
    Check(
        "I3k",
        "A confirmed order that owes money had it authorized, unless the provider ended that",
        f"""SELECT o.number, o.total_amount, coalesce(sum(m.authorized), 0) AS authorized
        FROM orders o LEFT JOIN ({_DONE}) m ON m.order_id = o.id
        WHERE o.status IN ('confirmed', 'completed', 'closed') AND NOT EXISTS (
            SELECT FROM payments p JOIN payment_entries e ON e.payment_id = p.id
            WHERE p.order_id = o.id AND e.kind = 'authorization' AND e.phase = 'reversed')
        GROUP BY o.id HAVING coalesce(sum(m.authorized), 0) < o.total_amount""",
    ),
    Check(
        "I3l",
        "Money on its way to or from the provider has an outcome within five minutes",
        f"""SELECT e.payment_id, e.kind, e.key, e.amount FROM payment_entries e
        WHERE e.phase = 'requested' AND e.recorded_at < now() - interval '5 minutes'
          AND NOT EXISTS ({_OTHER_AMOUNT} e.key AND t.status = 'open')
          AND NOT EXISTS (SELECT 1 FROM payment_entries a
            WHERE a.payment_id = e.payment_id AND a.kind = e.kind AND a.key = e.key
              AND a.phase <> 'requested')""",
    ),
    Check(
        "I3o",
        "No line counts more money as given back than was refunded",
        f"""SELECT o.number, l.refunded AS lines, coalesce(c.refunded, 0) AS refunded
        FROM orders o JOIN (
            SELECT order_id, sum(refunded_amount) AS refunded FROM order_lines GROUP BY 1) l
            ON l.order_id = o.id
        LEFT JOIN (SELECT order_id, sum(refunded) AS refunded FROM ({_DONE}) m GROUP BY 1) c
            ON c.order_id = o.id
        WHERE l.refunded > coalesce(c.refunded, 0)""",
    ),
    Check(
        "I3r",
        "The postage in an order's refunds is at most what was captured for it",
        """SELECT o.number, o.captured_shipping_amount, sum(x.amount) AS refunded
        FROM orders o JOIN (
            SELECT order_id, refund_shipping_amount AS amount FROM shipments
            UNION ALL SELECT order_id, shipping_amount FROM refunds
            WHERE status NOT IN ('failed', 'cancelled')) x ON x.order_id = o.id
        GROUP BY o.id HAVING sum(x.amount) > o.captured_shipping_amount""",
    ),
    Check(
        "I3p",
        "What was captured for a shipment is what its departure worked out",
        f"""SELECT s.number, e.amount, s.capture_shipping_amount + l.amount AS planned
        FROM shipments s JOIN payment_entries e ON e.shipment_id = s.id
            AND e.kind = 'capture' AND {STANDS}
        JOIN (SELECT shipment_id, sum(capture_amount) AS amount FROM shipment_lines GROUP BY 1) l
            ON l.shipment_id = s.id
        WHERE e.amount <> s.capture_shipping_amount + l.amount
          AND NOT EXISTS ({_OTHER_AMOUNT} e.key AND t.outcome = 'theirs')""",
    ),
    Check(
        "N4",
        "Amounts that the provider moved otherwise than asked, until finance says which stands",
        """SELECT number, facts->>'key' AS key, facts->'ours' AS ours, facts->'theirs' AS theirs
        FROM tasks WHERE kind = 'payment_mismatch' AND status = 'open'""",
        informs=True,
    ),
    Check(
        "I3q",
        "A completed order is owed nothing for what has left, unless finance is asked about that",
        f"""SELECT o.number, s.number AS shipment FROM orders o
        JOIN shipments s ON s.order_id = o.id
        WHERE o.status IN ('completed', 'closed') AND {OWES} AND NOT EXISTS (
            SELECT FROM tasks t WHERE t.document_id = s.id AND t.kind = 'capture_failed'
            AND t.status = 'open')""",
    ),
    Check(
        "I3s",
        "Only what has succeeded is taken back, and no more of it",
        """SELECT r.payment_id, r.kind, r.key, r.amount, s.amount AS succeeded
        FROM payment_entries r LEFT JOIN payment_entries s ON s.payment_id = r.payment_id
            AND s.kind = r.kind AND s.key = r.key AND s.phase = 'succeeded'
        WHERE r.phase = 'reversed' AND r.amount > coalesce(s.amount, 0)""",
    ),
)
