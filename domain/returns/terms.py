"""The terms under which units come back: looked at once, and kept with the return."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from domain.policy import Policy
from domain.returns.requests import ReturnLine, ReturnParts
from domain.returns.rules import SoldLine, Window, fee_rate_of, window_of
from domain.warranties.coverage import DaysLeft


@dataclass(frozen=True)
class Terms:
    """The terms of a return's line: settings and items that change later leave them as they are."""

    fee_rate: Decimal
    """What is kept of the line's money."""
    window: Window
    """How long its units could come back, and how many of them."""
    days: DaysLeft | None = None
    """By which days of a warranty their price goes back; None: all of it."""


def terms_of(
    asked: ReturnParts, sold: Mapping[UUID, SoldLine], policy: Policy, today: date
) -> dict[UUID, Terms]:
    """Return the terms of each line that is asked for, by the order's line."""
    terms = {}
    for wanted in asked.lines:
        line = sold[wanted.order_line_id]
        others = [each for each in sold.values() if each.order_id == line.order_id]
        terms[line.id] = Terms(
            fee_rate_of(line, asked.kind, wanted.reason),
            window_of(line, asked.kind, others, policy, today),
        )
    return terms


def looked_at(
    asked: ReturnParts, sold: Mapping[UUID, SoldLine], terms: Mapping[UUID, Terms]
) -> list[dict[str, Any]]:
    """Return what a decision about a return looked at, by line (returns R4)."""
    return [
        _looked_at(wanted, sold[wanted.order_line_id], terms[wanted.order_line_id].window)
        for wanted in asked.lines
    ]


def _looked_at(wanted: ReturnLine, line: SoldLine, window: Window) -> dict[str, Any]:
    return {
        "order_line_id": str(line.id),
        "units": wanted.quantity,
        "remaining_units": line.left,
        "in_time": window.units,
        "delivered": [
            {"on": each.on.isoformat(), "units": each.units} for each in line.left_of_each()
        ],
        "window_days": window.days,
        "last_day": window.until and window.until.isoformat(),
    }
