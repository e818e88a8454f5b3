"""Claims under a term that pays back by the days that are left of it."""

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import text

from domain.errors import IllegalMove
from domain.ids import ClaimId
from domain.warranties.terms import Settlement
from tests.activities.bench import Bench
from tests.activities.claimed import approve, comes_in, file, replaced, unit_sold
from tests.activities.promised import calling, delivered, term, warranties

BY_MONTHS = {"refund_rule": "remaining_months"}
TODAY = datetime.now(UTC).date()


async def sold(bench: Bench, days_ago: int, **rest: Any) -> tuple[Any, int]:
    """Deliver two units that began to be under warranty so long ago; return what was paid."""
    order, _ = await delivered(bench, await term(bench, **rest), AUS=2)
    earlier = text(
        """UPDATE warranties SET starts_on = starts_on - CAST(:days AS int),
            ends_on = (starts_on - CAST(:days AS int)
                + make_interval(months => duration_months))::date WHERE order_id = :id"""
    )
    async with bench.shop.books.begin() as db:
        await db.execute(earlier, {"days": days_ago, "id": order})
    [warranty] = await warranties(bench, order)
    query = "SELECT total_amount FROM order_lines WHERE order_id = :id"
    return warranty, await bench.shop.one(query, id=order)


async def worth(bench: Bench, claim: ClaimId) -> Any:
    """Return what support is told that a refund of a claim would be, and whether it is offered."""
    query = "SELECT facts, choices FROM tasks WHERE document_id = :id AND kind = 'claim_review'"
    [task] = await bench.shop.rows(query, id=claim)
    return task["facts"]["refund"], "refund" in task["choices"]


async def given(bench: Bench, claim: ClaimId) -> list[tuple[int, int]]:
    """Return the refunds of a claim's goods, each with what is kept of their price."""
    query = """SELECT f.amount, (SELECT sum(l.fee_amount)::int FROM refund_lines l
            WHERE l.refund_id = f.id) AS kept FROM refunds f
        JOIN returns r ON r.id = f.return_id WHERE r.claim_id = :id ORDER BY f.id"""
    return [(row["amount"], row["kept"]) for row in await bench.shop.rows(query, id=claim)]


@pytest.mark.parametrize("units", [1, 2])
async def test_a_refund_is_the_share_of_the_price_for_the_days_that_are_left(
    bench: Bench, units: int
) -> None:
    """R7: of 24 months; support sees it before, and the customer gets just that."""
    warranty, price = await sold(bench, 300, **BY_MONTHS)
    whole = (warranty["ends_on"] - warranty["starts_on"]).days + 1
    due = (2 * (price * units // 2) * (whole - 300) + whole) // (2 * whole)
    claim = await file(bench, warranty, quantity=units)
    assert await worth(bench, claim) == ({"amount": due, "currency": "USD"}, True)
    await approve(bench, claim, Settlement.REFUND)
    async with calling(bench) as callers:
        query = "SELECT id FROM returns WHERE claim_id = :id"
        back = (await callers.get(f"/returns/{await bench.shop.one(query, id=claim)}")).json()
        assert back["estimate"]["amount"] == {"amount": due, "currency": "USD"}
        [line] = back["lines"]
        assert (line["days_left"], line["days_of"]) == (whole - 300, whole)
    await comes_in(bench, claim, units=units)
    assert await given(bench, claim) == [(due, price * units // 2 - due)]
    await bench.take("settle_claim", claim)
    assert await bench.shop.one("SELECT status FROM claims WHERE id = :id", id=claim) == "settled"
    assert await bench.broken() == []


@pytest.mark.parametrize("rest", [{}, {**BY_MONTHS, "months": None}], ids=["full", "lifetime"])
async def test_all_that_was_paid_goes_back_in_full_and_under_a_lifetime(
    bench: Bench, rest: Any
) -> None:
    warranty, price = await sold(bench, 300, **rest)
    claim = await file(bench, warranty, quantity=2)
    assert await worth(bench, claim) == ({"amount": price, "currency": "USD"}, True)
    await approve(bench, claim, Settlement.REFUND)
    await comes_in(bench, claim, units=2)
    await bench.take("settle_claim", claim)
    assert await given(bench, claim) == [(price, 0)]


async def test_of_goods_that_failed_after_the_end_nothing_is_paid_back(bench: Bench) -> None:
    """Support may be obliging with other goods, or with money for no goods."""
    warranty, _ = await sold(bench, 60, months=1, **BY_MONTHS)
    claim = await file(bench, warranty)
    async with calling(bench) as callers:
        path = f"/warranties/claims/{claim}"
        asked = {"resolution": "refund", "note": "kind"}
        refused = await callers.post(f"{path}/approve", asked, role="support")
        assert (refused.status_code, refused.json()["code"]) == (409, "illegal_move")
        appealed = await callers.post(f"{path}/appeal", {"reason": "look again"}, role="support")
        assert appealed.json()["status"] == "under_review"
        assert await worth(bench, claim) == ({"amount": 0, "currency": "USD"}, False)
        asked["resolution"] = "replacement"
        done = await callers.post(f"{path}/approve", asked, role="support")
        assert (done.status_code, done.json()["status"]) == (200, "approved")


async def test_what_was_not_paid_for_is_worth_nothing_and_not_paid_back(bench: Bench) -> None:
    _, first, named = await unit_sold(bench, **BY_MONTHS)
    _, second = await replaced(bench, first, *named)
    claim = await file(bench, second)
    assert await worth(bench, claim) == (None, False)
    with pytest.raises(IllegalMove, match="were not paid for"):
        await approve(bench, claim, Settlement.REFUND)
