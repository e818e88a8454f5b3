"""Stock is promised once, and every unit of it can be accounted for."""

from db.orders.backorders import LACKING
from db.verify.check import Check
from domain.inventory import VIRTUAL

_VIRTUAL = {"virtual": sorted(VIRTUAL)}

# Goods without a lot are compared with goods without a lot.
_LOT = "coalesce(lot_id, '00000000-0000-0000-0000-000000000000')"

CHECKS = (
    Check(
        "I1a",
        "No more is promised than is there, and nothing is below zero",
        """SELECT item_id, location_id, lot_id, on_hand, reserved FROM balances
        WHERE on_hand < 0 OR reserved < 0 OR reserved > on_hand""",
        whole=True,
    ),
    Check(
        "I1b",
        "Only stock at a sellable location is promised to orders",
        """SELECT r.id AS reservation_id, l.code AS location FROM reservations r
        JOIN locations l ON l.id = r.location_id
        WHERE r.status = 'active' AND r.document_type = 'order' AND NOT l.sellable""",
        whole=True,
    ),
    Check(
        "I1c",
        "A promise to an order belongs to one of its lines and to that line's item",
        """SELECT r.id AS reservation_id, r.document_id, r.line_id FROM reservations r
        LEFT JOIN order_lines l ON l.id = r.line_id
        WHERE r.document_type = 'order' AND (l.id IS NULL OR l.order_id <> r.document_id
            OR l.item_id <> r.item_id)""",
    ),
    Check(
        "I1d",
        "A line is promised and sent no more units than were ordered and not cancelled",
        """SELECT l.id AS line_id, l.quantity, l.cancelled, sum(r.quantity) AS promised
        FROM order_lines l JOIN reservations r ON r.line_id = l.id
        WHERE r.status IN ('active', 'consumed')
        GROUP BY l.id HAVING sum(r.quantity) > l.quantity - l.cancelled""",
    ),
    Check(
        "I1e",
        "Every unit that a running order has still to send is promised to it, or waits for stock",
        """SELECT o.number, l.id AS line_id, l.quantity - l.cancelled - l.shipped AS open,
            coalesce(r.held, 0) AS held, l.short_since
        FROM orders o JOIN order_lines l ON l.order_id = o.id LEFT JOIN (
            SELECT line_id, sum(quantity) AS held FROM reservations
            WHERE status = 'active' GROUP BY line_id) r ON r.line_id = l.id
        WHERE o.status IN ('pending', 'confirmed')
          AND coalesce(r.held, 0) <> l.quantity - l.cancelled - l.shipped
          AND (l.short_since IS NULL OR r.held > l.quantity - l.cancelled - l.shipped)""",
    ),
    Check(
        "I1f",
        "An order that has ended holds no stock",
        """SELECT o.number, o.status, r.id AS reservation_id, r.quantity
        FROM reservations r JOIN orders o ON o.id = r.document_id
        WHERE r.status = 'active' AND o.status IN ('completed', 'closed', 'cancelled')""",
    ),
    Check(
        "I1g",
        "A line waits for stock only while its order runs and some of its units are not promised",
        f"""SELECT o.number, o.status, l.id AS line_id, l.short_since, {LACKING} AS lacking
        FROM order_lines l JOIN orders o ON o.id = l.order_id
        WHERE l.short_since IS NOT NULL
          AND (o.status NOT IN ('pending', 'confirmed') OR {LACKING} <= 0)""",
    ),
    Check(
        "I1h",
        "What is held by hand has a reference and ends within thirty days, and nothing else does",
        """SELECT id AS reservation_id, document_type, reference, expires_at FROM reservations
        WHERE (document_type = 'manual') <> (reference IS NOT NULL AND expires_at IS NOT NULL
            AND expires_at <= created_at + interval '30 days 1 hour')""",
        whole=True,
    ),
    Check(
        "I1i",
        "What is held by hand is let go when its time has come",
        """SELECT id AS reservation_id, reference, expires_at FROM reservations
        WHERE status = 'active' AND expires_at < now() - interval '1 hour'""",
        whole=True,
    ),
    Check(
        "I2a",
        "What is on hand, of each lot, equals what came in less what went out",
        f"""SELECT item_id, location_id, lot, b.on_hand, m.moved
        FROM (SELECT item_id, location_id, {_LOT} AS lot, on_hand FROM balances) b FULL JOIN (
            SELECT item_id, location_id, {_LOT} AS lot, sum(quantity) AS moved FROM (
                SELECT item_id, to_location_id AS location_id, lot_id, quantity FROM movements
                UNION ALL
                SELECT item_id, from_location_id, lot_id, -quantity FROM movements) sides
            GROUP BY 1, 2, 3) m USING (item_id, location_id, lot)
        JOIN locations l ON l.id = location_id
        WHERE l.kind <> ALL(CAST(:virtual AS text[]))
          AND coalesce(b.on_hand, 0) <> coalesce(m.moved, 0)""",
        _VIRTUAL,
        whole=True,
    ),
    Check(
        "I2b",
        "What a balance, of one lot, counts as promised equals its active reservations",
        f"""SELECT item_id, location_id, lot, b.reserved, r.held
        FROM (SELECT item_id, location_id, {_LOT} AS lot, reserved FROM balances) b FULL JOIN (
            SELECT item_id, location_id, {_LOT} AS lot, sum(quantity) AS held FROM reservations
            WHERE status = 'active' GROUP BY 1, 2, 3) r USING (item_id, location_id, lot)
        WHERE coalesce(b.reserved, 0) <> coalesce(r.held, 0)""",
        whole=True,
    ),
    Check(
        "I2c",
        "Places that only make a movement two-sided hold no balance",
        """SELECT b.item_id, l.code AS location, b.on_hand FROM balances b
        JOIN locations l ON l.id = b.location_id WHERE l.kind = ANY(CAST(:virtual AS text[]))""",
        _VIRTUAL,
        whole=True,
    ),
    Check(
        "I2d",
        "A movement goes between two places that fit its kind",
        """SELECT m.key, m.kind, f.kind AS from_kind, t.kind AS to_kind, m.quantity
        FROM movements m JOIN locations f ON f.id = m.from_location_id
        JOIN locations t ON t.id = m.to_location_id
        WHERE m.quantity <= 0 OR f.id = t.id
          OR (f.kind = ANY(CAST(:virtual AS text[])) AND t.kind = ANY(CAST(:virtual AS text[])))
          OR NOT CASE m.kind
            WHEN 'receipt' THEN f.kind = 'supplier'
            WHEN 'issue' THEN t.kind IN ('customer', 'production', 'supplier')
            WHEN 'return' THEN f.kind IN ('customer', 'production')
            WHEN 'production' THEN f.kind = 'production'
            WHEN 'adjustment' THEN f.kind IN ('loss', 'opening') OR t.kind = 'loss'
                OR (t.kind = 'opening' AND m.reverses_id IS NOT NULL)
            WHEN 'count' THEN f.kind = 'loss' OR t.kind = 'loss'
            WHEN 'scrap' THEN t.kind = 'loss' OR f.kind = 'loss'
            ELSE f.kind <> ALL(CAST(:virtual AS text[])) AND t.kind <> ALL(CAST(:virtual AS text[]))
          END""",
        _VIRTUAL,
    ),
    Check(
        "I2e",
        "No movement was made twice under one key",
        "SELECT key, count(*) AS times FROM movements GROUP BY key HAVING count(*) > 1",
    ),
    Check(
        "I2f",
        "What was issued to customers equals what shipments handed over",
        """SELECT item_id, location_id, coalesce(i.issued, 0) AS issued, coalesce(s.sent, 0) AS sent
        FROM (SELECT m.item_id, m.from_location_id AS location_id, sum(m.quantity) AS issued
            FROM movements m JOIN locations c ON c.id = m.to_location_id AND c.kind = 'customer'
            WHERE m.kind = 'issue' AND m.document_type <> 'return' GROUP BY 1, 2) i
        FULL JOIN (SELECT l.item_id, l.location_id, sum(l.quantity) AS sent
            FROM shipment_lines l JOIN shipments s ON s.id = l.shipment_id
            WHERE s.handed_over_at IS NOT NULL GROUP BY 1, 2) s USING (item_id, location_id)
        WHERE coalesce(i.issued, 0) <> coalesce(s.sent, 0)""",
    ),
    Check(
        "I2g",
        "A promise is used up by exactly the shipments that handed its units over",
        """SELECT r.id AS reservation_id, r.status, r.quantity, coalesce(s.sent, 0) AS sent
        FROM reservations r LEFT JOIN (
            SELECT l.reservation_id, sum(l.quantity) AS sent
            FROM shipment_lines l JOIN shipments s ON s.id = l.shipment_id
            WHERE s.handed_over_at IS NOT NULL GROUP BY 1) s ON s.reservation_id = r.id
        WHERE r.document_type = 'order'
          AND CASE r.status WHEN 'consumed' THEN r.quantity ELSE 0 END <> coalesce(s.sent, 0)""",
    ),
)
