"""Units are picked by scan: which ones leave is known, and a label waits for all of them."""

import asyncio
from uuid import UUID

import pytest

from activities.orders.changing import change_order
from db.documents import ORDERS
from domain.errors import IllegalMove, Malformed, NotFound, QuantityExceeded
from domain.ids import ItemId, OrderId, ShipmentId, new_id
from domain.orders.requests import Cancellation, OrderChange
from domain.orders.status import CancelReason
from domain.shipments.outcomes import BookingOutcome
from tests.activities.bench import Bench
from tests.shop import address
from tests.units import adjust, history, lines_of, pick, serials, stock_saws, unit

UNSERVICEABLE = "00000"


async def to_pick(
    bench: Bench, *named: str, units: int = 0, postal_code: str = "78701"
) -> tuple[ItemId, OrderId, ShipmentId]:
    """Return an order, paid, whose pick list wants so many units of these (else all)."""
    item = await stock_saws(bench.shop, *named)
    order = await bench.shop.place((item, units or len(named)), postal_code=postal_code)
    await bench.take("authorize_payment", order)
    [shipment] = await bench.shipments(order)
    return item, order, shipment


async def woken(bench: Bench, order: OrderId) -> int:
    query = "SELECT count(*) FROM outbox WHERE document_id = :id AND kind = 'signal'"
    return int(await bench.shop.one(query, id=order))


async def status_of(bench: Bench, shipment: UUID) -> str:
    return str(await bench.shop.one("SELECT status FROM shipments WHERE id = :id", id=shipment))


async def test_a_label_waits_until_every_unit_is_scanned(bench: Bench) -> None:
    """R4: serials are chosen at picking; the scan of the last one wakes the order's run."""
    one, other, spare = serials(3)
    _, order, shipment = await to_pick(bench, one, other, spare, units=2)
    assert await bench.take("book_shipment", shipment) is BookingOutcome.HELD
    await pick(bench.shop, shipment, one)
    assert (await unit(bench.shop, one))["status"] == "in_stock"
    assert await bench.take("book_shipment", shipment) is BookingOutcome.HELD
    before = await woken(bench, order)
    await pick(bench.shop, shipment, one.lower(), spare)
    assert await woken(bench, order) == before + 1
    assert await bench.take("book_shipment", shipment) is BookingOutcome.BOOKED
    await bench.scan(shipment, "PU")
    await bench.take("hand_over_shipment", shipment)

    sold = await unit(bench.shop, spare)
    customer = await bench.shop.one("SELECT customer_id FROM orders WHERE id = :id", id=order)
    line = await bench.shop.one("SELECT id FROM order_lines WHERE order_id = :id", id=order)
    assert (sold["status"], sold["location_id"]) == ("sold", None)
    assert (sold["holder_customer_id"], sold["order_line_id"]) == (customer, line)
    assert await history(bench.shop, spare) == ["entered", "picked", "sold"]
    assert await history(bench.shop, other) == ["entered"]


async def test_a_departure_that_is_booked_twice_sells_its_units_once(bench: Bench) -> None:
    [serial] = serials(1)
    _, _, shipment = await to_pick(bench, serial)
    await pick(bench.shop, shipment, serial)
    await bench.take("book_shipment", shipment)
    await bench.scan(shipment, "PU")
    await bench.take("hand_over_shipment", shipment)
    await bench.take("hand_over_shipment", shipment, attempt=2)
    assert await history(bench.shop, serial) == ["entered", "picked", "sold"]


async def test_the_same_scan_again_is_no_news_even_when_the_goods_have_left(bench: Bench) -> None:
    [serial] = serials(1)
    _, _, shipment = await to_pick(bench, serial)
    for _ in range(2):
        await pick(bench.shop, shipment, serial)
    await bench.take("book_shipment", shipment)
    await bench.scan(shipment, "PU")
    await bench.take("hand_over_shipment", shipment)
    await pick(bench.shop, shipment, serial)
    assert await history(bench.shop, serial) == ["entered", "picked", "sold"]


async def test_a_wrong_unit_is_refused_with_what_and_where_it_is(bench: Bench) -> None:
    here, away, sold, lost = serials(4)
    item, _, first = await to_pick(bench, sold)
    await pick(bench.shop, first, sold)
    await bench.take("book_shipment", first)
    await bench.scan(first, "PU")
    await bench.take("hand_over_shipment", first)
    await stock_saws(bench.shop, here, lost, item=item)
    order = await bench.shop.place((item, 1))
    await stock_saws(bench.shop, away, site="RNO", item=item)
    await adjust(bench.shop, item, (lost,), sign=-1)
    await bench.take("authorize_payment", order)
    [shipment] = await bench.shipments(order)
    for serial, words in (
        (away, f"{away} is in stock at RNO-A-1"),
        (sold, f"{sold} is sold: it comes back by its return"),
        (lost, f"{lost} is scrapped at LOSS"),
    ):
        with pytest.raises(IllegalMove) as refused:
            await pick(bench.shop, shipment, serial)
        assert refused.value.detail == words
        assert refused.value.extensions["units"][0]["serial"] == serial
    with pytest.raises(Malformed, match="NONE is no unit of this item"):
        await pick(bench.shop, shipment, "NONE")
    with pytest.raises(QuantityExceeded):
        await pick(bench.shop, shipment, here, away)
    with pytest.raises(NotFound):
        await pick(bench.shop, shipment, here, line=new_id())
    assert await history(bench.shop, here) == ["entered"]


async def test_a_line_without_serials_is_not_scanned(bench: Bench) -> None:
    order = await bench.confirmed(AUS=1)
    [shipment] = await bench.shipments(order)
    with pytest.raises(Malformed, match="nothing to scan"):
        await pick(bench.shop, shipment, "A")
    assert await bench.take("book_shipment", shipment) is BookingOutcome.BOOKED


async def test_of_two_pickers_who_scan_one_unit_one_has_it(bench: Bench) -> None:
    """Whatever the order of their scans; the other one is told."""
    named = serials(4)
    item = await stock_saws(bench.shop, *named)
    shipments = []
    for _ in range(2):
        order = await bench.shop.place((item, 2))
        await bench.take("authorize_payment", order)
        shipments += await bench.shipments(order)
    one, other, *rest = named
    picked = await asyncio.gather(
        pick(bench.shop, shipments[0], one, other),
        pick(bench.shop, shipments[1], other, one),
        return_exceptions=True,
    )
    [refused] = [each for each in picked if each is not None]
    assert isinstance(refused, IllegalMove)
    assert "picked for another line or shipment" in refused.detail
    winner = picked.index(None)
    await pick(bench.shop, shipments[winner], *rest)
    await pick(bench.shop, shipments[1 - winner], one, other)


async def test_a_picked_unit_is_exchanged_but_not_taken_out_again(bench: Bench) -> None:
    """Its label may be under way: what is complete stays so until it is booked."""
    one, other = serials(2)
    _, _, shipment = await to_pick(bench, one, other, units=1, postal_code=UNSERVICEABLE)
    await pick(bench.shop, shipment, one)
    assert await bench.take("book_shipment", shipment) is BookingOutcome.REFUSED
    with pytest.raises(IllegalMove, match="its label may be under way"):
        await pick(bench.shop, shipment)
    await pick(bench.shop, shipment, other)
    assert await history(bench.shop, one) == ["entered", "picked", "put_back"]
    assert (await unit(bench.shop, one))["shipment_line_id"] is None
    assert (await unit(bench.shop, other))["shipment_line_id"] in await lines_of(
        bench.shop, shipment
    )


async def test_what_is_picked_goes_along_to_another_address(bench: Bench) -> None:
    """Only the label is asked for otherwise: nothing is scanned again."""
    [serial] = serials(1)
    _, order, shipment = await to_pick(bench, serial, postal_code=UNSERVICEABLE)
    await pick(bench.shop, shipment, serial)
    async with bench.shop.books.begin() as db:
        row = await ORDERS.lock(db, order)
        await change_order(db, row, OrderChange(ship_to=address("89501")), "support")
    [fresh] = [one for one in await bench.shipments(order) if one != shipment]
    assert await bench.take("book_shipment", fresh) is BookingOutcome.BOOKED


async def test_what_is_shortened_is_scanned_anew(bench: Bench) -> None:
    one, other = serials(2)
    _, order, shipment = await to_pick(bench, one, other, postal_code=UNSERVICEABLE)
    await pick(bench.shop, shipment, one, other)
    await bench.shop.cancel_units(order, 1)
    # A pick list may have a label that nobody heard of: the run looks, and then cancels.
    await bench.take("withdraw_labels", order)
    await bench.take("cancel_order_lines", order)
    [fresh] = [
        each for each in await bench.shipments(order) if await status_of(bench, each) == "pending"
    ]
    assert await bench.take("book_shipment", fresh) is BookingOutcome.HELD
    assert await history(bench.shop, one) == ["entered", "picked", "put_back"]
    await pick(bench.shop, fresh, other)


@pytest.mark.parametrize("booked", [False, True])
async def test_a_cancelled_order_puts_its_units_back(bench: Bench, booked: bool) -> None:
    [serial] = serials(1)
    item, order, shipment = await to_pick(bench, serial)
    await pick(bench.shop, shipment, serial)
    if booked:
        await bench.take("book_shipment", shipment)
    with pytest.raises(IllegalMove, match="picked for a shipment"):
        await adjust(bench.shop, item, (serial,), sign=-1)
    cancellation = Cancellation(
        order_id=order, reason=CancelReason.CUSTOMER_REQUEST, actor="customer"
    )
    await bench.take("recall_shipments", order)
    await bench.take("cancel_order", cancellation)
    await bench.take("void_payment", order)
    row = await unit(bench.shop, serial)
    assert (row["status"], row["shipment_line_id"]) == ("in_stock", None)
    assert await history(bench.shop, serial) == ["entered", "picked", "put_back"]
    await adjust(bench.shop, item, (serial,), sign=-1)


async def test_units_of_a_lost_parcel_are_written_off_with_it(bench: Bench) -> None:
    [serial] = serials(1)
    _, _, shipment = await to_pick(bench, serial)
    await pick(bench.shop, shipment, serial)
    await bench.take("book_shipment", shipment)
    await bench.scan(shipment, "PU")
    await bench.take("hand_over_shipment", shipment)
    await bench.scan(shipment, "LO")
    await bench.take("settle_shipment", shipment)
    assert (await unit(bench.shop, serial))["status"] == "sold"
    await bench.take("write_off_shipment", shipment)
    assert (await unit(bench.shop, serial))["status"] == "scrapped"
    assert await history(bench.shop, serial) == ["entered", "picked", "sold", "lost"]
