"""Warranties as lists, views and checks of coverage show them."""

from collections.abc import Sequence
from datetime import date
from typing import Any, cast
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, false, or_, select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from db.inventory.units import UnitRow
from db.items import ItemRow
from db.orders.tables import OrderRow
from db.warranties.tables import WarrantyRow, WarrantyTermRow
from domain.access import EVERYTHING, Reach
from domain.errors import NotFound
from domain.units import serial_key
from domain.warranties.status import ShownStatus, WarrantyStatus

_WARRANTIES = (
    select(
        WarrantyRow.__table__,
        ItemRow.sku,
        UnitRow.serial,
        WarrantyTermRow.version.label("term_version"),
        WarrantyTermRow.covers,
        WarrantyTermRow.refund_rule,
    )
    .join(ItemRow, ItemRow.id == WarrantyRow.item_id)
    .join(WarrantyTermRow, WarrantyTermRow.id == WarrantyRow.term_id)
    .outerjoin(UnitRow, UnitRow.id == WarrantyRow.unit_id)
)


class WarrantyRead(WarrantyRow):
    """A warranty with its item's SKU, its unit's serial and its term, as selected here."""

    __abstract__ = True
    sku: str
    serial: str | None
    term_version: int
    covers: list[str]
    refund_rule: str


def search_warranties(
    reach: Reach = EVERYTHING,
    *,
    customer_id: UUID | None = None,
    item_id: UUID | None = None,
    order_id: UUID | None = None,
    number: str | None = None,
    serial: str | None = None,
    order_line_id: UUID | None = None,
    unit_id: UUID | None = None,
    statuses: frozenset[ShownStatus] = frozenset(),
    today: date | None = None,
    ending_before: date | None = None,
) -> Select[Any]:
    """Select warranties, narrowed by what is given; ``statuses`` are those of ``today``."""
    query = _WARRANTIES.where(*_within(reach))
    for column, wanted in (
        (WarrantyRow.customer_id, customer_id),
        (WarrantyRow.item_id, item_id),
        (WarrantyRow.order_id, order_id),
        (WarrantyRow.number, number),
        (WarrantyRow.order_line_id, order_line_id),
        (WarrantyRow.unit_id, unit_id),
    ):
        if wanted is not None:
            query = query.where(column == wanted)
    if serial is not None:
        query = query.where(UnitRow.serial_key == serial_key(serial))
    if statuses and today is not None:
        query = query.where(or_(false(), *(_shown_as(each, today) for each in statuses)))
    if ending_before is not None:
        query = query.where(WarrantyRow.ends_on < ending_before)
    return query


def _within(reach: Reach) -> list[ColumnElement[bool]]:
    """Return the conditions that confine warranties: an owner's, or with an order of a source's."""
    conditions: list[ColumnElement[bool]] = []
    if reach.customer_id is not None:
        conditions.append(WarrantyRow.customer_id == reach.customer_id)
    if reach.source is not None:
        theirs = select(OrderRow.id).where(
            OrderRow.id == WarrantyRow.order_id, OrderRow.source == reach.source
        )
        conditions.append(theirs.exists())
    return conditions


def _shown_as(status: ShownStatus, today: date) -> ColumnElement[bool]:
    """Return the condition under which a warranty is shown so, as `judge` says it."""
    begun, over = WarrantyRow.starts_on <= today, WarrantyRow.ends_on < today
    by_days = {
        ShownStatus.PENDING: ~begun,
        ShownStatus.ACTIVE: and_(begun, over.is_not(True)),
        ShownStatus.EXPIRED: and_(begun, over),
    }
    stored = WarrantyStatus.ACTIVE if status in by_days else WarrantyStatus(status)
    return and_(WarrantyRow.status == stored, by_days.get(status, true()))


async def get_warranty(
    db: AsyncConnection, warranty_id: UUID, reach: Reach = EVERYTHING
) -> WarrantyRead:
    """Return a warranty; raise NotFound, also out of ``reach``."""
    query = search_warranties(reach).where(WarrantyRow.id == warranty_id)
    found = (await db.execute(query)).one_or_none()
    if found is None:
        raise NotFound(f"there is no warranty {warranty_id}")
    return cast(WarrantyRead, found)


async def is_registered(db: AsyncConnection, warranty_id: UUID) -> bool:
    """Whether there is a warranty with this id, whatever has become of it."""
    query = select(WarrantyRow.id).where(WarrantyRow.id == warranty_id)
    return (await db.execute(query)).one_or_none() is not None


async def find_active(
    db: AsyncConnection, unit_id: UUID, term_code: str, reach: Reach
) -> UUID | None:
    """Return the active warranty of a term on a unit; None also out of ``reach``."""
    query = select(WarrantyRow.id).where(
        WarrantyRow.unit_id == unit_id,
        WarrantyRow.term_code == term_code,
        WarrantyRow.status == WarrantyStatus.ACTIVE,
        *_within(reach),
    )
    return (await db.execute(query)).scalar_one_or_none()


async def warranties_of(
    db: AsyncConnection, unit_id: UUID, reach: Reach, most: int
) -> Sequence[WarrantyRead]:
    """Return the newest warranties on a unit, newest first."""
    query = search_warranties(reach, unit_id=unit_id).order_by(WarrantyRow.id.desc()).limit(most)
    return cast(Sequence[WarrantyRead], (await db.execute(query)).all())
