"""What our books say was done at partners, for comparison with the partners' own books."""

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.refunds.attempts import after_all_key

_OPERATIONS = text(
    f"""SELECT replace(key, '{after_all_key("")}', '') AS key, kind,
        coalesce(max(e.amount) FILTER (WHERE phase = 'succeeded'), max(e.amount)) AS amount,
        (array_agg(phase ORDER BY array_position(
            ARRAY['reversed', 'succeeded', 'failed', 'action_required'], phase)))[1] AS phase
    FROM payment_entries e JOIN payments p ON p.id = e.payment_id WHERE p.provider = :provider
        AND NOT (e.phase = 'reversed' AND EXISTS (SELECT FROM payment_entries a
            WHERE a.key = e.key || '{after_all_key("")}'))
    GROUP BY 1, 2"""
)
_LABELS = text(
    """SELECT CAST(s.id AS text) AS reference, s.booking_reference, s.status,
        coalesce(array_agg(p.tracking_number) FILTER (WHERE p.id IS NOT NULL), '{}') AS numbers
    FROM shipments s LEFT JOIN parcels p ON p.shipment_id = s.id
    WHERE s.carrier = :carrier AND s.booked_by IS NULL GROUP BY s.id
    UNION ALL
    SELECT CAST(l.id AS text), l.booking_reference,
        CASE WHEN l.status IN ('voiding', 'used') THEN 'booked' WHEN l.status = 'refused'
            THEN 'cancelled' ELSE l.status END,
        coalesce(array_agg(p.tracking_number) FILTER (WHERE p.id IS NOT NULL), '{}')
    FROM return_labels l LEFT JOIN parcels p ON p.return_label_id = l.id
    WHERE l.carrier = :carrier GROUP BY l.id"""
)
_OWN = text(
    """SELECT p.tracking_number FROM parcels p JOIN shipments s ON s.id = p.shipment_id
    WHERE p.carrier = :carrier AND s.booked_by IS NOT NULL"""
)
_QUESTIONED = text(
    """SELECT facts->>'key' AS key, CAST(facts->'theirs'->>'amount' AS bigint) AS amount
    FROM tasks WHERE kind = 'payment_mismatch' AND status = 'open'"""
)


@dataclass(frozen=True)
class Operation:
    """One movement of money as we know it; ``amount`` in minor units."""

    key: str
    kind: str
    amount: int
    phase: str
    told: int | None = None
    """What the provider says that it moved, while finance is asked which amount stands."""


@dataclass(frozen=True)
class Label:
    """The booking at the carrier of a shipment or a return, if it has one."""

    reference: str
    booking_reference: str | None
    status: str
    numbers: frozenset[str]


async def get_operations(db: AsyncConnection, provider: str) -> dict[str, Operation]:
    """Return every operation at a payment provider by its key, with its weightiest phase."""
    told = {row.key: row.amount for row in await db.execute(_QUESTIONED)}
    rows = await db.execute(_OPERATIONS, {"provider": provider})
    return {
        row.key: Operation(row.key, row.kind, row.amount, row.phase, told.get(row.key))
        for row in rows
    }


async def get_own_numbers(db: AsyncConnection, carrier: str) -> frozenset[str]:
    """Return the tracking numbers of labels that people bought at a carrier themselves."""
    return frozenset((await db.execute(_OWN, {"carrier": carrier})).scalars())


async def get_labels(db: AsyncConnection, carrier: str) -> dict[str, Label]:
    """Return the labels of a carrier by the id of the shipment, or of the return's label itself.

    That is the carrier's reference.
    """
    rows = await db.execute(_LABELS, {"carrier": carrier})
    return {
        row.reference: Label(
            row.reference, row.booking_reference, row.status, frozenset(row.numbers)
        )
        for row in rows
    }
