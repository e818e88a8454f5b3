"""Costs: summed by currency, and what has no value is in no sum."""

from typing import Any

from domain.work_orders.costs import OF_WORK, summed, without_value


def line(kind: str, currency: str | None, amount: int | None, *unknown: str) -> dict[str, Any]:
    return {"kind": kind, "currency": currency, "amount": amount, "unknown": unknown or None}


def test_currencies_are_summed_apart_and_no_rate_is_made_up() -> None:
    spent = [line("parts", "USD", 100), line("labels", "EUR", 7), line("parts", "EUR", 5)]
    assert summed(spent) == [
        {
            "currency": "EUR",
            "parts": 5,
            "labour": 0,
            "labels": 7,
            "goods": 0,
            "refund": 0,
            "total": 12,
        },
        {
            "currency": "USD",
            "parts": 100,
            "labour": 0,
            "labels": 0,
            "goods": 0,
            "refund": 0,
            "total": 100,
        },
    ]


def test_work_costs_parts_and_labour_and_what_has_no_value_is_named() -> None:
    spent = [line("parts", "USD", 3), line("parts", None, None, "B", "C"), line("labour", "USD", 4)]
    assert summed(spent, OF_WORK) == [{"currency": "USD", "parts": 3, "labour": 4, "total": 7}]
    assert without_value(spent) == [
        {"kind": "parts", "name": "B"},
        {"kind": "parts", "name": "C"},
    ]


def test_nothing_spent_is_no_sum() -> None:
    assert summed([]) == []
    assert summed([line("labels", None, None, "RMA-1")]) == []
