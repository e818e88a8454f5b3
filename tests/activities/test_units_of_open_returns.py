"""A unit that came back is its return's until that has put it somewhere for good."""

from uuid import UUID

import pytest
from sqlalchemy import text

from db.tasks import open_task
from domain.access import Reach
from domain.documents import Kind
from domain.errors import IllegalMove
from domain.ids import ReturnId
from domain.returns.status import Disposition
from domain.tasks import TaskKind
from tests.activities.bench import Bench
from tests.activities.serial_returns import answer, ask_back, inspect, place_of, receive
from tests.units import adjust, remove, serials, sold_saws, unit

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


async def lost_of(bench: Bench, back: ReturnId, choice: str = "refund") -> UUID:
    """Give up what has not come of a return as lost; return the disposition that says so."""
    async with bench.shop.books.begin() as db:
        await open_task(db, TaskKind.RETURN_PARCEL_LOST, Kind.RETURN, back, {})
    await answer(bench, back, "return_parcel_lost", choice)
    query = """SELECT d.id FROM return_dispositions d JOIN return_lines l
        ON l.id = d.return_line_id WHERE l.return_id = :id AND NOT d.came"""
    return UUID(str(await bench.shop.one(query, id=back)))


async def test_a_lost_unit_that_turns_up_is_named_where_it_is_not_known_which_it_was(
    bench: Bench,
) -> None:
    """Else a unit would be counted in quarantine that is its customer's in the books."""
    came, lost, kept = serials(3)
    order, _ = await sold_saws(bench, came, lost, kept)
    back, line = await ask_back(bench, order, 2)
    await receive(bench, back, line, came)
    loss = await lost_of(bench, back)
    assert (await unit(bench.shop, lost))["status"] == "sold"
    with pytest.raises(IllegalMove, match="name each unit that has turned up"):
        await inspect(bench, back, line, D.RESTOCK, came, revise=(loss,))
    await inspect(bench, back, line, D.RESTOCK, lost, revise=(loss,))
    assert await place_of(bench, lost) == ("in_stock", "stock")
    assert (await unit(bench.shop, kept))["status"] == "sold"


async def test_a_lost_unit_that_was_counted_in_does_not_turn_up_twice(bench: Bench) -> None:
    came, lost = serials(2)
    order, _ = await sold_saws(bench, came, lost)
    back, line = await ask_back(bench, order, 2)
    await receive(bench, back, line, came)
    loss = await lost_of(bench, back)
    assert await place_of(bench, lost) == ("scrapped", "loss")
    await adjust(bench.shop, (await unit(bench.shop, lost))["item_id"], (lost,))
    with pytest.raises(IllegalMove, match="name each unit that has turned up"):
        await inspect(bench, back, line, D.RESTOCK, came, revise=(loss,))
    assert await place_of(bench, lost) == ("in_stock", "stock")
