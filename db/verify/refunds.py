"""Every refund is explained by its parts, by the provider's ledger and by its order's lines."""

from db.payments import STANDS
from db.verify.check import Check

_PARTS = """SELECT refund_id, sum(units) AS units, sum(amount) AS amount, sum(tax_amount) AS tax
FROM refund_lines GROUP BY 1"""

CHECKS = (
    Check(
        "I8a",
        "A refund's lines, shipping and goodwill add up to it, and so does the tax in them",
        f"""SELECT r.number, r.amount, coalesce(p.amount, 0) AS lines, r.shipping_amount,
            r.goodwill_amount
        FROM refunds r LEFT JOIN ({_PARTS}) p ON p.refund_id = r.id
        WHERE r.amount <> coalesce(p.amount, 0) + r.shipping_amount + r.goodwill_amount
          OR coalesce(p.tax, 0) > r.tax_amount""",
    ),
    Check(
        "I8b",
        "What succeeded has moved once at the provider, and nothing else has",
        f"""SELECT r.number, r.status, r.amount, e.moved, e.times FROM refunds r
        LEFT JOIN LATERAL (
            SELECT coalesce(sum(e.amount), 0) AS moved, count(*) AS times FROM payment_entries e
            WHERE e.refund_id = r.id AND e.kind = 'refund' AND {STANDS}) e ON true
        WHERE CASE r.status WHEN 'succeeded' THEN e.times <> 1 OR e.moved <> r.amount
            ELSE e.times <> 0 END""",
    ),
    Check(
        "I8c",
        "What refunds gave back of a line is counted on it",
        """SELECT l.id AS line_id, l.refunded_units, l.refunded_amount, p.units, p.amount
        FROM order_lines l JOIN (
            SELECT x.order_line_id, sum(x.units) AS units, sum(x.amount) AS amount
            FROM refund_lines x JOIN refunds r ON r.id = x.refund_id
            WHERE r.status = 'succeeded' GROUP BY 1) p ON p.order_line_id = l.id
        WHERE p.units > l.refunded_units OR p.amount > l.refunded_amount""",
    ),
    Check(
        "I8d",
        "No more units of a line go back than were delivered",
        """SELECT l.id AS line_id, l.delivered, p.units
        FROM order_lines l JOIN (
            SELECT x.order_line_id, sum(x.units) AS units
            FROM refund_lines x JOIN refunds r ON r.id = x.refund_id
            WHERE r.status NOT IN ('failed', 'cancelled') GROUP BY 1) p ON p.order_line_id = l.id
        WHERE p.units > l.delivered""",
    ),
    Check(
        "I8e",
        "Another person than who asked for a refund has approved it, or the limit did",
        """SELECT number, requested_by FROM refunds
        WHERE approved_by = requested_by AND approved_by <> 'system'""",
    ),
)
