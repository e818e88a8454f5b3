"""Showing one return, with what it would give back."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from activities.returns.estimating import OrderDue, estimate_return, is_estimated
from api.returns.estimates import estimate_view
from api.returns.views import ClosedView, ReturnView, return_view
from db.returns.reads import get_return
from domain.access import Caller
from domain.ids import ReturnId
from domain.policy import Policy


async def show_return(
    db: AsyncConnection,
    return_id: UUID,
    caller: Caller,
    policy: Policy,
    dues: Sequence[OrderDue] | None = None,
) -> ReturnView:
    """Return a return as the caller may see it; ``dues`` is what it would give back, if known.

    Raises NotFound, also for one that the caller does not reach.
    """
    row = await get_return(db, return_id, caller.reach)
    if dues is None:
        dues = await estimate_return(db, row, policy)
    elif not is_estimated(row):
        dues = None
    return return_view(row, caller, None if dues is None else estimate_view(dues))


async def show_closed(
    db: AsyncConnection, return_id: UUID, caller: Caller, policy: Policy
) -> ClosedView:
    """Return that a return is complete."""
    shown = await show_return(db, return_id, caller, policy)
    return ClosedView(id=ReturnId(return_id), document=shown)
