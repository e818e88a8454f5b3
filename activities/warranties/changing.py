"""Voiding and extending warranties: use cases in the caller's transaction, with their events."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from db.warranties.tables import WarrantyRow
from db.warranties.writes import change_warranty
from domain.errors import IllegalMove
from domain.lifecycle import move
from domain.warranties.coverage import last_day, months_after
from domain.warranties.requests import ExtendWarranty, VoidWarranty
from domain.warranties.status import MOVES, WarrantyStatus
from domain.warranties.terms import MOST_MONTHS


async def void_warranty(
    db: AsyncConnection, row: WarrantyRow, asked: VoidWarranty, *, actor: str
) -> None:
    """Take a locked warranty back; the row stays. Raises IllegalMove unless it is active."""
    void = move(MOVES, WarrantyStatus(row.status), WarrantyStatus.VOID)
    data = {"from": row.status, "to": void, "reason": asked.reason}
    await change_warranty(db, row, "voided", actor, data, status=void, void_reason=asked.reason)


async def extend_repaired(
    db: AsyncConnection, row: WarrantyRow, on: date, days: int, why: Mapping[str, Any]
) -> None:
    """Let a locked warranty hold so many days from the day its goods came back repaired (R7).

    At least: one that ends later, or never, stays as it is, and one that is not active, too.
    """
    until = on + timedelta(days=days)
    lasts = row.ends_on is None or row.ends_on >= until
    if row.status != WarrantyStatus.ACTIVE or lasts:
        return
    data = {"ends_on_before": row.ends_on, "ends_on": until, "reason": "repaired", **why}
    values = {"repaired_until": until, "ends_on": until}
    await change_warranty(db, row, "extended", "system", data, **values)


async def extend_warranty(
    db: AsyncConnection, row: WarrantyRow, asked: ExtendWarranty, *, actor: str
) -> None:
    """Let a locked warranty hold so many months longer, all of them counted from its first day.

    Case WAR-01. One that is over begins to hold again, if its new end is not over, too. Raises
    IllegalMove unless it is active, and where it holds for a lifetime or would for too long.
    """
    months = row.extended_months + asked.months
    why = ""
    if row.status != WarrantyStatus.ACTIVE:
        why = f"the warranty is {row.status}"
    elif row.ends_on is None:
        why = "the warranty holds for a lifetime"
    elif months > MOST_MONTHS:
        why = f"a warranty is extended by {MOST_MONTHS} months at most"
    if why:
        raise IllegalMove(why, current_status=row.status, allowed=[])
    end = last_day(row.starts_on, row.duration_months, months)
    if row.handed_on_until is not None:
        # Counted from the last day that it has from the warranty before, as all of its own.
        end = months_after(row.handed_on_until, months)
    if row.repaired_until is not None and end is not None:
        end = max(end, row.repaired_until)
    data = {
        "months": asked.months,
        "ends_on_before": row.ends_on,
        "ends_on": end,
        "reason": asked.reason,
    }
    await change_warranty(db, row, "extended", actor, data, extended_months=months, ends_on=end)
