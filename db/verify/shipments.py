"""Goods leave once, their counters agree, and carriers' facts only add."""

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from db.shipments.tracking import scan_of
from db.verify.check import Check, Rows
from domain.shipments.status import ShipmentStatus
from domain.shipments.tracking import follow, least_far

_PARCELS = text(
    """SELECT p.id, p.tracking_number, p.status AS stored, e.code, e.status, e.exception, e.place,
        e.signed_by, e.occurred_at, e.recorded_at, coalesce(s.booked_at, b.booked_at) AS booked_at
    FROM parcels p LEFT JOIN shipments s ON s.id = p.shipment_id
        LEFT JOIN return_labels b ON b.id = p.return_label_id
        LEFT JOIN tracking_events e ON e.parcel_id = p.id ORDER BY p.id"""
)
_SHIPMENTS = text(
    """SELECT s.number, s.status, array_agg(p.status) AS parcels
    FROM shipments s JOIN parcels p ON p.shipment_id = s.id
    WHERE s.status NOT IN ('pending', 'voided', 'cancelled') GROUP BY s.id"""
)


async def find_wrong_parcels(db: AsyncConnection) -> Rows:
    """Return parcels whose state is not that of their set of scans."""
    rows = (await db.execute(_PARCELS)).all()
    return list(_wrong(rows))


def _wrong(rows: Any) -> Iterator[dict[str, Any]]:
    for _, group in groupby(rows, key=lambda row: row.id):
        events = list(group)
        state = follow(scan_of(row) for row in events if row.code is not None)
        # A voided label's parcel keeps the word, whatever was scanned.
        if events[0].stored not in (state.status, ShipmentStatus.VOIDED):
            yield {
                "tracking_number": events[0].tracking_number,
                "stored": events[0].stored,
                "computed": str(state.status),
            }


async def find_wrong_shipments(db: AsyncConnection) -> Rows:
    """Return shipments whose state is not what the states of their parcels make it."""
    found = []
    for row in await db.execute(_SHIPMENTS):
        live = [ShipmentStatus(status) for status in row.parcels if status != ShipmentStatus.VOIDED]
        computed = least_far(live) if live else ShipmentStatus.VOIDED
        if row.status != computed:
            found.append({"number": row.number, "stored": row.status, "computed": str(computed)})
    return found


CHECKS = (
    Check(
        "I6a",
        "A parcel's state is the sum of its scans, in whatever order they came",
        find=find_wrong_parcels,
    ),
    Check(
        "I6b",
        "A shipment is as far as its parcel that is least far, and has left when one of them has",
        find=find_wrong_shipments,
        settles=True,
    ),
    Check(
        "I6c",
        "No scan is kept twice",
        "SELECT hash, count(*) AS times FROM tracking_events GROUP BY hash HAVING count(*) > 1",
    ),
    Check(
        "I2h",
        "A line's shipped units are those of the shipments that were handed over",
        """SELECT l.id AS line_id, l.shipped, coalesce(s.sent, 0) AS sent FROM order_lines l
        LEFT JOIN (SELECT sl.order_line_id, sum(sl.quantity) AS sent
            FROM shipment_lines sl JOIN shipments s ON s.id = sl.shipment_id
            WHERE s.handed_over_at IS NOT NULL GROUP BY 1) s ON s.order_line_id = l.id
        WHERE l.shipped <> coalesce(s.sent, 0)""",
    ),
    Check(
        "I2i",
        "A line's delivered and written-off units are those of its settled shipments",
        """SELECT l.id AS line_id, l.delivered, l.written_off, coalesce(s.ended, 0) AS ended
        FROM order_lines l LEFT JOIN (SELECT sl.order_line_id, sum(sl.quantity) AS ended
            FROM shipment_lines sl JOIN shipments s ON s.id = sl.shipment_id
            WHERE s.settled_at IS NOT NULL GROUP BY 1) s ON s.order_line_id = l.id
        WHERE l.delivered + l.written_off <> coalesce(s.ended, 0)""",
    ),
    Check(
        "I2j",
        "No promised unit is in two live shipments",
        """SELECT sl.reservation_id, sum(sl.quantity) AS planned, r.quantity
        FROM shipment_lines sl JOIN shipments s ON s.id = sl.shipment_id
        JOIN reservations r ON r.id = sl.reservation_id
        WHERE s.status NOT IN ('voided', 'cancelled')
        GROUP BY sl.reservation_id, r.quantity HAVING sum(sl.quantity) > r.quantity""",
    ),
    Check(
        "I2k",
        "A shipment takes its order's lines from where they are promised",
        """SELECT s.number, sl.id AS shipment_line_id FROM shipment_lines sl
        JOIN shipments s ON s.id = sl.shipment_id
        JOIN order_lines l ON l.id = sl.order_line_id
        JOIN reservations r ON r.id = sl.reservation_id
        JOIN locations p ON p.id = sl.location_id
        WHERE l.order_id <> s.order_id OR l.item_id <> sl.item_id OR r.line_id <> l.id
          OR r.item_id <> sl.item_id OR r.location_id <> sl.location_id
          OR p.site_id IS DISTINCT FROM s.site_id""",
    ),
    Check(
        "I2l",
        "A cancelled order has no live shipment",
        """SELECT o.number AS order_number, s.number, s.status FROM shipments s
        JOIN orders o ON o.id = s.order_id
        WHERE o.status = 'cancelled' AND s.status NOT IN ('voided', 'cancelled')""",
        settles=True,
    ),
    Check(
        "I6d",
        "A label has a number that no other live parcel has, and is of one shipment or return",
        """SELECT carrier, tracking_number AS name FROM parcels
        WHERE status NOT IN ('delivered', 'returned', 'lost', 'voided')
        GROUP BY carrier, tracking_number HAVING count(*) > 1
        UNION ALL
        SELECT carrier, booking_reference FROM (
            SELECT carrier, booking_reference FROM shipments
            UNION ALL SELECT carrier, booking_reference FROM return_labels) labels
        WHERE booking_reference IS NOT NULL
        GROUP BY carrier, booking_reference HAVING count(*) > 1""",
        whole=True,
    ),
    Check(
        "I6e",
        "A shipment past its pick list has a booking and at least one parcel",
        """SELECT s.number, s.status FROM shipments s
        WHERE s.status NOT IN ('pending', 'cancelled') AND (s.booking_reference IS NULL
            OR NOT EXISTS (SELECT 1 FROM parcels p WHERE p.shipment_id = s.id))""",
    ),
    Check(
        "I6f",
        "What the carrier has was handed over, and what was handed over the carrier has",
        """SELECT number, status, handed_over_at FROM shipments
        WHERE (handed_over_at IS NULL)
            <> (status IN ('pending', 'booked', 'voided', 'cancelled'))""",
        settles=True,
    ),
)
