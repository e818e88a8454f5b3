"""Goods that are claimed again after their claim was settled: never those of another warranty."""

from typing import Any

from domain.ids import OrderId
from domain.returns.status import Disposition
from domain.warranties.terms import Settlement
from tests.activities.bench import Bench
from tests.activities.claimed import REPLACES, approve, file, replaced, unit_sold
from tests.activities.promised import calling, sell_with, settle, sold, term, warranties
from tests.activities.serial_returns import ask_back, inspect, line_of, receive
from tests.units import serials, stock_saws


async def two_units(bench: Bench, **rest: Any) -> OrderId:
    """Deliver two units with serials today; what is not said otherwise is for support to decide."""
    named = serials(2)
    item = await stock_saws(bench.shop, *named)
    await sell_with(bench, item, await term(bench, **rest))
    return await sold(bench, item, named, on="")


async def test_a_unit_that_was_paid_back_is_not_paid_back_as_goodwill_with_another(
    bench: Bench,
) -> None:
    """Of two units one was claimed and came in: the other one is not taken for it."""
    order = await two_units(bench)
    found = await warranties(bench, order)
    query = "SELECT serial FROM units WHERE id = :id"
    serial = await bench.shop.one(query, id=found[0]["unit_id"])
    claim = await file(bench, found[0])
    await approve(bench, claim, Settlement.REFUND)
    query = "SELECT id FROM returns WHERE claim_id = :id"
    back = await bench.shop.one(query, id=claim)
    line = await line_of(bench, back)
    await receive(bench, back, line, serial)
    await inspect(bench, back, line, Disposition.SCRAP, serial)
    await settle(bench, back)
    await bench.take("settle_claim", claim)
    again = await file(bench, found[0])
    async with calling(bench) as callers:
        path = f"/warranties/claims/{again}"
        assert (await callers.get(path)).json()["rule"] == "cancelled"
        asked = {"resolution": "refund", "note": "kind"}
        refused = await callers.post(f"{path}/approve", asked, role="support")
        assert (refused.status_code, refused.json()["code"]) == (409, "illegal_move")
        assert (await callers.get(path)).json()["status"] == "denied"
    assert await bench.broken() == []


async def test_a_claim_on_a_unit_that_is_coming_back_waits_for_support(bench: Bench) -> None:
    """It is filed all the same, though its goods cannot come in twice; the other unit's can."""
    order = await two_units(bench, **REPLACES)
    one, other = await warranties(bench, order)
    query = "SELECT serial FROM units WHERE id = :id"
    await ask_back(bench, order, 1, await bench.shop.one(query, id=one["unit_id"]))
    claims = [await file(bench, each) for each in (one, other)]
    query = "SELECT status, rule FROM claims WHERE id = :id"
    [waits], [goes] = [await bench.shop.rows(query, id=each) for each in claims]
    assert waits == {"status": "under_review", "rule": "to_be_chosen"}
    assert goes == {"status": "approved", "rule": "within_limit"}
    query = "SELECT choices FROM tasks WHERE document_id = :id"
    assert await bench.shop.one(query, id=claims[0]) == ["settled_otherwise", "deny"]


async def limits(bench: Bench, **rest: Any) -> list[str]:
    """Claim a unit and what has replaced it, of a promise of two claims; return each one's rule."""
    _, first, named = await unit_sold(bench, 2, max_claims=2, **rest)
    one, second = await replaced(bench, first, named[0], named[1])
    two, third = await replaced(bench, second, named[1], named[2])
    rules = []
    for each in (one, two, await file(bench, third)):
        rules.append(await bench.shop.one("SELECT rule FROM claims WHERE id = :id", id=each))
    return rules


async def test_what_replaces_goods_has_as_many_claims_as_are_left_of_their_promise(
    bench: Bench,
) -> None:
    """R4 and R9: claims that were settled on what it replaces count, however long the chain."""
    assert await limits(bench) == ["person", "person", "claim_limit"]
    rules = await limits(bench, replacement_rule="remaining_or_minimum", minimum_days=90)
    assert rules[-1] == "claim_limit"


async def test_what_replaces_goods_under_a_fresh_promise_has_all_of_its_claims(
    bench: Bench,
) -> None:
    rules = await limits(bench, replacement_rule="fresh")
    assert rules == ["person", "person", "value_above_limit"]


async def test_an_appeal_for_goods_that_were_replaced_is_no_fault_in_the_books(
    bench: Bench,
) -> None:
    """It promises nothing: support looks at it, and cannot have the goods come in again."""
    _, first, named = await unit_sold(bench)
    await replaced(bench, first, *named)
    again = await file(bench, first)
    async with calling(bench) as callers:
        asked = {"reason": "it was another fault"}
        appealed = await callers.post(f"/warranties/claims/{again}/appeal", asked, role="support")
    assert (appealed.json()["status"], appealed.json()["rule"]) == ("under_review", "replaced")
    assert await bench.broken() == []
