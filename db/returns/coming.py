"""Goods of returns under our labels: how far the parcels are, and where that goes wrong.

Most come back; what was not accepted goes to the customer again. The pieces of SQL here are about a
return ``r``; only parcels under a label that was bought count.
"""

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

_PARCELS = """return_labels l JOIN parcels p ON p.return_label_id = l.id
    WHERE l.return_id = r.id AND l.status = 'booked' AND l.direction = 'inbound'"""

USED = f"EXISTS (SELECT FROM {_PARCELS} AND p.status NOT IN ('booked', 'voided'))"
"""Whether the carrier has scanned a parcel: the label can not be given back any more."""

SENT_OFF = """EXISTS (SELECT FROM return_labels l JOIN parcels p ON p.return_label_id = l.id
    WHERE l.return_id = r.id AND l.status = 'booked' AND l.direction = 'outbound'
        AND p.status NOT IN ('booked', 'voided'))"""
"""Whether the carrier has scanned a parcel that goes to the customer."""

WAITS_IN_HOUSE = """EXISTS (SELECT FROM return_dispositions w JOIN return_lines v
    ON v.id = w.return_line_id WHERE v.return_id = r.id AND w.revised_at IS NULL
    AND w.left_at IS NULL AND w.disposition = 'return_to_customer')"""
"""Whether goods that are the customer's wait to leave the house."""


def first_scan(label: str) -> str:
    """Return SQL for when we first heard that a parcel under a label moves; NULL before."""
    return f"""(SELECT min(e.recorded_at) FROM parcels p JOIN tracking_events e
        ON e.parcel_id = p.id WHERE p.return_label_id = {label} AND e.status <> 'booked'
        AND p.status NOT IN ('booked', 'voided'))"""


UNDER_WAY = f"""EXISTS (SELECT FROM {_PARCELS}
    AND p.status IN ('picked_up', 'in_transit', 'out_for_delivery', 'returning'))"""
"""Whether the carrier has a parcel."""

ENDED = f"EXISTS (SELECT FROM {_PARCELS} AND p.status IN ('delivered', 'lost', 'returned'))"
"""Whether the journey of a parcel is over: it is here, or people look for it."""

_SAID_MISSING = """(SELECT max(t.closed_at) FROM tasks t WHERE t.document_id = r.id
    AND t.kind = 'parcel_not_received' AND t.status = 'done' AND t.outcome = 'not_here')"""


def _arrived_after(instant: str) -> str:
    return f"""(SELECT min(e.recorded_at) FROM return_labels l
    JOIN parcels p ON p.return_label_id = l.id JOIN tracking_events e ON e.parcel_id = p.id
    WHERE l.return_id = r.id AND l.status = 'booked' AND l.direction = 'inbound'
        AND p.status = 'delivered'
        AND e.status = 'delivered' AND e.recorded_at > coalesce({instant}, '-infinity'))"""


ARRIVED_AT = _arrived_after(_SAID_MISSING)
"""When we heard that a parcel was delivered to us; NULL if the warehouse says that it was not."""

# What is given up as lost is not received, even though it counts so: it may turn up after that.
NOT_RECEIVED = f"""SELECT r.id, a.since, false AS abroad, jsonb_build_object(
        'return', r.number, 'order_id', r.order_id, 'status', r.status) AS facts
    FROM (SELECT id, NULL::timestamptz AS given_up_at FROM returns
            WHERE status = 'authorized' AND last_received_at IS NULL AND kept_goods IS NULL
        UNION ALL SELECT x.return_id, max(d.created_at) FROM return_dispositions d
            JOIN return_lines x ON x.id = d.return_line_id
            WHERE NOT d.came AND d.revised_at IS NULL GROUP BY 1) w
    JOIN returns r ON r.id = w.id
    CROSS JOIN LATERAL (
        SELECT {_arrived_after(f"greatest({_SAID_MISSING}, w.given_up_at)")} AS since) a
    WHERE a.since IS NOT NULL"""
"""Selects returns of which a parcel arrived and has not been received."""

ASTRAY = f"""SELECT r.id, a.since, false AS abroad, jsonb_build_object(
        'return', r.number, 'order_id', r.order_id, 'reason', a.reason) AS facts
    FROM returns r CROSS JOIN LATERAL (
        SELECT max(e.recorded_at) AS since, min(p.status) AS reason FROM return_labels l
        JOIN parcels p ON p.return_label_id = l.id JOIN tracking_events e ON e.parcel_id = p.id
        WHERE l.return_id = r.id AND l.status = 'booked' AND l.direction = 'inbound'
            AND p.status IN ('lost', 'returned') AND e.status IS NOT NULL
        UNION ALL SELECT {_SAID_MISSING}, 'not_here' WHERE {ARRIVED_AT} IS NULL
            AND {_SAID_MISSING} > coalesce(r.last_received_at, '-infinity')) a
    WHERE r.status = 'authorized' AND r.kept_goods IS NULL AND a.since IS NOT NULL"""
"""Selects returns of which a parcel got lost, went back to the customer, or is not here."""

NOT_SENT_BACK = f"""SELECT r.id, a.since, false AS abroad, jsonb_build_object(
        'return', r.number, 'order_id', r.order_id, 'reason', a.reason, 'tracking_numbers',
        a.numbers, 'units', (SELECT sum(d.quantity) FROM return_dispositions d
            JOIN return_lines x ON x.id = d.return_line_id WHERE x.return_id = r.id
            AND d.revised_at IS NULL AND d.disposition = 'return_to_customer')) AS facts
    FROM return_labels l JOIN returns r ON r.id = l.return_id CROSS JOIN LATERAL (
        SELECT coalesce(max(e.recorded_at) FILTER (WHERE p.status IN ('lost', 'returned')
                AND e.status IS NOT NULL), l.booked_at + interval '2 days', l.created_at) AS since,
            coalesce(min(p.status) FILTER (WHERE p.status IN ('lost', 'returned')),
                CASE l.status WHEN 'booked' THEN 'not_scanned' ELSE l.status END) AS reason,
            bool_and(p.status = 'booked') OR bool_or(p.status IN ('lost', 'returned')) AS astray,
            jsonb_agg(DISTINCT p.tracking_number) FILTER (WHERE p.id IS NOT NULL) AS numbers
        FROM (VALUES (l.id)) AS y(id) LEFT JOIN parcels p ON p.return_label_id = y.id
        LEFT JOIN tracking_events e ON e.parcel_id = p.id) a
    WHERE l.direction = 'outbound' AND (l.status = 'booked' AND a.astray
            OR l.status = 'refused' AND NOT EXISTS (SELECT FROM return_labels n
                WHERE n.return_id = l.return_id AND n.direction = l.direction AND n.id > l.id)
            AND NOT {WAITS_IN_HOUSE} AND EXISTS (SELECT FROM return_labels u
                WHERE u.return_id = r.id AND u.status = 'used'))
        AND NOT EXISTS (SELECT FROM tasks t WHERE t.document_id = r.id
            AND t.kind = 'send_back_failed' AND t.status = 'done' AND t.outcome <> 'wait'
            AND t.closed_at >= a.since)"""
"""Selects returns whose goods do not get to the customer again: not scanned for two days, lost, on
their way back to us, or without another label."""

WAITS = f"""SELECT CASE r.status WHEN 'received' THEN 'inspection' WHEN 'inspected' THEN 'stock'
            ELSE CASE WHEN c.arrived_at IS NOT NULL OR r.kind = 'undeliverable' THEN 'warehouse'
                WHEN c.under_way OR c.astray THEN 'carrier' ELSE 'customer' END END AS what,
        r.id AS document_id, r.number || CASE r.status
            WHEN 'received' THEN ' is to be inspected'
            WHEN 'inspected' THEN ' waits for goods to replace those that came'
            ELSE CASE WHEN c.arrived_at IS NOT NULL THEN ' has arrived and waits to be received'
                WHEN r.kind = 'undeliverable' THEN ' comes back and is to be received'
                WHEN c.under_way THEN ' is on its way back' WHEN c.astray THEN ' did not reach us'
                ELSE ' is to be sent back' END END AS detail,
        coalesce(r.inspected_at, r.received_at, r.last_received_at, c.arrived_at, r.authorized_at)
            AS since
    FROM returns r LEFT JOIN LATERAL (
        SELECT CASE WHEN r.last_received_at IS NULL THEN {ARRIVED_AT} END AS arrived_at,
            {UNDER_WAY} AS under_way, {_SAID_MISSING} IS NOT NULL OR EXISTS (
                SELECT FROM {_PARCELS} AND p.status IN ('lost', 'returned')) AS astray
        ) c ON r.status = 'authorized'
    WHERE r.status IN ('authorized', 'received')
        OR r.status = 'inspected' AND r.replacement_due_at IS NOT NULL
    UNION ALL SELECT 'carrier', r.id, r.number || ' goes back to the customer: the carrier has'
        || ' yet to take what is sent back', l.created_at
    FROM return_labels l JOIN returns r ON r.id = l.return_id
    WHERE l.direction = 'outbound' AND l.status IN ('pending', 'booked')
        AND r.status = 'inspected' AND NOT {SENT_OFF}
    UNION ALL SELECT 'work', r.id, r.number || ' waits for ' || w.number || ', which is '
        || replace(w.status, '_', ' ') || ': see /work_orders/' || w.id || '/process', w.created_at
    FROM work_orders w JOIN returns r ON r.id = w.return_id
    WHERE r.status = 'inspected' AND w.status NOT IN ('closed', 'cancelled')"""
"""Selects what returns wait for, beside people's answers."""

_IS = {
    name: text(f"SELECT {what} FROM returns r WHERE r.id = :return")
    for name, what in {
        "under_way": UNDER_WAY,
        "arrived": f"{ARRIVED_AT} IS NOT NULL",
        "ended": ENDED,
    }.items()
}


async def is_under_way(db: AsyncConnection, return_id: UUID) -> bool:
    """Whether the carrier has a parcel under the label of a return."""
    return await _is(db, "under_way", return_id)


async def has_arrived(db: AsyncConnection, return_id: UUID) -> bool:
    """Whether a parcel under the label of a return was delivered to us."""
    return await _is(db, "arrived", return_id)


async def has_ended(db: AsyncConnection, return_id: UUID) -> bool:
    """Whether the journey of a parcel under the label of a return is over, be it lost."""
    return await _is(db, "ended", return_id)


async def _is(db: AsyncConnection, what: str, return_id: UUID) -> bool:
    return bool((await db.execute(_IS[what], {"return": return_id})).scalar_one())
