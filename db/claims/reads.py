"""Claims as lists and views show them."""

from collections.abc import Sequence
from typing import Any, cast
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Select,
    TextualSelect,
    Uuid,
    false,
    func,
    literal_column,
    or_,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from db.claims.costs import OF_CLAIM
from db.claims.tables import ClaimRow
from db.inventory.units import UnitRow
from db.items import ItemRow
from db.orders.tables import OrderRow
from db.tasks import TaskRow
from db.warranties.sold import CLAIM_BEHIND
from db.warranties.tables import WarrantyRow
from db.work_orders.costs import spent
from domain.access import EVERYTHING, Reach
from domain.claims.status import ClaimStatus
from domain.errors import NotFound
from domain.tasks import TaskStatus
from domain.units import serial_key

# The newest: one that failed the inspection may come in once more, as goodwill.
_RETURN = literal_column(
    """(SELECT jsonb_build_object('id', r.id, 'number', r.number, 'status', r.status)
    FROM returns r WHERE r.claim_id = claims.id ORDER BY r.id DESC LIMIT 1)""",
    JSONB,
)
_REPLACED_BY = literal_column(
    f"""coalesce((SELECT jsonb_agg(jsonb_build_object('id', o.id, 'number', o.number,
            'status', o.status, 'serials', coalesce((
                SELECT jsonb_agg(u.serial ORDER BY u.serial) FROM units u
                JOIN order_lines l ON l.id = u.order_line_id WHERE l.order_id = o.id), '[]'))
            ORDER BY o.placed_at)
        FROM orders o WHERE o.customer_id = claims.customer_id AND o.kind = 'replacement'
            AND {CLAIM_BEHIND} = claims.id), '[]')""",
    JSONB,
)
_REPAIRED_BY = literal_column(
    """coalesce((SELECT jsonb_agg(jsonb_build_object('id', w.id, 'number', w.number, 'status',
            w.status, 'outcome', w.outcome, 'remedy', w.remedy) ORDER BY w.id)
        FROM work_orders w JOIN returns r ON r.id = w.return_id
        WHERE r.claim_id = claims.id), '[]')""",
    JSONB,
)
_CLAIMS = (
    select(
        ClaimRow.__table__,
        WarrantyRow.number.label("warranty_number"),
        WarrantyRow.order_line_id,
        WarrantyRow.item_id,
        ItemRow.sku,
        UnitRow.serial,
        _RETURN.label("comes_in"),
        _REPLACED_BY.label("replaced_by"),
        _REPAIRED_BY.label("work_orders"),
    )
    .join(WarrantyRow, WarrantyRow.id == ClaimRow.warranty_id)
    .join(ItemRow, ItemRow.id == WarrantyRow.item_id)
    .outerjoin(UnitRow, UnitRow.id == ClaimRow.unit_id)
)


_SPENT = literal_column(spent(OF_CLAIM), JSONB).label("spent")
_NOT_LOOKED_AT = literal_column("NULL", JSONB).label("spent")
_OF_SERIAL = text(
    f"""SELECT c.id FROM units u JOIN warranties w ON w.unit_id = u.id
    JOIN claims c ON c.warranty_id = w.id AND c.unit_id = u.id WHERE u.serial_key = :key
    UNION SELECT {CLAIM_BEHIND} FROM units u JOIN order_lines l ON l.id = u.order_line_id
    JOIN orders o ON o.id = l.order_id AND o.kind = 'replacement' WHERE u.serial_key = :key"""
)
_LATE = or_(
    func.coalesce(ClaimRow.evidence_due_at < func.now(), false()),
    select(TaskRow.id)
    .where(
        TaskRow.document_id == ClaimRow.id,
        TaskRow.status == TaskStatus.OPEN,
        TaskRow.due_at < func.now(),
    )
    .exists(),
)


class ClaimRead(ClaimRow):
    """A claim with its warranty, goods, newest return and replacements, as selected here."""

    __abstract__ = True
    warranty_number: str
    order_line_id: UUID | None
    item_id: UUID
    sku: str
    serial: str | None
    comes_in: dict[str, Any] | None
    replaced_by: list[dict[str, Any]]
    work_orders: list[dict[str, Any]]
    spent: list[dict[str, Any]] | None
    """What it has cost, by kind and currency; None where that was not asked for."""


def search_claims(
    reach: Reach = EVERYTHING,
    *,
    number: str | None = None,
    serial: str | None = None,
    customer_id: UUID | None = None,
    order_id: UUID | None = None,
    warranty_id: UUID | None = None,
    statuses: frozenset[ClaimStatus] = frozenset(),
    goodwill: bool | None = None,
    overdue: bool | None = None,
    costs: bool = False,
) -> Select[Any]:
    """Select claims, narrowed by what is given; ``serial`` is on the unit or on what replaces it.

    With ``costs``, which take a look at all that was done for each, for those who may see them.
    ``overdue`` are those whose evidence, or the answer to a question about them, should be there.
    """
    query = _CLAIMS.add_columns(_SPENT if costs else _NOT_LOOKED_AT).where(*within(reach))
    for column, wanted in (
        (ClaimRow.number, number),
        (ClaimRow.customer_id, customer_id),
        (ClaimRow.order_id, order_id),
        (ClaimRow.warranty_id, warranty_id),
        (ClaimRow.goodwill, goodwill),
    ):
        if wanted is not None:
            query = query.where(column == wanted)
    if serial is not None:
        query = query.where(ClaimRow.id.in_(_of_serial(serial_key(serial))))
    if statuses:
        query = query.where(ClaimRow.status.in_(statuses))
    if overdue is not None:
        query = query.where(_LATE if overdue else ~_LATE)
    return query


def _of_serial(key: str) -> TextualSelect:
    """Select the ids of claims on units of a serial, and of those that such units settle."""
    return _OF_SERIAL.bindparams(key=key).columns(id=Uuid)


def within(reach: Reach) -> list[ColumnElement[bool]]:
    """Return the conditions that confine claims: an owner's, or on an order of a source's."""
    conditions: list[ColumnElement[bool]] = []
    if reach.customer_id is not None:
        conditions.append(ClaimRow.customer_id == reach.customer_id)
    if reach.source is not None:
        theirs = select(OrderRow.id).where(
            OrderRow.id == ClaimRow.order_id, OrderRow.source == reach.source
        )
        conditions.append(theirs.exists())
    return conditions


async def get_claim(
    db: AsyncConnection, claim_id: UUID, reach: Reach = EVERYTHING, *, costs: bool = False
) -> ClaimRead:
    """Return a claim, if so wanted with its costs; raise NotFound, also out of ``reach``."""
    query = search_claims(reach, costs=costs).where(ClaimRow.id == claim_id)
    found = (await db.execute(query)).one_or_none()
    if found is None:
        raise NotFound(f"there is no claim {claim_id}")
    return cast(ClaimRead, found)


async def claims_on(
    db: AsyncConnection, warranty_id: UUID, reach: Reach, most: int
) -> Sequence[ClaimRead]:
    """Return the newest claims on a warranty, newest first."""
    query = search_claims(reach, warranty_id=warranty_id).order_by(ClaimRow.id.desc()).limit(most)
    return cast(Sequence[ClaimRead], (await db.execute(query)).all())
