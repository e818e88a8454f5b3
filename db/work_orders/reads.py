"""Work orders as lists and views show them."""

from datetime import date
from typing import Any, cast
from uuid import UUID

from sqlalchemy import ColumnElement, Select, false, func, literal_column, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from db.inventory.tables import SiteRow
from db.inventory.units import UnitRow
from db.items import ItemRow
from db.returns.tables import ReturnRow
from db.work_orders.costs import of_work, spent
from db.work_orders.supply import LACKS
from db.work_orders.tables import WorkOrderRow
from db.work_orders.technicians import AssignmentRow, TechnicianRow
from domain.access import EVERYTHING, Reach
from domain.errors import NotFound
from domain.units import serial_key
from domain.work_orders.status import UNENDED, WorkOrderKind, WorkOrderStatus

_ID = "work_orders.id"
_OPERATIONS = f"""coalesce((SELECT jsonb_agg(to_jsonb(o) ORDER BY o.position)
    FROM work_order_operations o WHERE o.work_order_id = {_ID}), '[]')"""
_PARTS = f"""coalesce((SELECT jsonb_agg(to_jsonb(p) || jsonb_build_object('sku', i.sku,
        'planned', p.planned::text, 'cancelled', p.cancelled::text, 'issued', p.issued::text,
        'returned', p.returned::text, 'reserved', coalesce((SELECT sum(r.quantity)
            FROM reservations r WHERE r.line_id = p.id AND r.status = 'active'), 0)::text,
        'lots', (SELECT coalesce(jsonb_agg(jsonb_build_object('lot_id', t.id, 'lot', t.code,
                'reserved', x.reserved::text, 'issued', x.issued::text,
                'returned', x.returned::text) ORDER BY t.expires_on, t.received_on, t.code), '[]')
            FROM (SELECT lot_id, sum(reserved) AS reserved, sum(issued) AS issued,
                    sum(returned) AS returned FROM (
                SELECT r.lot_id, r.quantity AS reserved, 0 AS issued, 0 AS returned
                FROM reservations r WHERE r.line_id = p.id AND r.status = 'active'
                UNION ALL SELECT m.lot_id, 0, CASE m.kind WHEN 'issue' THEN m.quantity ELSE 0 END,
                    CASE m.kind WHEN 'return' THEN m.quantity ELSE 0 END
                FROM movements m WHERE m.document_id = p.work_order_id AND m.line_id = p.id) y
                GROUP BY 1) x
            JOIN lots t ON t.id = x.lot_id))
        ORDER BY p.line)
    FROM work_order_parts p JOIN items i ON i.id = p.item_id
    WHERE p.work_order_id = {_ID}), '[]')"""
_PLANNED = f"""coalesce((SELECT jsonb_agg(jsonb_build_object('technician', t.code,
        'operation_id', a.operation_id, 'since', a.since, 'until', a.until) ORDER BY a.since)
    FROM assignments a JOIN technicians t ON t.id = a.technician_id
    WHERE a.work_order_id = {_ID} AND a.cancelled_at IS NULL), '[]')"""
_HOLDS = f"""coalesce((SELECT jsonb_agg(jsonb_build_object('id', h.id, 'reason', h.reason,
        'note', h.note, 'placed_by', h.placed_by, 'placed_at', h.placed_at) ORDER BY h.placed_at)
    FROM holds h WHERE h.document_id = {_ID} AND h.released_at IS NULL), '[]')"""
_SECONDS = f"""coalesce((SELECT sum(extract(epoch FROM coalesce(t.until, now()) - t.since))
    FROM time_entries t WHERE t.work_order_id = {_ID} AND t.corrected_by_id IS NULL), 0)::bigint"""

_TODAY: ColumnElement[date] = literal_column("(now() AT TIME ZONE 'UTC')::date")

_WORK_ORDERS = (
    select(
        WorkOrderRow.__table__,
        ItemRow.sku,
        UnitRow.serial,
        SiteRow.code.label("site"),
        ReturnRow.number.label("return_number"),
        ReturnRow.claim_id,
        literal_column(f"NOT {LACKS.replace('w.id', _ID)}").label("ready"),
        literal_column(_OPERATIONS, JSONB).label("operations"),
        literal_column(_PARTS, JSONB).label("parts"),
        literal_column(_PLANNED, JSONB).label("assignments"),
        literal_column(_HOLDS, JSONB).label("holds"),
        literal_column(_SECONDS).label("seconds"),
    )
    .join(ItemRow, ItemRow.id == WorkOrderRow.item_id)
    .join(SiteRow, SiteRow.id == WorkOrderRow.site_id)
    .outerjoin(UnitRow, UnitRow.id == WorkOrderRow.unit_id)
    .outerjoin(ReturnRow, ReturnRow.id == WorkOrderRow.return_id)
)


_SPENT = literal_column(spent(of_work(_ID)), JSONB).label("spent")
_NOT_LOOKED_AT = literal_column("NULL", JSONB).label("spent")


class WorkOrderRead(WorkOrderRow):
    """A work order with its goods, steps, parts and people, as selected here."""

    __abstract__ = True
    sku: str
    serial: str | None
    site: str
    return_number: str | None
    claim_id: UUID | None
    ready: bool
    operations: list[dict[str, Any]]
    parts: list[dict[str, Any]]
    assignments: list[dict[str, Any]]
    holds: list[dict[str, Any]]
    seconds: int
    """How long was worked on it so far."""
    spent: list[dict[str, Any]] | None
    """What it has cost, by kind and currency; None where that was not asked for."""


def search_work_orders(
    reach: Reach = EVERYTHING,
    *,
    number: str | None = None,
    serial: str | None = None,
    return_id: UUID | None = None,
    claim_id: UUID | None = None,
    technician: str | None = None,
    priority: int | None = None,
    overdue: bool | None = None,
    kinds: frozenset[WorkOrderKind] = frozenset(),
    statuses: frozenset[WorkOrderStatus] = frozenset(),
    costs: bool = False,
) -> Select[Any]:
    """Select work orders, narrowed by what is given; with ``costs`` for those who may see them."""
    query = _WORK_ORDERS.add_columns(_SPENT if costs else _NOT_LOOKED_AT)
    if reach != EVERYTHING:
        # They are the house's own: who is confined to documents of others has none of them.
        query = query.where(false())
    for column, wanted in (
        (WorkOrderRow.number, number),
        (WorkOrderRow.return_id, return_id),
        (ReturnRow.claim_id, claim_id),
        (WorkOrderRow.priority, priority),
    ):
        if wanted is not None:
            query = query.where(column == wanted)
    if serial is not None:
        query = query.where(UnitRow.serial_key == serial_key(serial))
    if technician is not None:
        query = query.where(_assigned_to(technician))
    if overdue is not None:
        late = WorkOrderRow.status.in_(UNENDED) & (WorkOrderRow.due_on < _TODAY)
        query = query.where(late if overdue else ~func.coalesce(late, False))
    if kinds:
        query = query.where(WorkOrderRow.kind.in_(kinds))
    if statuses:
        query = query.where(WorkOrderRow.status.in_(statuses))
    return query


def _assigned_to(technician: str) -> ColumnElement[bool]:
    planned = select(AssignmentRow.id).join(
        TechnicianRow, TechnicianRow.id == AssignmentRow.technician_id
    )
    return planned.where(
        AssignmentRow.work_order_id == WorkOrderRow.id,
        AssignmentRow.cancelled_at.is_(None),
        TechnicianRow.code == technician,
    ).exists()


async def get_work_order(
    db: AsyncConnection, work_order_id: UUID, reach: Reach = EVERYTHING, *, costs: bool = False
) -> WorkOrderRead:
    """Return a work order, if so wanted with its costs; raise NotFound, also out of ``reach``."""
    query = search_work_orders(reach, costs=costs).where(WorkOrderRow.id == work_order_id)
    found = (await db.execute(query)).one_or_none()
    if found is None:
        raise NotFound(f"there is no work order {work_order_id}")
    return cast(WorkOrderRead, found)
