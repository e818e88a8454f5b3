"""Serial units beside the balances: where each one is, and the append-only record of its moves.

A unit moves in the transaction that posts its quantity. Units are locked before reservations and
balances, by item and in order of their serials' keys; a transaction that looks at them in several
steps locks all of them first.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    Index,
    Text,
    UniqueConstraint,
    Uuid,
    any_,
    func,
    literal,
    select,
    text,
)
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import TypeEngine

from db.engine import to_json
from db.metadata import Base, Id, one_of
from domain.ids import new_id
from domain.units import Ownership, UnitEventKind, UnitStatus, serial_key


def _index(column: str) -> Index:
    where = text(f"{column} IS NOT NULL")
    return Index(f"ix_units_{column}", column, postgresql_where=where)


class UnitRow(Base):
    """One piece of an item with serials: at a location, with a customer, or in another unit."""

    __tablename__ = "units"
    __table_args__ = (
        one_of("status", UnitStatus),
        one_of("ownership", Ownership),
        CheckConstraint(
            "num_nonnulls(location_id, holder_customer_id, parent_unit_id) = 1", name="one_place"
        ),
        CheckConstraint("(status = 'sold') = (holder_customer_id IS NOT NULL)", name="holder"),
        CheckConstraint("(status = 'installed') = (parent_unit_id IS NOT NULL)", name="parent"),
        UniqueConstraint("item_id", "serial_key"),
        Index("ix_units_serial_key", "serial_key"),
        _index("location_id"),
        _index("holder_customer_id"),
        _index("parent_unit_id"),
        _index("order_line_id"),
        _index("shipment_line_id"),
        _index("return_line_id"),
        _index("disposition_id"),
    )

    id: Mapped[Id]
    item_id: Mapped[UUID] = mapped_column(ForeignKey("items.id"))
    serial: Mapped[str]
    """As it was first given."""
    serial_key: Mapped[str]
    status: Mapped[str]
    ownership: Mapped[str]
    location_id: Mapped[UUID | None] = mapped_column(ForeignKey("locations.id"))
    holder_customer_id: Mapped[UUID | None] = mapped_column(ForeignKey("customers.id"))
    parent_unit_id: Mapped[UUID | None] = mapped_column(ForeignKey("units.id"))
    """The unit that it is a component of."""
    order_line_id: Mapped[UUID | None] = mapped_column(ForeignKey("order_lines.id"))
    """The line with which it was sold last."""
    shipment_line_id: Mapped[UUID | None] = mapped_column(ForeignKey("shipment_lines.id"))
    """What it is picked for, or left with."""
    return_line_id: Mapped[UUID | None] = mapped_column(ForeignKey("return_lines.id"))
    """What it came back with, until something else happens to it."""
    disposition_id: Mapped[UUID | None] = mapped_column(ForeignKey("return_dispositions.id"))
    """What put it where it is; None while it waits to be inspected."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    events: Mapped[int] = mapped_column(server_default="0")
    """How many events it has: the number of its last one."""


class UnitEventRow(Base):
    """What happened to a unit; never changed, never removed. ``sequence`` counts per unit."""

    __tablename__ = "unit_events"
    __table_args__ = (
        one_of("kind", UnitEventKind),
        Index("ix_unit_events_document", "document_id"),
    )

    unit_id: Mapped[UUID] = mapped_column(ForeignKey("units.id"), primary_key=True)
    sequence: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[str]
    from_status: Mapped[str | None]
    """None: it came to be."""
    to_status: Mapped[str]
    from_location_id: Mapped[UUID | None]
    to_location_id: Mapped[UUID | None]
    from_holder_id: Mapped[UUID | None]
    to_holder_id: Mapped[UUID | None]
    to_parent_id: Mapped[UUID | None]
    """The unit that it was put into by this."""
    document_type: Mapped[str] = mapped_column(server_default="")
    document_id: Mapped[UUID | None]
    line_id: Mapped[UUID | None]
    movement_id: Mapped[UUID | None]
    """The movement of an adjustment, which belongs to no document."""
    reason: Mapped[str] = mapped_column(server_default="")
    actor: Mapped[str]
    occurred_at: Mapped[datetime] = mapped_column(server_default=func.now())


@dataclass(frozen=True, slots=True)
class UnitStep:
    """What happens to units alike: what they become, where they are then, and by what.

    Each is at a location, with a holder, or in another unit. ``shipment_line_id`` is what they are
    picked for, or leave with; ``line_id`` the line of the document. Whose they are stays as it is
    if no ``ownership`` is given.
    """

    kind: UnitEventKind
    status: UnitStatus
    actor: str
    location_id: UUID | None = None
    holder_customer_id: UUID | None = None
    parent_unit_id: UUID | None = None
    ownership: Ownership | None = None
    order_line_id: UUID | None = None
    shipment_line_id: UUID | None = None
    return_line_id: UUID | None = None
    disposition_id: UUID | None = None
    document_type: str = ""
    document_id: UUID | None = None
    line_id: UUID | None = None
    movement_id: UUID | None = None
    reason: str = ""


# What its order line was, a unit keeps until it is sold again.
_MOVE = text(
    """WITH given AS (
        SELECT * FROM jsonb_to_record(CAST(:step AS jsonb)) AS s(kind text, status text,
            actor text, location_id uuid, holder_customer_id uuid, parent_unit_id uuid,
            ownership text, order_line_id uuid, shipment_line_id uuid, return_line_id uuid,
            disposition_id uuid, document_type text, document_id uuid, line_id uuid,
            movement_id uuid, reason text)),
    moved AS (
        UPDATE units u SET status = g.status, location_id = g.location_id,
            holder_customer_id = g.holder_customer_id, parent_unit_id = g.parent_unit_id,
            ownership = coalesce(g.ownership, u.ownership),
            order_line_id = coalesce(g.order_line_id, u.order_line_id),
            shipment_line_id = g.shipment_line_id, return_line_id = g.return_line_id,
            disposition_id = g.disposition_id, events = u.events + 1
        FROM given g WHERE u.id = ANY (CAST(:units AS uuid[])) RETURNING u.id, u.events)
    INSERT INTO unit_events (unit_id, sequence, kind, from_status, to_status, from_location_id,
        to_location_id, from_holder_id, to_holder_id, to_parent_id, document_type, document_id,
        line_id, movement_id, reason, actor)
    SELECT m.id, m.events, g.kind, CASE WHEN m.events > 1 THEN b.status END, g.status,
        CASE WHEN m.events > 1 THEN b.location_id END, g.location_id, b.holder_customer_id,
        g.holder_customer_id, g.parent_unit_id, g.document_type, g.document_id, g.line_id,
        g.movement_id, g.reason, g.actor
    FROM moved m JOIN units b ON b.id = m.id CROSS JOIN given g"""
)
_ADD = text(
    """WITH added AS (
        INSERT INTO units (id, item_id, serial, serial_key, status, ownership, location_id)
        SELECT u.id, :item, u.serial, u.serial_key, :status, 'own', :location
        FROM jsonb_to_recordset(CAST(:units AS jsonb)) AS u(id uuid, serial text, serial_key text)
        ORDER BY u.serial_key
        ON CONFLICT (item_id, serial_key) DO NOTHING RETURNING id)
    SELECT id FROM added"""
)


async def lock_units(
    db: AsyncConnection, item_id: UUID, serials: Sequence[str]
) -> dict[str, UnitRow]:
    """Lock the units of an item with these serials; return those that exist, by serial's key."""
    keys = [serial_key(serial) for serial in serials]
    found = await lock_all(
        db, (UnitRow.item_id == item_id) & (UnitRow.serial_key == _any(keys, Text()))
    )
    return {row.serial_key: row for row in found}


async def units_picked_for(db: AsyncConnection, lines: Sequence[UUID]) -> Sequence[UnitRow]:
    """Lock and return the units that are picked for lines of shipments, or left with them."""
    return await lock_all(db, UnitRow.shipment_line_id == _any(lines, Uuid()))


async def units_sold_with(db: AsyncConnection, lines: Sequence[UUID]) -> Sequence[UnitRow]:
    """Lock and return the units that were sold last with lines of orders, wherever they are."""
    return await lock_all(db, UnitRow.order_line_id == _any(lines, Uuid()))


async def units_disposed_by(db: AsyncConnection, dispositions: Sequence[UUID]) -> Sequence[UnitRow]:
    """Lock and return the units that are where these dispositions of returns put them."""
    return await lock_all(db, UnitRow.disposition_id == _any(dispositions, Uuid()))


def _any(values: Sequence[Any], kind: TypeEngine[Any]) -> ColumnElement[Any]:
    """Return any of these values, as one parameter however many they are."""
    return any_(literal(list(values), ARRAY(kind)))


async def lock_all(db: AsyncConnection, which: ColumnElement[bool]) -> Sequence[UnitRow]:
    """Lock and return units in the one order in which all are locked, by item and serial."""
    query = select(UnitRow.__table__).where(which).order_by(UnitRow.item_id, UnitRow.serial_key)
    return cast(Sequence[UnitRow], (await db.execute(query.with_for_update())).all())


# Without OR, so that each part has its index.
_TO_PICK = text(
    """SELECT u.* FROM units u WHERE u.id IN (
        SELECT id FROM units WHERE shipment_line_id = ANY (CAST(:lines AS uuid[]))
        UNION SELECT id FROM units
        JOIN unnest(CAST(:items AS uuid[]), CAST(:keys AS text[])) AS s(item_id, serial_key)
            USING (item_id, serial_key))
    ORDER BY u.item_id, u.serial_key FOR UPDATE"""
)


async def lock_to_pick(
    db: AsyncConnection, lines: Sequence[UUID], scanned: Sequence[tuple[UUID, str]]
) -> Sequence[UnitRow]:
    """Lock and return the units picked for lines of a shipment, and those that are scanned now.

    ``scanned`` are items with the keys of serials. All are locked at once, in one order.
    """
    items, keys = [item for item, _ in scanned], [key for _, key in scanned]
    found = await db.execute(_TO_PICK, {"lines": list(lines), "items": items, "keys": keys})
    return cast(Sequence[UnitRow], found.all())


async def add_units(
    db: AsyncConnection,
    item_id: UUID,
    serials: Sequence[str],
    *,
    status: UnitStatus,
    location_id: UUID,
) -> set[UUID]:
    """Insert units that do not exist yet, without an event; return the ids of those.

    A serial that another transaction adds at the same time is waited for.
    """
    rows = [{"id": new_id(), "serial": one, "serial_key": serial_key(one)} for one in serials]
    given = {"item": item_id, "status": status, "location": location_id}
    return set((await db.execute(_ADD, {**given, "units": to_json(rows)})).scalars())


async def move_units(db: AsyncConnection, units: Sequence[UUID], step: UnitStep) -> None:
    """Move locked units as ``step`` says, and add to the history of each."""
    if units:
        await db.execute(_MOVE, {"units": list(units), "step": to_json(step)})
