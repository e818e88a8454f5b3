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
)
