"""Money moves once, and never more of it than was agreed."""

from db.orders.by_hand import PREPAID
from db.payments import STANDS
from db.refunds.attempts import PENDING
from db.refunds.refundable import SHIPPING_MOVED
from db.shipments.captures import OWES
from db.verify.check import Check
from domain.orders.receipts import BANK
from domain.refunds.attempts import after_all_key

# Per key a success outweighs every other phase, less what the provider took back of it.
_DONE = """SELECT p.id AS payment_id, p.order_id, p.provider,
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
    UNION ALL SELECT s.id FROM shipments s WHERE s.order_id = o.id
    UNION ALL SELECT r.id FROM refunds r WHERE r.order_id = o.id)"""

# Of an order ``o``: it was asked for all of its money when it was confirmed.
_AT_ONCE = """EXISTS (SELECT FROM order_lines q WHERE q.order_id = o.id AND q.captured_units > 0)"""

# Of an order ``o``: what it was paid for nothing, which goes back or waits for a dispute's end.
_NOT_NEEDED = f"(o.prepaid_returned_amount + greatest({PREPAID}, 0))"

# What the provider had taken back and gave after all, which our books cannot keep from it.
_AFTER_ALL = f"e.key LIKE '%{after_all_key('')}' AND {STANDS}"

# The provider moved another amount than it was asked for: finance is asked, or let it stand.
_STANDS = "t.kind = 'payment_mismatch' AND t.outcome = 'theirs'"
_MORE_CAME = "t.kind = 'overpaid'"
_OTHER_AMOUNT = """SELECT 1 FROM tasks t WHERE t.kind = 'payment_mismatch'
    AND t.facts->>'key' ="""

CHECKS = (
    Check(
        "I3a",
        "Captured and voided money stays within what was authorized, per payment",
        f"""SELECT m.*, p.promised FROM ({_DONE}) m LEFT JOIN ({_PROMISED}) p USING (payment_id)
        WHERE m.provider <> '{BANK}' AND (m.captured + m.voided > coalesce(p.promised, 0)
          OR m.captured > m.authorized)""",
    ),
    Check(
        "I3b",
        "Money given or taken back stays within what was captured, per payment",
        f"""SELECT * FROM ({_DONE}) m WHERE refunded + charged_back > captured + (
            SELECT coalesce(sum(e.amount), 0) FROM payment_entries e
            WHERE e.payment_id = m.payment_id AND {_AFTER_ALL})""",
    ),
    Check(
        "I3c",
        "A line's captured money stays within its total and its refunds within that",
        """SELECT id AS line_id, total_amount, captured_amount, refunded_amount FROM order_lines
        WHERE captured_amount > total_amount OR refunded_amount > captured_amount""",
    ),
    # What comes by bank transfer for an order that is cancelled goes back, and nobody is asked.
    Check(
        "I3d",
        "No order has paid more than its total",
        f"""SELECT o.number, o.total_amount, sum(m.captured) AS captured
        FROM orders o JOIN ({_DONE}) m ON m.order_id = o.id
        WHERE NOT EXISTS ({_DECIDED} AND ({_STANDS} OR {_MORE_CAME}))
          AND (o.status <> 'cancelled' OR m.provider <> '{BANK}')
        GROUP BY o.id HAVING sum(m.captured) > o.total_amount""",
    ),
    Check(
        "I3e",
        "A completed order has paid exactly what it owes, or a person decided otherwise",
        f"""SELECT o.number, w.owed, coalesce(c.captured, 0) AS captured,
            {_NOT_NEEDED} AS not_needed
        FROM orders o JOIN ({_OWED}) w ON w.order_id = o.id LEFT JOIN (
            SELECT order_id, sum(captured) AS captured FROM ({_DONE}) m GROUP BY 1) c
            ON c.order_id = o.id
        WHERE o.status IN ('completed', 'closed') AND o.payment_method <> 'net_terms'
          AND CASE WHEN {_AT_ONCE}
            THEN coalesce(c.captured, 0) < w.owed
            ELSE coalesce(c.captured, 0) - {_NOT_NEEDED} <> w.owed END
          AND NOT EXISTS ({_DECIDED} AND (
            t.kind IN ('capture_failed', 'capture_refused') OR {_STANDS}))""",
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
          AND l.captured + o.captured_shipping_amount
            <> coalesce(c.captured, 0) - {_NOT_NEEDED}
          AND NOT EXISTS ({_DECIDED} AND ({_STANDS} OR {_MORE_CAME}))""",
    ),
    Check(
        "I3i",
        "A cancelled order has kept no money",
        f"""SELECT o.number, sum(m.captured) AS captured,
            sum(m.refunded + m.charged_back) AS returned
        FROM orders o JOIN ({_DONE}) m ON m.order_id = o.id WHERE o.status = 'cancelled'
          AND NOT EXISTS ({_DECIDED} AND t.status = 'open')
        GROUP BY o.id HAVING sum(m.captured) > sum(m.refunded + m.charged_back) + (
            SELECT coalesce(sum(r.amount), 0) FROM refunds r
            WHERE r.order_id = o.id AND r.status <> 'succeeded')""",
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
            ('capture_failed', 'capture_refused', 'undo_failed', 'payment_mismatch'))
        GROUP BY o.id HAVING sum(greatest(m.authorized - m.captured - m.voided, 0)) > 0""",
        settles=True,
    ),
    Check(
        "I3k",
        "A confirmed order that owes money had it authorized, unless the provider ended that",
        f"""SELECT o.number, w.owed, coalesce(sum(m.authorized), 0) AS authorized
        FROM orders o JOIN ({_OWED}) w ON w.order_id = o.id
        LEFT JOIN ({_DONE}) m ON m.order_id = o.id
        WHERE o.status IN ('confirmed', 'completed', 'closed')
          AND o.payment_method <> 'net_terms' AND NOT EXISTS (
            SELECT FROM payments p JOIN payment_entries e ON e.payment_id = p.id
            WHERE p.order_id = o.id AND e.kind = 'authorization' AND e.phase = 'reversed')
        GROUP BY o.id, w.owed HAVING coalesce(sum(
            CASE m.provider WHEN '{BANK}' THEN m.captured ELSE m.authorized END), 0) < w.owed""",
    ),
    Check(
        "I3l",
        "Money on its way to or from the provider has an outcome within five minutes",
        f"""SELECT e.payment_id, e.kind, e.key, e.amount FROM payment_entries e
        WHERE e.phase = 'requested' AND e.recorded_at < now() - interval '5 minutes'
          AND NOT EXISTS ({_OTHER_AMOUNT} e.key AND t.status = 'open')
          AND NOT EXISTS (SELECT 1 FROM refunds r WHERE r.id = e.refund_id AND {PENDING})
          AND NOT EXISTS (SELECT 1 FROM payment_entries a
            WHERE a.payment_id = e.payment_id AND a.kind = e.kind AND a.key = e.key
              AND a.phase <> 'requested')""",
    ),
    Check(
        "I3o",
        "No line counts more money as given back than was refunded, or kept as a fee",
        f"""SELECT o.number, l.refunded AS lines, coalesce(c.refunded, 0) AS refunded,
            coalesce(f.kept, 0) AS kept
        FROM orders o JOIN (
            SELECT order_id, sum(refunded_amount) AS refunded FROM order_lines GROUP BY 1) l
            ON l.order_id = o.id
        LEFT JOIN (SELECT order_id, sum(refunded) AS refunded FROM ({_DONE}) m GROUP BY 1) c
            ON c.order_id = o.id
        LEFT JOIN (SELECT order_id, sum(fee_amount) AS kept FROM refunds
            WHERE status = 'succeeded' GROUP BY 1) f ON f.order_id = o.id
        WHERE l.refunded > coalesce(c.refunded, 0) + coalesce(f.kept, 0)""",
    ),
    Check(
        "I3r",
        "The postage in an order's refunds is at most what was captured for it",
        f"""SELECT o.number, o.captured_shipping_amount, {SHIPPING_MOVED} AS refunded
        FROM orders o WHERE {SHIPPING_MOVED} > o.captured_shipping_amount""",
    ),
    Check(
        "I3p",
        "What was captured for a shipment is what its departure worked out",
        f"""SELECT s.number, e.amount,
            s.capture_shipping_amount + l.amount - s.prepaid_amount AS planned
        FROM shipments s JOIN payment_entries e ON e.shipment_id = s.id
            AND e.kind = 'capture' AND {STANDS}
        JOIN (SELECT shipment_id, sum(capture_amount) AS amount FROM shipment_lines GROUP BY 1) l
            ON l.shipment_id = s.id
        WHERE e.amount <> s.capture_shipping_amount + l.amount - s.prepaid_amount
          AND NOT EXISTS ({_OTHER_AMOUNT} e.key AND t.outcome = 'theirs')""",
    ),
    Check(
        "I3x",
        "What was captured by hand pays for goods that left, or goes back when nothing needs it",
        f"""SELECT o.number, o.status, {PREPAID} AS unused FROM orders o
        WHERE {PREPAID} < 0 OR o.status NOT IN ('pending', 'confirmed') AND {PREPAID} > (
            SELECT coalesce(sum(charged_back), 0) FROM ({_DONE}) m WHERE order_id = o.id)""",
    ),
    Check(
        "I3y",
        "No shipment is paid by hand beyond what its departure worked out",
        """SELECT s.number, s.prepaid_amount, s.capture_shipping_amount + l.amount AS planned
        FROM shipments s JOIN (SELECT shipment_id, sum(capture_amount) AS amount
            FROM shipment_lines GROUP BY 1) l ON l.shipment_id = s.id
        WHERE s.prepaid_amount NOT BETWEEN 0 AND s.capture_shipping_amount + l.amount""",
    ),
    Check(
        "N4",
        "Amounts that the provider moved otherwise than asked, until finance says which stands",
        """SELECT number, facts->>'key' AS key, facts->'ours' AS ours, facts->'theirs' AS theirs
        FROM tasks WHERE kind = 'payment_mismatch' AND status = 'open'""",
        informs=True,
    ),
    Check(
        "I3v",
        "The money of an order is taken when it is confirmed, or for what leaves, not both",
        f"""SELECT o.number, count(*) AS captures, count(e.shipment_id) AS of_shipments
        FROM orders o JOIN payments p ON p.order_id = o.id
        JOIN payment_entries e ON e.payment_id = p.id AND e.kind = 'capture' AND {STANDS}
        WHERE {_AT_ONCE} AND o.status <> 'cancelled'
        GROUP BY o.id HAVING count(*) FILTER (WHERE p.provider <> '{BANK}') > 1
          OR count(e.shipment_id) > 0""",
    ),
    Check(
        "I3w",
        "What an order paid when it was confirmed and owes no more goes back, or is promised to",
        f"""SELECT o.number, w.owed, m.captured, m.gone + coalesce(r.amount, 0) AS gone
        FROM orders o JOIN ({_OWED}) w ON w.order_id = o.id JOIN (
            SELECT order_id, sum(captured) AS captured, sum(charged_back) AS gone
            FROM ({_DONE}) d GROUP BY 1) m ON m.order_id = o.id
        LEFT JOIN (SELECT order_id, sum(amount + fee_amount) AS amount FROM refunds GROUP BY 1) r
            ON r.order_id = o.id
        WHERE {_AT_ONCE} AND m.captured - m.gone - coalesce(r.amount, 0) > w.owed
          AND NOT EXISTS ({_DECIDED} AND ({_STANDS} OR {_MORE_CAME}))""",
        settles=True,
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
    Check(
        "I3t",
        "What a renewal has replaced is not reserved a second time",
        f"""SELECT o.number, m.payment_id, m.authorized - m.captured - m.voided AS reserved
        FROM payments r JOIN ({_DONE}) m ON m.payment_id = r.renews
        JOIN payments p ON p.id = r.renews JOIN orders o ON o.id = r.order_id
        WHERE m.authorized > m.captured + m.voided AND p.authorization_expires_at > now()
          AND EXISTS (SELECT FROM payment_entries e WHERE e.payment_id = r.id
            AND e.kind = 'authorization' AND {STANDS} AND e.amount = r.amount
            AND e.recorded_at < now() - interval '5 minutes')
          AND NOT EXISTS (SELECT FROM payment_entries e WHERE e.payment_id = p.id
            AND e.kind = 'void' AND e.phase = 'failed')
          AND NOT EXISTS ({_DECIDED} AND t.kind IN ('capture_failed', 'payment_mismatch'))""",
        settles=True,
    ),
    Check(
        "I3u",
        "A renewal is of its order, at its provider, and of no more than was reserved before it",
        """SELECT r.id AS payment_id, r.order_id, r.amount, p.amount AS before
        FROM payments r JOIN payments p ON p.id = r.renews
        WHERE (r.order_id, r.provider, r.currency) <> (p.order_id, p.provider, p.currency)
          OR r.amount > coalesce((SELECT max(e.amount) FROM payment_entries e
            WHERE e.payment_id = p.id AND e.kind = 'authorization'
            AND e.phase = 'succeeded'), 0)""",
    ),
)
