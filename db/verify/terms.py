"""Every order on terms went within its customer's credit, and owes what its credit notes leave."""

from db.orders.terms import BILLED, BILLED_LEFT, OWES
from db.verify.check import Check

_CONFIRMED = """orders o LEFT JOIN events e ON e.subject_id = o.id
            AND e.type = 'order.confirmed.v1'"""
_LIMIT, _EXPOSURE, _NEEDED = (
    f"CAST(e.data->'credit'->>'{name}' AS bigint)" for name in ("limit", "exposure", "needed")
)
# Where finance had to decide about too much money, what went back of it is owed no less.
_TOO_MUCH = """SELECT FROM orders x JOIN tasks t ON t.document_id = x.id AND t.kind = 'overpaid'
            WHERE x.customer_id = w.customer_id"""

CHECKS = (
    Check(
        "I10a",
        "An order on terms was confirmed within its customer's credit, or finance let it pass",
        f"""SELECT o.number, e.data->'credit' AS credit FROM {_CONFIRMED}
        WHERE o.payment_method = 'net_terms' AND o.confirmed_at IS NOT NULL
          AND NOT coalesce({_NEEDED} <= greatest(0, {_LIMIT} - {_EXPOSURE}), false)
          AND NOT EXISTS (SELECT FROM holds h WHERE h.document_id = o.id
            AND h.reason = 'credit_limit' AND h.placed_by = 'system'
            AND h.released_by <> 'system')""",
    ),
    Check(
        "I10b",
        "Open orders on terms owe together no more than the limit at which they were confirmed",
        f"""SELECT w.customer_id, w.currency, sum(w.owes) AS exposure, max(w.granted) AS granted
        FROM (SELECT o.customer_id, o.currency, {OWES} AS owes, {_LIMIT} AS granted,
                CAST(e.data->'credit'->>'let_pass' AS boolean) AS let_pass
            FROM {_CONFIRMED} WHERE {BILLED}) w
        WHERE w.owes > 0 AND NOT EXISTS ({_TOO_MUCH})
        GROUP BY 1, 2 HAVING sum(w.owes) > max(w.granted) AND NOT bool_or(w.let_pass)""",
        whole=True,
    ),
    Check(
        "I10c",
        "An order owes less by what its credit notes say, and never less than nothing",
        f"""SELECT o.number, o.credited_amount, n.amount FROM orders o
        LEFT JOIN (SELECT order_id, sum(amount) AS amount FROM credit_notes GROUP BY 1) n
            ON n.order_id = o.id
        WHERE o.credited_amount <> coalesce(n.amount, 0)
          OR o.credited_amount > 0 AND {BILLED} AND {BILLED_LEFT} < 0""",
    ),
)
