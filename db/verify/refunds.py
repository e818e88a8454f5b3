"""Every refund is explained by its parts, by the provider's ledger and by its order's lines."""

from db.payments import STANDS
from db.verify.check import Check
from domain.orders.receipts import BANK
from domain.refunds.attempts import after_all_key

_PARTS = """SELECT refund_id, sum(amount) AS amount, sum(fee_amount) AS fee,
    sum(tax_amount - fee_tax_amount) AS tax
FROM refund_lines GROUP BY 1"""

CHECKS = (
    Check(
        "I8a",
        "A refund's lines, less their fees, its shipping and goodwill add up to it, with their tax",
        f"""SELECT r.number, r.amount, coalesce(p.amount, 0) AS lines, r.shipping_amount,
            r.goodwill_amount, r.fee_amount
        FROM refunds r LEFT JOIN ({_PARTS}) p ON p.refund_id = r.id
        WHERE r.amount <> coalesce(p.amount, 0) + r.shipping_amount + r.goodwill_amount
                - r.fee_amount
          OR r.fee_amount <> coalesce(p.fee, 0)
          OR coalesce(p.tax, 0) > r.tax_amount""",
    ),
    Check(
        "I8b",
        "What succeeded has moved once at the provider, and nothing else has",
        f"""SELECT r.number, r.status, r.amount, e.moved, coalesce(e.times, 0) AS times
        FROM refunds r LEFT JOIN (
            SELECT e.refund_id, sum(e.amount) AS moved, count(*) AS times FROM payment_entries e
            WHERE e.refund_id IS NOT NULL AND e.kind = 'refund' AND {STANDS} GROUP BY 1) e
            ON e.refund_id = r.id
        WHERE CASE r.status WHEN 'succeeded' THEN e.times IS DISTINCT FROM 1 OR e.moved <> r.amount
            ELSE e.times > 0 END""",
    ),
    Check(
        "N5",
        "Money that went back by a try that had failed, and succeeded after all: finance was asked",
        f"""SELECT o.number, e.key, e.amount FROM payment_entries e
        JOIN payments p ON p.id = e.payment_id JOIN orders o ON o.id = p.order_id
        WHERE e.key LIKE '%{after_all_key("")}' AND {STANDS}""",
        informs=True,
    ),
    Check(
        "I8g",
        "No operation of a provider is counted as two refunds",
        f"""SELECT p.provider, e.provider_reference, count(*) AS refunds
        FROM payment_entries e JOIN payments p ON p.id = e.payment_id
        WHERE e.kind = 'refund' AND {STANDS} AND e.provider_reference IS NOT NULL
          AND p.provider <> '{BANK}'
        GROUP BY 1, 2 HAVING count(*) > 1""",
        whole=True,
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
        "No more units of a line go back than were delivered, or paid for before they left",
        """SELECT l.id AS line_id, l.delivered, l.captured_units, p.units
        FROM order_lines l JOIN (
            SELECT x.order_line_id, sum(x.units) AS units
            FROM refund_lines x JOIN refunds r ON r.id = x.refund_id
            WHERE r.status NOT IN ('failed', 'cancelled') AND r.shipment_id IS NULL
            GROUP BY 1) p ON p.order_line_id = l.id
        WHERE p.units > greatest(l.delivered, l.captured_units)""",
    ),
    Check(
        "I8f",
        "What goes back for a shipment is for its own units, once they are written off, and once",
        """SELECT s.number, x.order_line_id, sum(x.units) AS units,
            coalesce(max(l.quantity), 0) AS sent
        FROM refunds r JOIN refund_lines x ON x.refund_id = r.id
        JOIN shipments s ON s.id = r.shipment_id
        LEFT JOIN (SELECT shipment_id, order_line_id, sum(quantity) AS quantity
            FROM shipment_lines GROUP BY 1, 2) l
            ON l.shipment_id = s.id AND l.order_line_id = x.order_line_id
        WHERE r.status NOT IN ('failed', 'cancelled')
        GROUP BY s.id, x.order_line_id
        HAVING sum(x.units) > coalesce(max(l.quantity), 0) OR NOT EXISTS (
            SELECT FROM events e WHERE e.subject_id = s.id
            AND e.type = 'shipment.written_off.v1')""",
    ),
    Check(
        "I8e",
        "Another person than who asked for a refund has approved it, or the limit did",
        """SELECT number, requested_by FROM refunds
        WHERE approved_by = requested_by AND approved_by <> 'system'""",
    ),
)
