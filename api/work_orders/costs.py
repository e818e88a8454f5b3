"""Views of costs: what was spent in each currency, and what has no value."""

from collections.abc import Sequence
from typing import Any

from domain.money import Currency
from domain.value import Value
from domain.work_orders.costs import OF_WORK, CostKind, summed, without_value


class WorkSpentView(Value):
    """What work has cost in one currency, in minor units of it."""

    currency: Currency
    """An ISO 4217 code, such as `USD`."""
    parts: int
    """The parts that were issued and did not go back, at their value when they were issued."""
    labour: int
    """The time that was worked, at the technicians' rates when it ended."""
    total: int
    """All of it."""


class ClaimSpentView(WorkSpentView):
    """What claims have cost in one currency, in minor units of it."""

    labels: int
    """What carriers took for the goods on their way in and back, and for what replaces them."""
    goods: int
    """The goods that replace others, at their value when they left."""
    refund: int
    """The money that went back to the customer."""


class NoValueView(Value):
    """What was spent and has no value, so that no sum has it."""

    kind: CostKind
    """What it was spent on."""
    name: str
    """The SKU, the technician's code, or the number of the return or shipment of the label."""


class WorkCostView(Value):
    """What work has cost so far."""

    sums: tuple[WorkSpentView, ...]
    """By currency; empty where nothing was spent."""
    unknown: tuple[NoValueView, ...]
    """What is in no sum because its value is not known."""


class ClaimCostView(Value):
    """What a claim has cost so far."""

    sums: tuple[ClaimSpentView, ...]
    """By currency; empty where nothing was spent."""
    unknown: tuple[NoValueView, ...]
    """What is in no sum because its value is not known."""


def work_cost(spent: Sequence[dict[str, Any]] | None) -> dict[str, Any] | None:
    """Return what work has cost, as views show it; None where that was not looked at."""
    if spent is None:
        return None
    return {"sums": summed(spent, OF_WORK), "unknown": without_value(spent)}


def claim_cost(spent: Sequence[dict[str, Any]] | None) -> dict[str, Any] | None:
    """Return what a claim has cost, as views show it; None where that was not looked at."""
    if spent is None:
        return None
    return {"sums": summed(spent), "unknown": without_value(spent)}
