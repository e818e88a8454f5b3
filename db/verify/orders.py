"""An order's numbers agree with its lines, and its state with its times."""

from db.verify.check import Check

CHECKS = (
    Check(
        "I7a",
        "An order's totals are the sums of its lines",
        """SELECT o.number, o.subtotal_amount, o.total_amount, l.subtotal, l.total
        FROM orders o LEFT JOIN (
            SELECT order_id, sum(quantity * unit_price_amount) AS subtotal,
                sum(discount_amount) AS discount, sum(tax_amount) AS tax,
                sum(total_amount) AS total
            FROM order_lines GROUP BY order_id) l ON l.order_id = o.id
        WHERE (o.subtotal_amount, o.discount_amount, o.tax_amount, o.total_amount)
            IS DISTINCT FROM (l.subtotal, l.discount, l.tax,
                l.total + o.shipping_amount + o.shipping_tax_amount)""",
    ),
    Check(
        "I7b",
        "A line's total is its units at their price, less discount, plus tax",
        """SELECT id AS line_id, quantity, unit_price_amount, total_amount FROM order_lines
        WHERE total_amount <> quantity * unit_price_amount - discount_amount + tax_amount""",
    ),
    Check(
        "I7c",
        "An order's times fit its state",
        """SELECT number, status, confirmed_at, completed_at, cancelled_at FROM orders
        WHERE (status = 'cancelled') <> (cancelled_at IS NOT NULL)
          OR (status IN ('completed', 'closed')) <> (completed_at IS NOT NULL)
          OR (status IN ('confirmed', 'completed', 'closed') AND confirmed_at IS NULL)
          OR (status = 'pending' AND confirmed_at IS NOT NULL)""",
    ),
    Check(
        "I7d",
        "A completed order has sent something and has nothing left to send or to hear of",
        """SELECT o.number FROM orders o JOIN order_lines l ON l.order_id = o.id
        WHERE o.status IN ('completed', 'closed') GROUP BY o.id
        HAVING sum(l.shipped) = 0 OR bool_or(l.quantity <> l.cancelled + l.shipped)
          OR bool_or(l.shipped <> l.delivered + l.written_off)""",
    ),
    Check(
        "I7e",
        "A cancelled order has sent nothing, and nothing of it is open",
        """SELECT o.number, l.id AS line_id, l.shipped, l.cancelled FROM orders o
        JOIN order_lines l ON l.order_id = o.id
        WHERE o.status = 'cancelled' AND (l.shipped > 0 OR l.cancelled < l.quantity)""",
    ),
    Check(
        "I4a",
        "No unpaid order is still pending long after its payment window, unless it is on hold",
        """SELECT o.number, o.payment_due_at FROM orders o
        WHERE o.status = 'pending' AND o.payment_due_at < now() - interval '20 minutes'
          AND NOT EXISTS (SELECT 1 FROM holds h
            WHERE h.document_id = o.id AND h.released_at IS NULL)""",
    ),
)
