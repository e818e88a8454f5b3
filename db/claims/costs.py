"""What a claim costs: work, labels both ways, the goods that replace others, and refunds."""

from db.warranties.sold import CLAIM_BEHIND
from db.work_orders.costs import of_work

OF_CLAIM = f"""SELECT y.* FROM returns r JOIN work_orders w ON w.return_id = r.id
    CROSS JOIN LATERAL ({of_work("w.id")}) y WHERE r.claim_id = claims.id
    UNION ALL SELECT 'labels', l.label_currency, l.label_amount, r.number
    FROM returns r JOIN return_labels l ON l.return_id = r.id
    WHERE r.claim_id = claims.id AND l.status IN ('booked', 'used')
    UNION ALL SELECT 'refund', f.currency, f.amount, f.number
    FROM returns r JOIN refunds f ON f.return_id = r.id
    WHERE r.claim_id = claims.id AND f.status = 'succeeded'
    UNION ALL SELECT z.* FROM orders o JOIN shipments s ON s.order_id = o.id
    CROSS JOIN LATERAL (
        SELECT 'labels' AS kind, s.label_currency AS currency, s.label_amount AS amount,
            s.number AS name
        WHERE s.booked_at IS NOT NULL AND s.status NOT IN ('voided', 'cancelled')
        UNION ALL SELECT 'goods', m.unit_cost_currency,
            round(m.quantity * m.unit_cost_amount)::bigint, i.sku
        FROM movements m JOIN items i ON i.id = m.item_id
        WHERE m.document_id = s.id AND m.kind = 'issue'
            AND s.status NOT IN ('returning', 'returned')) z
    WHERE o.customer_id = claims.customer_id AND o.kind = 'replacement'
        AND {CLAIM_BEHIND} = claims.id"""
"""Select what a row of ``claims`` has cost, as of work: kind, currency, amount and name.

Goods that came back undelivered are ours again, and go out once more.
"""
