"""A unit that came back is its return's until that has put it somewhere for good."""

import pytest
from sqlalchemy import text

from domain.access import Reach
from domain.errors import IllegalMove
from domain.returns.status import Disposition
from tests.activities.bench import Bench
from tests.activities.serial_returns import answer, ask_back, inspect, place_of, receive
from tests.units import remove, serials, sold_saws, unit

D = Disposition


@pytest.mark.parametrize(
    "end", [None, D.REFURBISH, D.RETURN_TO_SUPPLIER, D.RETURN_TO_CUSTOMER], ids=str
)
async def test_a_unit_that_its_return_has_not_done_with_is_not_counted_out(
    bench: Bench, end: Disposition | None
) -> None:
    """The return's own answer would find it no more."""
    [serial] = serials(1)
    order, _ = await sold_saws(bench, serial)
    back, line = await ask_back(bench, order, 1)
    await receive(bench, back, line, serial)
    if end:
        await inspect(bench, back, line, end, serial)
    before = await place_of(bench, serial)
    number = await bench.shop.one("SELECT number FROM returns WHERE id = :id", id=back)
    with pytest.raises(IllegalMove, match=f"{serial} came back with {number}") as refused:
        await remove(bench.shop, serial)
    assert refused.value.extensions["units"][0]["serial"] == serial
    with pytest.raises(IllegalMove, match=f"{serial} came back with a return, which"):
        await remove(bench.shop, serial, Reach(source="another"))
    assert await place_of(bench, serial) == before


@pytest.mark.parametrize("end", [D.RESTOCK, D.REFURBISH])
async def test_a_unit_that_its_return_has_done_with_is_counted_out(
    bench: Bench, end: Disposition
) -> None:
    [serial] = serials(1)
    order, _ = await sold_saws(bench, serial)
    back, line = await ask_back(bench, order, 1)
    await receive(bench, back, line, serial)
    await inspect(bench, back, line, end, serial)
    if end is D.REFURBISH:
        await bench.take("settle_return", back)
        await answer(bench, back, "refurbishment", "restock")
    await remove(bench.shop, serial)
    assert await place_of(bench, serial) == ("scrapped", "loss")


@pytest.mark.parametrize(
    ("end", "kind", "choice"),
    [
        (D.REFURBISH, "refurbishment", "restock"),
        (D.RETURN_TO_SUPPLIER, "return_to_supplier", "sent"),
        (D.RETURN_TO_CUSTOMER, "rejected_goods", "sent"),
    ],
)
async def test_goods_whose_unit_is_missing_in_the_books_do_not_leave_without_it(
    bench: Bench, end: Disposition, kind: str, choice: str
) -> None:
    """Books that an older release left so stay as they are, until they are mended."""
    [serial] = serials(1)
    order, _ = await sold_saws(bench, serial)
    back, line = await ask_back(bench, order, 1)
    await receive(bench, back, line, serial)
    await inspect(bench, back, line, end, serial)
    await bench.take("settle_return", back)
    row = await unit(bench.shop, serial)
    lose = text("UPDATE units SET disposition_id = :disposition WHERE id = :id")
    async with bench.shop.books.begin() as db:
        await db.execute(lose, {"disposition": None, "id": row["id"]})
    with pytest.raises(RuntimeError, match=r"1 units have .* 0 are there"):
        await answer(bench, back, kind, choice)
    open_still = "SELECT count(*) FROM tasks WHERE document_id = :id AND status = 'open'"
    assert await bench.shop.one(f"{open_still} AND kind = :kind", id=back, kind=kind) == 1
    async with bench.shop.books.begin() as db:
        await db.execute(lose, {"disposition": row["disposition_id"], "id": row["id"]})
