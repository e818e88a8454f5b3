"""What was written down by mistake or late: reversed once, and balanced where it was counted."""

from db.verify.check import Check

# From the first movement on; what answers look at goes back from the balance (db/inventory/past).
_ON_HAND_AT = """(SELECT coalesce(sum(
        CASE m.to_location_id WHEN b.location_id THEN m.quantity ELSE -m.quantity END), 0)
    FROM movements m WHERE m.item_id = b.item_id AND m.lot_id IS NOT DISTINCT FROM b.lot_id
        AND b.location_id IN (m.from_location_id, m.to_location_id)
        AND m.occurred_at <= b.counted_at)"""

CHECKS = (
    Check(
        "I2m",
        "A movement is reversed at most once, and by its exact opposite",
        """SELECT r.key, r.reverses_id
        FROM movements r LEFT JOIN movements m ON m.id = r.reverses_id
        WHERE r.reverses_id IS NOT NULL AND (m.id IS NULL OR m.reverses_id IS NOT NULL
            OR (r.kind, r.item_id, r.quantity, r.from_location_id, r.to_location_id)
                <> (m.kind, m.item_id, m.quantity, m.to_location_id, m.from_location_id)
            OR r.lot_id IS DISTINCT FROM m.lot_id OR r.occurred_at < m.occurred_at
            OR EXISTS (SELECT FROM movements o
                WHERE o.reverses_id = r.reverses_id AND o.id <> r.id))""",
    ),
    Check(
        "I2n",
        "What balances a late movement belongs to a posted count after it, and is its opposite",
        """SELECT b.key, b.balances_id, b.document_id
        FROM movements b LEFT JOIN movements m ON m.id = b.balances_id
            LEFT JOIN count_lines l ON l.id = b.line_id AND l.count_id = b.document_id
        WHERE b.balances_id IS NOT NULL AND (m.id IS NULL OR l.id IS NULL OR l.posted_at IS NULL
            OR b.kind <> 'count' OR b.document_type <> 'count'
            OR b.occurred_at <> l.counted_at OR m.occurred_at > l.counted_at
            OR (b.item_id, b.quantity) <> (m.item_id, m.quantity) OR l.item_id <> b.item_id
            OR b.lot_id IS DISTINCT FROM m.lot_id OR b.lot_id IS DISTINCT FROM l.lot_id
            OR NOT (l.location_id IN (b.from_location_id, m.from_location_id)
                AND l.location_id IN (b.to_location_id, m.to_location_id)))""",
    ),
    Check(
        "I2o",
        "As of a posted count there was what it counted",
        f"""SELECT count_id, item_id, location_id, lot_id, counted, on_hand FROM (
            SELECT b.*, {_ON_HAND_AT} AS on_hand
            FROM count_lines b WHERE b.posted_at IS NOT NULL) c
        WHERE counted <> on_hand""",
    ),
)
