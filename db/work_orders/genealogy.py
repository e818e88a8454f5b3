"""Which component was in which unit, from when to when."""

from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from db.inventory.units import UnitRow
from db.work_orders.tables import InstallationRow

NOW = func.clock_timestamp()
"""Told while the units are locked: who began first need not have moved first."""


async def installed_at(db: AsyncConnection, parent_id: UUID, position: str) -> str | None:
    """Return the serial of the component at a position of a locked unit, if there is one."""
    query = (
        select(UnitRow.serial)
        .join(InstallationRow, InstallationRow.unit_id == UnitRow.id)
        .where(
            InstallationRow.parent_unit_id == parent_id,
            InstallationRow.position == position,
            InstallationRow.removed_at.is_(None),
        )
    )
    found: str | None = (await db.execute(query)).scalar_one_or_none()
    return found


async def add_installation(
    db: AsyncConnection,
    installation_id: UUID,
    parent_id: UUID,
    unit_id: UUID,
    position: str,
    work_order_id: UUID,
) -> None:
    """Write that a component is in a unit from now on."""
    await db.execute(
        insert(InstallationRow).values(
            id=installation_id,
            parent_unit_id=parent_id,
            unit_id=unit_id,
            position=position,
            installed_by_id=work_order_id,
            installed_at=NOW,
        )
    )


async def end_installation(db: AsyncConnection, unit_id: UUID, work_order_id: UUID) -> str:
    """Write that a component is in its unit no more; return where it was."""
    ended = (
        update(InstallationRow)
        .where(InstallationRow.unit_id == unit_id, InstallationRow.removed_at.is_(None))
        .values(removed_at=NOW, removed_by_id=work_order_id)
        .returning(InstallationRow.position)
    )
    return str((await db.execute(ended)).scalar_one())
