"""Costs: what was spent of each kind and currency, and what of it has no value."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any


class CostKind(StrEnum):
    """What money was spent on."""

    PARTS = "parts"
    LABOUR = "labour"
    LABELS = "labels"
    GOODS = "goods"
    REFUND = "refund"


OF_WORK = (CostKind.PARTS, CostKind.LABOUR)
"""What work costs; a claim costs the rest, too."""


def summed(
    spent: Iterable[Mapping[str, Any]], kinds: Iterable[CostKind] = CostKind
) -> list[dict[str, Any]]:
    """Return what was spent by currency, with every kind and the total of them.

    What is spent is given by ``kind``, ``currency`` and ``amount``; without an amount it is not
    known, and counts nowhere.
    """
    names = [str(kind) for kind in kinds]
    sums: dict[str, dict[str, int]] = {}
    for one in spent:
        if one["amount"] is not None:
            each = sums.setdefault(one["currency"], dict.fromkeys(names, 0))
            each[one["kind"]] += int(one["amount"])
    return [
        {"currency": currency, **each, "total": sum(each.values())}
        for currency, each in sorted(sums.items())
    ]


def without_value(spent: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the names of what was spent and has no value, by kind."""
    return [
        {"kind": one["kind"], "name": name}
        for one in sorted(spent, key=lambda each: str(each["kind"]))
        for name in one["unknown"] or ()
    ]
