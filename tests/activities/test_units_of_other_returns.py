"""A return takes the units that are its own, not those that another one waits for."""

import asyncio

import pytest

from activities.returns.receiving import finish_receiving
from domain.errors import AlreadyExists, IllegalMove, Malformed
from domain.ids import OrderId, ReturnId, ShipmentId
from domain.returns.status import Disposition
from tests.activities.bench import Bench
from tests.activities.serial_returns import answer, ask_back, inspect, line_of, place_of, receive
from tests.units import adjust, pick, serials, sold_saws, stock_saws, unit

D = Disposition


async def sold_apart(bench: Bench, brought_back: str, delivered: str) -> tuple[OrderId, ReturnId]:
    """Sell two units of a line in two parcels, of which the carrier brings the first one back."""
    item = await stock_saws(bench.shop, brought_back)
    await adjust(bench.shop, item, (delivered,), site="RNO")
    order = await bench.shop.place((item, 2))
    await bench.take("authorize_payment", order)
    where = "SELECT s.id FROM shipments s JOIN sites t ON t.id = s.site_id WHERE s.order_id = :id"
    for site, serial, code in (("AUS", brought_back, "RT"), ("RNO", delivered, "DL")):
        parcel = await bench.shop.one(f"{where} AND t.code = :site", id=order, site=site)
        shipment = ShipmentId(parcel)
        await pick(bench.shop, shipment, serial)
        await bench.take("book_shipment", shipment)
        await bench.scan(shipment, "PU")
        await bench.take("hand_over_shipment", shipment)
        await bench.scan(shipment, code)
        await bench.take("settle_shipment", shipment)
    query = "SELECT id FROM returns WHERE order_id = :id"
    return order, ReturnId(await bench.shop.one(query, id=order))


async def test_an_undelivered_parcel_holds_no_unit_of_another_parcel(bench: Bench) -> None:
    mine, other = serials(2)
    _, back = await sold_apart(bench, mine, other)
    line = await line_of(bench, back)
    with pytest.raises(IllegalMove, match=f"{other} is no unit that is still expected"):
        await receive(bench, back, line, other)
    assert (await unit(bench.shop, other))["status"] == "sold"
    await receive(bench, back, line, mine)
    assert await place_of(bench, mine) == ("returned", "quarantine")


async def test_of_an_undelivered_parcel_that_never_came_its_own_unit_is_lost(bench: Bench) -> None:
    mine, other = serials(2)
    _, back = await sold_apart(bench, mine, other)
    async with bench.shop.books.begin() as db:
        await finish_receiving(db, back, actor="warehouse")
    assert await place_of(bench, mine) == ("scrapped", "loss")
    assert (await unit(bench.shop, other))["status"] == "sold"


async def test_a_customer_sends_no_unit_that_the_carrier_brings_back(bench: Bench) -> None:
    coming, mine = serials(2)
    order, parcel = await sold_apart(bench, coming, mine)
    number = await bench.shop.one("SELECT number FROM returns WHERE id = :id", id=parcel)
    with pytest.raises(AlreadyExists, match=f"{coming} is to come with {number}"):
        await ask_back(bench, order, 1, coming)
    back, line = await ask_back(bench, order, 1)
    with pytest.raises(IllegalMove, match=f"{coming} is to come with {number}"):
        await receive(bench, back, line, coming)
    await receive(bench, back, line, mine)
    await receive(bench, parcel, await line_of(bench, parcel), coming)


async def test_two_open_returns_name_a_unit_once(bench: Bench) -> None:
    one, other = serials(2)
    order, _ = await sold_saws(bench, one, other)
    first, _ = await ask_back(bench, order, 1, one)
    number = await bench.shop.one("SELECT number FROM returns WHERE id = :id", id=first)
    with pytest.raises(AlreadyExists, match=f"{one.lower()} is to come with {number}") as refused:
        await ask_back(bench, order, 1, one.lower())
    pointers = [error["pointer"] for error in refused.value.extensions["errors"]]
    assert pointers == ["/lines/0/serials/0"]
    await ask_back(bench, order, 1, other)


async def test_of_two_returns_that_name_a_unit_at_once_one_is_accepted(bench: Bench) -> None:
    one, other = serials(2)
    order, _ = await sold_saws(bench, one, other)
    asked = [ask_back(bench, order, 1, one) for _ in range(2)]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert sorted(isinstance(answer, AlreadyExists) for answer in answers) == [False, True]


async def test_a_unit_that_another_return_names_is_received_there(bench: Bench) -> None:
    one, other = serials(2)
    order, _ = await sold_saws(bench, one, other)
    named, line = await ask_back(bench, order, 1, one)
    unnamed, of_unnamed = await ask_back(bench, order, 1)
    with pytest.raises(IllegalMove, match=f"{one} is to come with .*: receive it there"):
        await receive(bench, unnamed, of_unnamed, one)
    await receive(bench, named, line, one)
    await receive(bench, unnamed, of_unnamed, other)


async def test_a_unit_that_was_sent_back_is_named_again(bench: Bench) -> None:
    """The return that it came with before waits for it no more."""
    one, other = serials(2)
    order, _ = await sold_saws(bench, one, other)
    back, line = await ask_back(bench, order, 1, one)
    await receive(bench, back, line, one)
    await inspect(bench, back, line, D.RETURN_TO_CUSTOMER, one)
    await bench.take("settle_return", back)
    with pytest.raises(Malformed, match="the customer has it no more"):
        await ask_back(bench, order, 1, one)
    await answer(bench, back, "rejected_goods", "sent")
    await ask_back(bench, order, 1, one)
