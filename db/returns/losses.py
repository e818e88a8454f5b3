"""Lost shipments of replacement orders: what the customer gets for each, and whether that is set.

A shipment is lost once: its row is written with the answer and says what its goods are owed for.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import cast
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, func, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import Mapped, mapped_column

from db.metadata import Base, one_of
from domain.answers import ReplacementLostAnswer


class ReplacementLossRow(Base):
    """A lost shipment of an order that replaces goods of a return, from the answer about it on."""

    __tablename__ = "replacement_losses"
    __table_args__ = (
        one_of("answer", ReplacementLostAnswer),
        CheckConstraint("answer <> 'write_off' OR settled_at IS NOT NULL", name="settled"),
        Index("ix_replacement_losses_return", "return_id"),
        Index(
            "ix_replacement_losses_pending",
            "return_id",
            postgresql_where=text("settled_at IS NULL"),
        ),
    )

    shipment_id: Mapped[UUID] = mapped_column(ForeignKey("shipments.id"), primary_key=True)
    return_id: Mapped[UUID] = mapped_column(ForeignKey("returns.id"))
    answer: Mapped[str]
    answered_by: Mapped[str]
    answered_at: Mapped[datetime] = mapped_column(server_default=func.now())
    settled_at: Mapped[datetime | None]
    """When its goods were ordered anew, or their money was promised; or nothing was due."""


class LossRow(ReplacementLossRow):
    """The same with its shipment's number and status, and the replacement order it was of."""

    __abstract__ = True
    shipment: str
    status: str
    order_id: UUID


class LostReplacement(LossRow):
    """A shipment of a replacement order, and its return, before anything is answered."""

    __abstract__ = True
    order: str


_LOST = text(
    """SELECT s.id AS shipment_id, s.number AS shipment, s.status, o.id AS order_id,
        o.number AS "order", o.replaces_return_id AS return_id
    FROM shipments s JOIN orders o ON o.id = s.order_id
    WHERE s.id = :shipment AND o.replaces_return_id IS NOT NULL"""
)
_PENDING = text(
    """SELECT x.*, s.number AS shipment, s.status, s.order_id FROM replacement_losses x
    JOIN shipments s ON s.id = x.shipment_id
    WHERE x.return_id = :return AND x.settled_at IS NULL ORDER BY x.answered_at, x.shipment_id"""
)
_LOSS = text("SELECT * FROM replacement_losses WHERE shipment_id = :shipment")
_OWING = text(
    """WITH RECURSIVE up AS (
        SELECT CAST(:return AS uuid) AS id, CAST(NULL AS text) AS kind
        UNION ALL SELECT CASE o.kind WHEN 'replacement' THEN o.replaces_return_id ELSE r.id END,
            o.kind
        FROM up JOIN returns r ON r.id = up.id JOIN orders o ON o.id = r.order_id
        WHERE up.kind IS DISTINCT FROM 'standard'
            AND r.status NOT IN ('rejected', 'cancelled', 'expired'))
    SELECT id FROM up WHERE kind = 'standard'"""
)
_ITEMS = text(
    """SELECT item_id, sum(quantity)::int AS units FROM shipment_lines
    WHERE shipment_id = :shipment GROUP BY 1 ORDER BY 1"""
)
_WAITING = text(
    """SELECT o.sku, sum(l.quantity)::int AS units FROM replacement_losses x
    JOIN shipment_lines l ON l.shipment_id = x.shipment_id
    JOIN order_lines o ON o.id = l.order_line_id
    WHERE x.return_id = :return AND x.answer = 'replace' AND x.settled_at IS NULL
    GROUP BY 1 ORDER BY 1"""
)
LOST_UNITS = """(
        SELECT l.item_id, l.quantity FROM shipment_lines l WHERE l.shipment_id = x.shipment_id
            AND NOT EXISTS (SELECT FROM returns b WHERE b.shipment_id = x.shipment_id)
        UNION ALL SELECT o.item_id, d.quantity FROM returns b
        JOIN return_lines v ON v.return_id = b.id JOIN order_lines o ON o.id = v.order_line_id
        JOIN return_dispositions d ON d.return_line_id = v.id AND d.accepted
            AND d.revised_at IS NULL WHERE b.shipment_id = x.shipment_id)"""
"""Units by item of a loss ``x``: all of a lost shipment, and of one that came back undelivered
what was accepted."""

_OWED = text(
    f"""SELECT u.item_id, sum(u.quantity)::int AS units FROM replacement_losses x
    CROSS JOIN LATERAL {LOST_UNITS} u
    WHERE x.return_id = :return AND x.answer = 'refund' GROUP BY 1"""
)
_SETTLE = text(
    "UPDATE replacement_losses SET settled_at = now() WHERE shipment_id = ANY(:shipments)"
)
# What was sent once more has losses of its own, or is with the customer.
_ALL_OWED = text(
    """SELECT coalesce(bool_and(x.answer = 'refund' OR EXISTS (SELECT FROM orders o
        WHERE o.replaces_shipment_id = x.shipment_id AND o.status <> 'cancelled')), false)
    FROM replacement_losses x WHERE x.return_id = :return"""
)
_ANY = text("SELECT EXISTS (SELECT FROM replacement_losses WHERE return_id = :return)")
_DROP = text(
    """DELETE FROM replacement_losses
    WHERE shipment_id = ANY(:shipments) AND settled_at IS NULL"""
)
_NO_STOCK = text(
    """UPDATE replacement_losses SET answer = 'refund', answered_by = :actor
    WHERE return_id = :return AND answer = 'replace' AND settled_at IS NULL"""
)
_ITEMS_WAITING = text(
    """SELECT l.item_id, sum(l.quantity)::int AS units FROM replacement_losses x
    JOIN shipment_lines l ON l.shipment_id = x.shipment_id
    WHERE x.return_id = :return AND x.answer = 'replace' AND x.settled_at IS NULL GROUP BY 1"""
)
_WRITE_OFF = text(
    """UPDATE replacement_losses SET answer = 'write_off', answered_by = :actor, settled_at = now()
    WHERE return_id = :return AND answer = 'replace' AND settled_at IS NULL"""
)
_GIVEN_UP = text(
    """UPDATE replacement_losses x SET answer = 'refund', answered_by = :actor, settled_at = NULL
    WHERE x.return_id = :return AND x.settled_at IS NOT NULL AND (x.answer = 'refund'
        OR x.answer = 'replace' AND EXISTS (SELECT FROM orders o
            WHERE o.replaces_shipment_id = x.shipment_id AND o.status = 'cancelled'))"""
)


async def find_lost(db: AsyncConnection, shipment_id: UUID) -> LostReplacement | None:
    """Return a shipment with its order and return, if it is of one that replaces goods."""
    found = (await db.execute(_LOST, {"shipment": shipment_id})).one_or_none()
    return cast(LostReplacement | None, found)


async def find_loss(db: AsyncConnection, shipment_id: UUID) -> ReplacementLossRow | None:
    """Return what is given for a lost shipment of a replacement order, once that is answered."""
    found = (await db.execute(_LOSS, {"shipment": shipment_id})).one_or_none()
    return cast(ReplacementLossRow | None, found)


async def find_owing(db: AsyncConnection, return_id: UUID | None) -> UUID | None:
    """Return the return of goods that were paid for, which these goods replaced in the end.

    None where it, or one between them, came to nothing: no money is owed for them.
    """
    return (await db.execute(_OWING, {"return": return_id})).scalar_one_or_none()


async def items_of(db: AsyncConnection, shipment_id: UUID) -> Counter[UUID]:
    """Return the units of each item in a shipment."""
    rows = await db.execute(_ITEMS, {"shipment": shipment_id})
    return Counter({row.item_id: row.units for row in rows})


async def add_loss(
    db: AsyncConnection, shipment_id: UUID, return_id: UUID, answer: str, actor: str
) -> None:
    """Write what is given for a locked lost shipment of a locked return; a second row fails."""
    await db.execute(
        insert(ReplacementLossRow).values(
            shipment_id=shipment_id,
            return_id=return_id,
            answer=answer,
            answered_by=actor,
            settled_at=func.now() if answer == ReplacementLostAnswer.WRITE_OFF else None,
        )
    )


async def pending_losses(db: AsyncConnection, return_id: UUID) -> Sequence[LossRow]:
    """Return those of a locked return for which something is still to be set in motion."""
    return cast(Sequence[LossRow], (await db.execute(_PENDING, {"return": return_id})).all())


async def waiting_goods(db: AsyncConnection, return_id: UUID) -> dict[str, int]:
    """Return the units, by SKU, that are to be sent once more and were not ordered so far."""
    rows = await db.execute(_WAITING, {"return": return_id})
    return {row.sku: row.units for row in rows}


async def waiting_items(db: AsyncConnection, return_id: UUID) -> Counter[UUID]:
    """Return the same by item."""
    rows = await db.execute(_ITEMS_WAITING, {"return": return_id})
    return Counter({row.item_id: row.units for row in rows})


async def owed_items(db: AsyncConnection, return_id: UUID) -> Counter[UUID]:
    """Return the units, by item, whose money is the answer, be it promised by now or not."""
    rows = await db.execute(_OWED, {"return": return_id})
    return Counter({row.item_id: row.units for row in rows})


async def settle_losses(db: AsyncConnection, shipments: Sequence[UUID]) -> None:
    """Write that what is given for lost shipments is set in motion, or not needed."""
    await db.execute(_SETTLE, {"shipments": list(shipments)})


async def drop_losses(db: AsyncConnection, shipments: Sequence[UUID]) -> None:
    """Write that shipments are not lost after all for which nothing was set in motion."""
    await db.execute(_DROP, {"shipments": list(shipments)})


async def has_losses(db: AsyncConnection, return_id: UUID) -> bool:
    """Whether something got lost, and is answered for, that replaced goods of a return."""
    return bool((await db.execute(_ANY, {"return": return_id})).scalar_one())


async def are_all_owed(db: AsyncConnection, return_id: UUID) -> bool:
    """Whether money is the answer for all that got lost, or for what was sent in its place."""
    return bool((await db.execute(_ALL_OWED, {"return": return_id})).scalar_one())


async def owe_instead(db: AsyncConnection, return_id: UUID, actor: str) -> None:
    """Let money be given for lost goods of a locked return that wait for stock."""
    await db.execute(_NO_STOCK, {"return": return_id, "actor": actor})


async def write_off_waiting(db: AsyncConnection, return_id: UUID, actor: str) -> None:
    """Write that lost goods of a locked return that wait for stock are settled elsewhere."""
    await db.execute(_WRITE_OFF, {"return": return_id, "actor": actor})


async def owe_again(db: AsyncConnection, return_id: UUID, actor: str) -> bool:
    """Let money be given for lost goods of a locked return whose refund or order was given up.

    What other refunds have given for such goods counts. False when none got lost.
    """
    given = {"return": return_id, "actor": actor}
    return bool((await db.execute(_GIVEN_UP, given)).rowcount)
