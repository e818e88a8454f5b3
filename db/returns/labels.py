"""Labels under which goods of returns travel, to us or back: planned, bought, given back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from db.engine import to_json
from db.returns.coming import SENT_OFF, USED, WAITS_IN_HOUSE, first_scan
from domain.ids import derived_id, following_id
from domain.money import Money
from domain.returns.status import LabelDirection, LabelStatus

_COUNT = text("SELECT count(*) FROM return_labels WHERE return_id = :return")
_PLAN = text(
    """INSERT INTO return_labels (id, return_id, direction, status, service, ship_from, ship_to)
    SELECT :id, r.id, :direction, 'pending', :service,
        CASE :direction WHEN 'outbound' THEN s.address ELSE o.ship_to END,
        CASE :direction WHEN 'outbound' THEN coalesce(CAST(:to AS jsonb), o.ship_to)
            ELSE s.address END
    FROM returns r JOIN orders o ON o.id = r.order_id JOIN sites s ON s.id = r.site_id
    WHERE r.id = :return"""
)


async def plan_label(
    db: AsyncConnection,
    return_id: UUID,
    service: str,
    direction: LabelDirection = LabelDirection.INBOUND,
    to: Mapping[str, Any] | None = None,
) -> None:
    """Write that a locked return needs a label: from where its order went to its site.

    Or the other way round, to the address ``to`` where there is another.

    The label's id says what it is: it is asked for at the carrier under the same name whenever
    that is repeated, and never sold twice.
    """
    before: int = (await db.execute(_COUNT, {"return": return_id})).scalar_one()
    label_id = following_id(return_id, f"label/{before}", before)
    given = {"id": label_id, "return": return_id, "service": service, "direction": direction}
    await db.execute(_PLAN, {**given, "to": to and to_json(dict(to))})


@dataclass(frozen=True, slots=True)
class LiveLabel:
    """The label of a return that is to be bought, can be used, or is to be given back."""

    id: UUID
    direction: LabelDirection
    status: LabelStatus
    booking_reference: str | None
    service: str
    ship_from: dict[str, Any]
    ship_to: dict[str, Any]
    contents: list[tuple[int, int]]
    """Units and grams per unit."""


# Back to the customer go the units that wait in the house; without any, those that have left, once
# more.
_LIVE = f"""SELECT l.id, l.direction, l.status, l.booking_reference, l.service, l.ship_from,
        l.ship_to, coalesce((
            SELECT jsonb_agg(jsonb_build_array(w.units, i.weight_grams) ORDER BY x.id)
            FROM return_lines x JOIN returns r ON r.id = x.return_id
            JOIN order_lines o ON o.id = x.order_line_id JOIN items i ON i.id = o.item_id
            CROSS JOIN LATERAL (SELECT CASE l.direction WHEN 'inbound' THEN x.quantity ELSE (
                SELECT sum(d.quantity) FROM return_dispositions d
                WHERE d.return_line_id = x.id AND d.revised_at IS NULL
                    AND d.disposition = 'return_to_customer'
                    AND (d.left_at IS NULL OR NOT {WAITS_IN_HOUSE})) END AS units) w
            WHERE x.return_id = l.return_id AND w.units > 0), '[]') AS contents
    FROM return_labels l WHERE l.status IN ('pending', 'booked', 'voiding')"""
_OF_RETURN = text(
    f"""{_LIVE} AND l.return_id = :return AND l.direction = :direction
    ORDER BY l.status = 'voiding' LIMIT 1"""
)
_DUE = text(
    f"""{_LIVE} AND l.return_id = :return AND l.status = ANY(:statuses)
    ORDER BY l.direction, l.id LIMIT 1"""
)
_BY_ID = text(f"{_LIVE} AND l.id = :label")


async def find_live_label(
    db: AsyncConnection, return_id: UUID, direction: LabelDirection = LabelDirection.INBOUND
) -> LiveLabel | None:
    """Return the label of a return that is not given up, if it has one."""
    return await _find(db, _OF_RETURN, {"return": return_id, "direction": direction})


async def find_due_label(
    db: AsyncConnection, return_id: UUID, *statuses: LabelStatus
) -> LiveLabel | None:
    """Return a label of a return in one of these states, either way."""
    return await _find(db, _DUE, {"return": return_id, "statuses": list(statuses)})


async def find_same_label(db: AsyncConnection, label: LiveLabel) -> LiveLabel | None:
    """Return a label as it is now, unless it was given up meanwhile."""
    return await _find(db, _BY_ID, {"label": label.id})


async def _find(db: AsyncConnection, query: Any, given: Mapping[str, Any]) -> LiveLabel | None:
    found = (await db.execute(query, given)).one_or_none()
    if found is None:
        return None
    return LiveLabel(
        found.id, LabelDirection(found.direction), LabelStatus(found.status), *found[3:]
    )


_BOOK = text(
    """WITH parcels AS (
        INSERT INTO parcels (id, return_label_id, carrier, tracking_number, status, label_url)
        SELECT p.id, :label, :carrier, p.tracking_number, 'booked', p.label_url
        FROM jsonb_to_recordset(CAST(:parcels AS jsonb))
            AS p(id uuid, tracking_number text, label_url text))
    UPDATE return_labels SET status = 'booked', carrier = :carrier, booking_reference = :reference,
        label_amount = :amount, label_currency = :currency, booked_at = now() WHERE id = :label"""
)


async def record_label(
    db: AsyncConnection,
    label_id: UUID,
    *,
    carrier: str,
    reference: str,
    price: Money,
    parcels: Sequence[tuple[str, str]],
) -> None:
    """Write that a pending label of a locked return was bought; ``parcels`` by number and URL."""
    rows = [
        {
            "id": derived_id(label_id, f"parcel/{number}"),
            "tracking_number": number,
            "label_url": label_url,
        }
        for number, label_url in parcels
    ]
    given = {"label": label_id, "carrier": carrier, "reference": reference}
    money = {"amount": price.amount, "currency": price.currency}
    await db.execute(_BOOK, {**given, **money, "parcels": to_json(rows)})


_END = text(
    """WITH parcels AS (
        UPDATE parcels SET status = 'voided'
        WHERE return_label_id = :label AND CAST(:status AS text) <> 'booked')
    UPDATE return_labels SET status = :status WHERE id = :label"""
)


async def move_label(db: AsyncConnection, label_id: UUID, status: LabelStatus) -> None:
    """Write that a label of a locked return is refused, voided, or in use after all."""
    await db.execute(_END, {"label": label_id, "status": status})


_DROP = text(
    f"""UPDATE return_labels d SET status = 'voiding' FROM returns r
    WHERE r.id = d.return_id AND r.id = :return AND d.direction = :direction
        AND d.status IN ('pending', 'booked')
        AND CASE d.direction WHEN 'inbound' THEN NOT {USED} ELSE NOT {SENT_OFF} END
    RETURNING d.id"""
)


async def drop_label(
    db: AsyncConnection, return_id: UUID, direction: LabelDirection = LabelDirection.INBOUND
) -> bool:
    """Have the label of a locked return given back, unless it was used; whether there was one."""
    given = {"return": return_id, "direction": direction}
    return (await db.execute(_DROP, given)).first() is not None


_RETIRE = text(
    """UPDATE return_labels SET status = 'used' WHERE return_id = :return
        AND direction = 'outbound' AND status = 'booked'"""
)
_NUMBERS = text(
    """SELECT p.tracking_number FROM parcels p JOIN return_labels l ON l.id = p.return_label_id
    WHERE l.id = :label ORDER BY p.id"""
)
_SENT_OFF = text(
    f"""SELECT {first_scan("l.id")} FROM return_labels l
    WHERE l.return_id = :return AND l.direction = 'outbound' AND l.status = 'booked'"""
)


async def sent_off_at(db: AsyncConnection, return_id: UUID) -> datetime | None:
    """Return when the carrier first scanned a parcel under the label to the customer that lives."""
    found: datetime | None = (
        await db.execute(_SENT_OFF, {"return": return_id})
    ).scalar_one_or_none()
    return found


async def retire_label(db: AsyncConnection, return_id: UUID) -> None:
    """Write that what travelled to the customer of a locked return needs a label of its own anew.

    The parcels under the old one go on being followed.
    """
    await db.execute(_RETIRE, {"return": return_id})


async def numbers_of(db: AsyncConnection, label_id: UUID) -> list[str]:
    """Return the tracking numbers under a label."""
    return list((await db.execute(_NUMBERS, {"label": label_id})).scalars())
