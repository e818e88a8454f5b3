"""What was written down by mistake or late: reversed once, and balanced where it was counted."""

from db.verify.check import Check

# From the first movement on; what answers look at goes back from the balance (db/inventory/past).
# One pass over what moved where something was counted: a sum per count would be all of it again.
ON_HAND_AT = """WITH counted AS (
        SELECT DISTINCT item_id, location_id FROM count_lines WHERE posted_at IS NOT NULL)
    SELECT id, count_id, item_id, location_id, lot_id, counted, sum(moved) OVER (
        PARTITION BY item_id, location_id, lot_id ORDER BY at, counted NULLS FIRST) AS on_hand
    FROM (SELECT id, count_id, item_id, location_id, lot_id, counted, counted_at AS at, 0 AS moved
        FROM count_lines WHERE posted_at IS NOT NULL
        UNION ALL SELECT NULL, NULL, item_id, to_location_id, lot_id, NULL, occurred_at, quantity
        FROM movements WHERE (item_id, to_location_id) IN (SELECT * FROM counted)
        UNION ALL SELECT NULL, NULL, item_id, from_location_id, lot_id, NULL, occurred_at, -quantity
        FROM movements WHERE (item_id, from_location_id) IN (SELECT * FROM counted)) steps"""
"""What was there, by the ledger, as of each posted count."""

# Counts that were posted since, or before which something was written down since; from what is
# there now, which is known to be the sum of the ledger.
_COUNTED_SINCE = """SELECT count_id, item_id, location_id, lot_id, counted, on_hand FROM (
    SELECT l.*, coalesce(b.on_hand, 0) - coalesce((SELECT sum(
            CASE l.location_id WHEN m.to_location_id THEN m.quantity ELSE -m.quantity END)
        FROM public.movements m WHERE m.item_id = l.item_id
            AND m.lot_id IS NOT DISTINCT FROM l.lot_id AND m.occurred_at > l.counted_at
            AND l.location_id IN (m.from_location_id, m.to_location_id)), 0) AS on_hand
    FROM count_lines l LEFT JOIN balances b ON b.item_id = l.item_id
        AND b.location_id = l.location_id AND b.lot_id IS NOT DISTINCT FROM l.lot_id
    WHERE l.posted_at IS NOT NULL AND (l.posted_at >= :since OR EXISTS (
        SELECT FROM movements m WHERE m.item_id = l.item_id AND m.recorded_at >= :since
            AND l.location_id IN (m.from_location_id, m.to_location_id)
            AND m.occurred_at <= l.counted_at))) c
WHERE counted <> on_hand"""

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
        f"""SELECT count_id, item_id, location_id, lot_id, counted, on_hand FROM ({ON_HAND_AT}) c
        WHERE counted <> on_hand""",
        since=_COUNTED_SINCE,
    ),
)
