"""Stock of items that are tracked by lot is of one of their lots, and no other stock is of any."""

from db.verify.check import Check

CHECKS = (
    Check(
        "I16a",
        "What is there, moved or promised of an item is of a lot where it is tracked by lot, and"
        " only then",
        """SELECT x.kept, i.sku, x.lot_id FROM (
            SELECT 'balance' AS kept, item_id, lot_id FROM balances
            UNION ALL SELECT 'movement', item_id, lot_id FROM movements
            UNION ALL SELECT 'reservation', item_id, lot_id FROM reservations) x
        JOIN items i ON i.id = x.item_id LEFT JOIN lots t ON t.id = x.lot_id
        WHERE (i.tracking = 'lot') <> (x.lot_id IS NOT NULL)
            OR x.lot_id IS NOT NULL AND t.item_id IS DISTINCT FROM x.item_id""",
    ),
    Check(
        "I16b",
        "Of a lot that is set aside orders hold only what has a label",
        """SELECT t.code, t.status, r.document_id, r.quantity FROM reservations r
        JOIN lots t ON t.id = r.lot_id
        WHERE r.status = 'active' AND t.status <> 'available' AND NOT EXISTS (
            SELECT FROM shipment_lines x JOIN shipments s ON s.id = x.shipment_id
            WHERE x.reservation_id = r.id
                AND s.status NOT IN ('pending', 'voided', 'cancelled'))""",
        settles=True,
    ),
    Check(
        "I16c",
        "What has left with a shipment left as the lot that was reserved for it",
        """SELECT s.number, x.id AS line_id, r.lot_id, m.lot_id AS moved FROM shipment_lines x
        JOIN shipments s ON s.id = x.shipment_id JOIN reservations r ON r.id = x.reservation_id
        JOIN movements m ON m.key = 'issue/' || x.id
        WHERE m.lot_id IS DISTINCT FROM r.lot_id""",
    ),
    Check(
        "I16d",
        "Nothing of a lot has left after its last day",
        """SELECT t.code, t.expires_on, m.key, m.occurred_at FROM movements m
        JOIN lots t ON t.id = m.lot_id
        WHERE m.kind = 'issue' AND m.document_type = 'shipment'
            AND (m.occurred_at AT TIME ZONE 'utc')::date > t.expires_on""",
        informs=True,
    ),
)
