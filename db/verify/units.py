"""Every serial unit is at one place, counted there, and where its history says."""

from db.items import known_by
from db.verify.check import Check
from domain.inventory import VIRTUAL

CHECKS = (
    Check(
        "I11a",
        "Of an item that is tracked by serial as many units are at a location as are on hand there",
        """SELECT item_id, location_id, b.on_hand, u.units FROM (
            SELECT item_id, location_id, b.on_hand FROM balances b
            JOIN items i ON i.id = b.item_id AND i.tracking = 'serial') b
        FULL JOIN (
            SELECT u.item_id, u.location_id, count(*) AS units FROM units u
            JOIN items i ON i.id = u.item_id AND i.tracking = 'serial'
            JOIN locations l ON l.id = u.location_id AND l.kind <> ALL(CAST(:virtual AS text[]))
            GROUP BY 1, 2) u USING (item_id, location_id)
        WHERE coalesce(b.on_hand, 0) <> coalesce(u.units, 0)""",
        {"virtual": sorted(VIRTUAL)},
        whole=True,
    ),
    Check(
        "I11b",
        "A unit is at exactly one place: with its customer, at a location, or in another unit",
        """SELECT serial, status, location_id, holder_customer_id, parent_unit_id FROM units
        WHERE num_nonnulls(location_id, holder_customer_id, parent_unit_id) <> 1
            OR (status = 'sold') <> (holder_customer_id IS NOT NULL)
            OR (status = 'installed') <> (parent_unit_id IS NOT NULL)""",
    ),
    Check(
        "I11c",
        "The last of what happened to a unit says what and where it is, and nothing is left out",
        """SELECT u.serial, u.status, e.to_status, u.events FROM units u
        LEFT JOIN unit_events e ON e.unit_id = u.id AND e.sequence = u.events
        WHERE e.to_status IS DISTINCT FROM u.status
            OR e.to_location_id IS DISTINCT FROM u.location_id
            OR e.to_holder_id IS DISTINCT FROM u.holder_customer_id
            OR e.to_parent_id IS DISTINCT FROM u.parent_unit_id
            OR u.events <> (SELECT count(*) FROM unit_events x WHERE x.unit_id = u.id)""",
    ),
    Check(
        "I11d",
        "Picked units lie where their pick list takes them from, and as many leave as it says",
        f"""SELECT s.number, s.status, x.quantity, p.units, p.there, coalesce(g.sold, 0) AS sold
        FROM shipment_lines x JOIN shipments s ON s.id = x.shipment_id
        JOIN items i ON i.id = x.item_id JOIN order_lines o ON o.id = x.order_line_id
        CROSS JOIN LATERAL (SELECT count(*) AS units, count(*) FILTER (
                WHERE u.status = 'in_stock' AND u.location_id = x.location_id
                    AND u.item_id = x.item_id) AS there
            FROM units u WHERE u.shipment_line_id = x.id) p
        LEFT JOIN (SELECT line_id, count(*) AS sold FROM unit_events WHERE kind = 'sold'
            GROUP BY 1) g ON g.line_id = x.id
        WHERE ({known_by("o")} = 'serial' OR p.units > 0) AND CASE
            WHEN s.handed_over_at IS NOT NULL THEN coalesce(g.sold, 0) <> x.quantity
            WHEN s.status = 'booked' THEN p.there <> x.quantity OR p.units <> x.quantity
            WHEN s.status = 'pending' THEN p.there <> p.units OR p.units > x.quantity
            ELSE p.units > 0 END""",
    ),
)
