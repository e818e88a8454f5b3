"""What was written down by mistake is taken back once, by its exact opposite."""

from db.verify.check import Check

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
)
