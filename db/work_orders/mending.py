"""The work orders by which goods of returns are mended, as their returns look at them."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from db.work_orders.tables import WorkOrderRow
from domain.work_orders.status import Outcome, WorkOrderKind, WorkOrderStatus

_ENDS = (WorkOrderStatus.CLOSED, WorkOrderStatus.CANCELLED)


class Mending(NamedTuple):
    """How far the work on goods of a return is."""

    disposition_id: UUID
    number: str
    status: str
    outcome: str | None
    remedy: str
    cause: str
    cancel_reason: str

    @property
    def has_ended(self) -> bool:
        """Whether nothing more is done."""
        return self.status in _ENDS


async def mending_of(
    db: AsyncConnection, dispositions: Sequence[UUID]
) -> Mapping[UUID | None, Mending]:
    """Return the work orders on goods with these dispositions, by disposition."""
    query = select(*(getattr(WorkOrderRow, name) for name in Mending._fields))
    found = await db.execute(query.where(WorkOrderRow.disposition_id.in_(dispositions)))
    return {row.disposition_id: Mending(*row) for row in found}


async def all_without_fault(db: AsyncConnection, return_id: UUID) -> bool:
    """Whether all goods of a return that were to be repaired turned out to have no fault."""
    query = select(WorkOrderRow.outcome).where(
        WorkOrderRow.return_id == return_id, WorkOrderRow.kind == WorkOrderKind.REPAIR
    )
    outcomes = (await db.execute(query)).scalars().all()
    return all(outcome == Outcome.NO_FAULT_FOUND for outcome in outcomes)


async def unended_of(db: AsyncConnection, dispositions: Sequence[UUID]) -> Sequence[UUID]:
    """Return the work orders on goods with these dispositions that have not ended."""
    query = select(WorkOrderRow.id).where(
        WorkOrderRow.disposition_id.in_(dispositions), WorkOrderRow.status.not_in(_ENDS)
    )
    return (await db.execute(query.order_by(WorkOrderRow.id))).scalars().all()


async def is_in_work(db: AsyncConnection, unit_id: UUID) -> bool:
    """Whether a work order is about a unit that has not ended."""
    query = select(WorkOrderRow.id).where(
        WorkOrderRow.unit_id == unit_id, WorkOrderRow.status.not_in(_ENDS)
    )
    return bool((await db.execute(select(query.exists()))).scalar_one())
