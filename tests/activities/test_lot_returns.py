"""Goods of lots that come back: each goes into the lot that it was shipped from."""

import pytest

from activities.returns.inspecting import inspect_return
from activities.returns.receiving import receive_return
from domain.errors import Malformed
from domain.ids import ItemId, ReturnId, new_id
from domain.returns.requests import InspectedUnits, InspectReturn, ReceivedLine, ReceiveReturn
from domain.returns.status import Disposition
from tests.activities.bench import Bench
from tests.activities.lotted import sold_milk
from tests.activities.serial_returns import answer, ask_back
from tests.lots import a_milk, on_hand

D = Disposition


async def receive(
    bench: Bench, back: ReturnId, line: object, units: int, lot: str | None = None
) -> None:
    came = ReceivedLine(return_line_id=line, quantity=units, lot=lot)
    async with bench.shop.books.begin() as db:
        await receive_return(db, back, new_id(), ReceiveReturn(lines=(came,)), actor="warehouse")


async def inspect(
    bench: Bench,
    back: ReturnId,
    line: object,
    *ends: tuple[Disposition, int, str | None],
    revise: tuple[object, ...] = (),
) -> None:
    lines = tuple(
        InspectedUnits(
            return_line_id=line,
            quantity=units,
            disposition=end,
            accepted=end is not D.RETURN_TO_CUSTOMER,
            lot=lot,
        )
        for end, units, lot in ends
    )
    async with bench.shop.books.begin() as db:
        asked = InspectReturn(lines=lines, revise=revise)
        await inspect_return(db, back, asked, actor="inspector")


async def two_lots(bench: Bench) -> tuple[ItemId, ReturnId, object]:
    """Sell three units of two lots together, and ask for all of them to come back."""
    milk = await a_milk(bench.shop, a=(2, 30), b=(5, 60))
    order, _ = await sold_milk(bench, milk, 3)
    assert await on_hand(bench.shop, milk) == {("stock", "b"): 4}
    back, line = await ask_back(bench, order, 3)
    return milk, back, line


async def test_units_of_one_lot_need_no_name_and_go_back_into_it(bench: Bench) -> None:
    milk = await a_milk(bench.shop, a=(5, 30), b=(5, 60))
    order, _ = await sold_milk(bench, milk, 2)
    back, line = await ask_back(bench, order, 2)
    await receive(bench, back, line, 2)
    assert (await on_hand(bench.shop, milk))["quarantine", "a"] == 2
    await inspect(bench, back, line, (D.RESTOCK, 1, None), (D.SCRAP, 1, "A"))
    assert await on_hand(bench.shop, milk) == {("stock", "a"): 4, ("stock", "b"): 5}
    assert await bench.broken() == []


async def test_units_of_several_lots_are_named_when_they_come_and_when_inspected(
    bench: Bench,
) -> None:
    milk, back, line = await two_lots(bench)
    with pytest.raises(Malformed, match=r"a \(2\), b \(1\)"):
        await receive(bench, back, line, 1)
    with pytest.raises(Malformed):
        await receive(bench, back, line, 2, "b")
    await receive(bench, back, line, 1, "b")
    await receive(bench, back, line, 2)
    here = await on_hand(bench.shop, milk)
    assert (here["quarantine", "a"], here["quarantine", "b"]) == (2, 1)
    with pytest.raises(Malformed) as refused:
        await inspect(bench, back, line, (D.RESTOCK, 1, None))
    assert refused.value.extensions["errors"][0]["pointer"] == "/lines/0/lot"
    await inspect(bench, back, line, (D.RESTOCK, 1, "b"), (D.RETURN_TO_CUSTOMER, 2, None))
    assert (await on_hand(bench.shop, milk))["stock", "b"] == 5
    await bench.take("settle_return", back)
    await answer(bench, back, "rejected_goods", "sent")
    assert await on_hand(bench.shop, milk) == {("stock", "b"): 5}


async def test_a_revised_disposition_moves_the_same_lot_back_and_on(bench: Bench) -> None:
    milk, back, line = await two_lots(bench)
    await receive(bench, back, line, 1, "b")
    await receive(bench, back, line, 2)
    await inspect(bench, back, line, (D.RESTOCK, 1, "b"), (D.REFURBISH, 2, None))
    first = await bench.shop.rows(
        "SELECT d.id, t.code FROM return_dispositions d JOIN lots t ON t.id = d.lot_id"
        " WHERE d.return_line_id = :line AND d.disposition = 'restock'",
        line=line,
    )
    assert [row["code"] for row in first] == ["b"]
    await inspect(bench, back, line, (D.SCRAP, 1, None), revise=(first[0]["id"],))
    assert (await on_hand(bench.shop, milk)) == {("stock", "b"): 4, ("repair", "a"): 2}
    await bench.take("settle_return", back)
    await answer(bench, back, "refurbishment", "restock")
    assert (await on_hand(bench.shop, milk)) == {("stock", "b"): 4, ("stock", "a"): 2}


async def test_of_goods_without_lots_none_is_named(bench: Bench) -> None:
    mug = await bench.shop.item(AUS=2)
    order, _ = await sold_milk(bench, mug, 1)
    back, line = await ask_back(bench, order, 1)
    with pytest.raises(Malformed, match="has no lots"):
        await receive(bench, back, line, 1, "a")
    await receive(bench, back, line, 1)
    with pytest.raises(Malformed, match="has no lots"):
        await inspect(bench, back, line, (D.RESTOCK, 1, "a"))
    await inspect(bench, back, line, (D.RESTOCK, 1, None))
    assert await on_hand(bench.shop, mug) == {("stock", None): 2}
