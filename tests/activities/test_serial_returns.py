"""Serial units come back by returns, each with its history, and go where inspection puts them."""

import pytest

from activities.returns.receiving import finish_receiving
from domain.errors import AlreadyExists, DomainError, IllegalMove, Malformed
from domain.ids import ReturnId
from domain.returns.status import Disposition
from tests.activities.bench import Bench
from tests.activities.serial_returns import answer, ask_back, inspect, line_of, place_of, receive
from tests.units import adjust, history, pick, serials, sold_saws, stock_saws, unit

D = Disposition


async def test_a_unit_comes_back_with_its_history_and_is_sold_again(bench: Bench) -> None:
    """R14: a returned unit re-enters with its history; sold anew it has a new holder's line."""
    one, other = serials(2)
    order, _ = await sold_saws(bench, one, other)
    item = (await unit(bench.shop, one))["item_id"]
    back, line = await ask_back(bench, order, 1, one)
    with pytest.raises(AlreadyExists, match="it comes back by its return"):
        await adjust(bench.shop, item, (one,))
    await receive(bench, back, line, one.lower())
    assert await place_of(bench, one) == ("returned", "quarantine")
    await inspect(bench, back, line, D.RESTOCK, one)
    assert await place_of(bench, one) == ("in_stock", "stock")
    again = await bench.shop.place((item, 1))
    await bench.take("authorize_payment", again)
    [shipment] = await bench.shipments(again)
    await pick(bench.shop, shipment, one)
    await bench.take("book_shipment", shipment)
    await bench.scan(shipment, "PU")
    await bench.take("hand_over_shipment", shipment)
    told = ["entered", "picked", "sold", "returned", "moved", "picked", "sold"]
    assert await history(bench.shop, one) == told
    assert await history(bench.shop, other) == ["entered", "picked", "sold"]


async def test_a_return_names_only_units_that_its_customer_has_of_the_line(bench: Bench) -> None:
    one, other, stocked = serials(3)
    order, _ = await sold_saws(bench, one, other)
    await stock_saws(bench.shop, stocked, item=(await unit(bench.shop, one))["item_id"])
    with pytest.raises(Malformed, match=f"{stocked} was not sold with this line"):
        await ask_back(bench, order, 1, stocked)
    with pytest.raises(Malformed, match="name each of the 2 units"):
        await ask_back(bench, order, 2, one)
    back, line = await ask_back(bench, order, 1, one)
    with pytest.raises(IllegalMove, match="report others as unexpected"):
        await receive(bench, back, line, other)
    await receive(bench, back, line, one)


async def test_what_is_scanned_must_be_of_the_line_and_each_unit_is_scanned(bench: Bench) -> None:
    [mine], [strange] = serials(1), serials(1)
    order, _ = await sold_saws(bench, mine)
    await sold_saws(bench, strange)
    back, line = await ask_back(bench, order, 1)
    for named in ((strange,), ("unheard-of",)):
        with pytest.raises(IllegalMove) as refused:
            await receive(bench, back, line, *named)
        assert refused.value.extensions["units"][0]["serial"] == named[0]
    with pytest.raises(Malformed):
        await receive(bench, back, line, units=1)
    assert (await unit(bench.shop, mine))["status"] == "sold"
    assert (await unit(bench.shop, strange))["status"] == "sold"
    await receive(bench, back, line, mine)
    with pytest.raises(Malformed):
        await inspect(bench, back, line, D.RESTOCK, units=1)
    with pytest.raises(IllegalMove, match="does not wait to be inspected"):
        await inspect(bench, back, line, D.RESTOCK, strange)


@pytest.mark.parametrize(
    ("end", "there"),
    [
        (D.RESTOCK, ("in_stock", "stock")),
        (D.REFURBISH, ("in_repair", "repair")),
        (D.SCRAP, ("scrapped", "loss")),
        (D.RETURN_TO_SUPPLIER, ("quarantined", "damaged")),
        (D.RETURN_TO_CUSTOMER, ("returned", "quarantine")),
    ],
)
async def test_a_disposition_moves_its_units_and_a_revised_one_moves_them_back(
    bench: Bench, end: Disposition, there: tuple[str, str]
) -> None:
    one, other = serials(2)
    order, _ = await sold_saws(bench, one, other)
    back, line = await ask_back(bench, order, 2)
    await receive(bench, back, line, one, other)
    await inspect(bench, back, line, D.RESTOCK, other)
    await inspect(bench, back, line, end, one)
    assert await place_of(bench, one) == there
    query = "SELECT disposition_id FROM units WHERE serial = :serial"
    first = await bench.shop.one(query, serial=one)
    with pytest.raises(IllegalMove):
        await inspect(bench, back, line, D.SCRAP, other, revise=(first,))
    await inspect(bench, back, line, D.SCRAP, one, revise=(first,))
    assert await place_of(bench, one) == ("scrapped", "loss")
    assert await place_of(bench, other) == ("in_stock", "stock")


async def test_a_restocked_unit_that_is_picked_is_not_moved_back(bench: Bench) -> None:
    """It is promised to a customer by now; its disposition stays."""
    [serial] = serials(1)
    order, _ = await sold_saws(bench, serial)
    back, line = await ask_back(bench, order, 1)
    await receive(bench, back, line, serial)
    await inspect(bench, back, line, D.RESTOCK, serial)
    row = await unit(bench.shop, serial)
    again = await bench.shop.place((row["item_id"], 1))
    await bench.take("authorize_payment", again)
    [shipment] = await bench.shipments(again)
    await pick(bench.shop, shipment, serial)
    with pytest.raises(DomainError, match="no more where its disposition put it"):
        await inspect(bench, back, line, D.SCRAP, serial, revise=(row["disposition_id"],))
    assert (await unit(bench.shop, serial))["shipment_line_id"] is not None


@pytest.mark.parametrize(
    ("end", "kind", "choice", "became"),
    [
        (D.RETURN_TO_CUSTOMER, "rejected_goods", "sent", "sold"),
        (D.RETURN_TO_CUSTOMER, "rejected_goods", "scrapped", "scrapped"),
        (D.RETURN_TO_SUPPLIER, "return_to_supplier", "sent", "scrapped"),
        (D.REFURBISH, "refurbishment", "restock", "in_stock"),
        (D.REFURBISH, "refurbishment", "scrap", "scrapped"),
    ],
)
async def test_units_that_wait_leave_as_people_answer(
    bench: Bench, end: Disposition, kind: str, choice: str, became: str
) -> None:
    """Sent back, a unit is its customer's again."""
    [serial] = serials(1)
    order, _ = await sold_saws(bench, serial)
    holder = (await unit(bench.shop, serial))["holder_customer_id"]
    back, line = await ask_back(bench, order, 1)
    await receive(bench, back, line, serial)
    await inspect(bench, back, line, end, serial)
    await bench.take("settle_return", back)
    await answer(bench, back, kind, choice)
    row = await unit(bench.shop, serial)
    assert row["status"] == became
    assert row["holder_customer_id"] == (holder if became == "sold" else None)


async def test_units_of_an_undelivered_parcel_come_back_by_its_return(bench: Bench) -> None:
    one, other = serials(2)
    _, shipment = await sold_saws(bench, one, other, ends="RT")
    query = "SELECT id FROM returns WHERE shipment_id = :id"
    back = ReturnId(await bench.shop.one(query, id=shipment))
    assert (await unit(bench.shop, one))["status"] == "sold"
    await receive(bench, back, await line_of(bench, back), one)
    # The other one is not in the parcel: nothing else that was sold with the line is left.
    async with bench.shop.books.begin() as db:
        await finish_receiving(db, back, actor="warehouse")
    assert await place_of(bench, one) == ("returned", "quarantine")
    assert await place_of(bench, other) == ("scrapped", "loss")
    assert await history(bench.shop, other) == ["entered", "picked", "sold", "lost"]


async def test_a_lost_unit_that_turns_up_is_inspected_in_the_place_of_its_loss(
    bench: Bench,
) -> None:
    [serial] = serials(1)
    _, shipment = await sold_saws(bench, serial, ends="RT")
    query = "SELECT id FROM returns WHERE shipment_id = :id"
    back = ReturnId(await bench.shop.one(query, id=shipment))
    async with bench.shop.books.begin() as db:
        await finish_receiving(db, back, actor="warehouse")
    assert await place_of(bench, serial) == ("scrapped", "loss")
    lost = (await unit(bench.shop, serial))["disposition_id"]
    line = await line_of(bench, back)
    await inspect(bench, back, line, D.RESTOCK, serial, revise=(lost,))
    assert await place_of(bench, serial) == ("in_stock", "stock")


async def test_restocked_goods_that_an_order_is_promised_are_not_moved_back(bench: Bench) -> None:
    """Neither those that have serials, before they are picked, nor others."""
    [serial] = serials(1)
    order, _ = await sold_saws(bench, serial)
    tracked, line = await ask_back(bench, order, 1)
    await receive(bench, tracked, line, serial)
    await inspect(bench, tracked, line, D.RESTOCK, serial)
    others = await bench.inspected_return(disposition=D.RESTOCK)
    query = "SELECT l.item_id FROM return_lines r JOIN order_lines l ON l.id = r.order_line_id"
    for back, named in ((tracked, (serial,)), (others, ())):
        item = await bench.shop.one(f"{query} WHERE r.return_id = :id", id=back)
        await bench.shop.place((item, 1))
        line = await line_of(bench, back)
        standing = "SELECT id FROM return_dispositions WHERE return_line_id = :line"
        revise = (await bench.shop.one(standing, line=line),)
        with pytest.raises(IllegalMove, match="promised to orders by now, or gone"):
            await inspect(bench, back, line, D.SCRAP, *named, units=1, revise=revise)
    assert await place_of(bench, serial) == ("in_stock", "stock")
