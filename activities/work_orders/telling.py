"""What use cases of work orders share: refusals, holds, and news for the run and the source."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from db.holds import is_held
from db.outbox import signal
from db.work_orders.tables import WorkOrderRow
from domain.documents import Document, Kind, Signal
from domain.errors import IllegalMove
from domain.work_orders.status import MOVES, WorkOrderStatus


def refused(found: WorkOrderRow, why: str, **more: Any) -> IllegalMove:
    """Return the refusal of what the state of a work order does not allow."""
    status = WorkOrderStatus(found.status)
    allowed = sorted(str(state) for state in MOVES[status])
    said = f"the work order is {status.replace('_', ' ')}: {why}"
    return IllegalMove(said, current_status=str(status), allowed=allowed, **more)


async def require_free(db: AsyncConnection, found: WorkOrderRow) -> None:
    """Raise IllegalMove while a hold stops a work order."""
    if await is_held(db, found.id):
        raise refused(found, "it is on hold: release that first")


async def go_on(db: AsyncConnection, found: WorkOrderRow) -> None:
    """Have a work order's run look again."""
    await signal(db, Document(Kind.WORK_ORDER, found.id), Signal.WORK_ORDER_CHANGED)


async def tell_source(db: AsyncConnection, found: WorkOrderRow) -> None:
    """Have the return go on whose goods a work order was about (R12)."""
    if found.return_id is not None:
        await signal(db, Document(Kind.RETURN, found.return_id), Signal.RETURN_CHANGED)
