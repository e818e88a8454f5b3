"""A picker finds fewer than are planned: what was found leaves, the rest is promised anew."""

from typing import Any
from uuid import UUID

import pytest

from activities.inventory.serving import serve_waiting
from activities.shipments.picking import pick_shipment
from domain.errors import IllegalMove, Malformed, QuantityExceeded
from domain.ids import ItemId, OrderId, ShipmentId
from domain.orders.requests import Cancellation
from domain.orders.status import CancelReason
from domain.shipments.missing import MissingReason, MissingUnits
from domain.shipments.outcomes import BookingOutcome
from domain.shipments.picking import PickedUnits, PickShipment
from tests.activities.bench import Bench
from tests.units import lines_of, pick, serials, stock_saws, unit

STOCK = ("I1a", "I1b", "I1c", "I1d", "I1e", "I1g", "I2a", "I2b", "I2c", "I2k", "I16a", "I16b")


async def lacks(
    bench: Bench,
    shipment: UUID,
    units: int,
    *named: str,
    found: tuple[str, ...] = (),
    reason: MissingReason = MissingReason.LOST,
) -> UUID:
    """Say that so many units of a shipment's first line are not there."""
    [line, *_] = await lines_of(bench.shop, shipment)
    missing = MissingUnits(line_id=line, quantity=units, serials=named, reason=reason)
    scans = (PickedUnits(line_id=line, serials=found),) if found else ()
    asked = PickShipment(lines=scans, shortages=(missing,))
    async with bench.shop.books.begin() as db:
        return await pick_shipment(db, shipment, asked, actor="picker")


async def planned(bench: Bench, item: ItemId, units: int, **how: Any) -> tuple[OrderId, ShipmentId]:
    """Return an order, paid, with its pick list."""
    order = await bench.shop.place((item, units), **how)
    await bench.take("authorize_payment", order)
    [shipment] = await bench.shipments(order)
    return order, shipment


async def lists(bench: Bench, order: OrderId) -> list[tuple[str, str, int]]:
    """Return the site, status and units of the shipments of an order that are not given up."""
    rows = await bench.shop.rows(
        "SELECT t.code, s.status, sum(x.quantity)::int AS units FROM shipments s"
        " JOIN sites t ON t.id = s.site_id JOIN shipment_lines x ON x.shipment_id = s.id"
        " WHERE s.order_id = :id AND s.status NOT IN ('voided', 'cancelled')"
        " GROUP BY s.id, t.code, s.status ORDER BY s.id",
        id=order,
    )
    return [(row["code"], row["status"], row["units"]) for row in rows]


async def places(bench: Bench, item: ItemId) -> dict[str, tuple[int, int]]:
    """Return what the books have of an item: by site and kind of place, and what is promised."""
    rows = await bench.shop.rows(
        "SELECT s.code || ' ' || l.kind AS place, on_hand::int, reserved::int FROM balances b"
        " JOIN locations l ON l.id = b.location_id JOIN sites s ON s.id = l.site_id"
        " WHERE item_id = :item AND on_hand > 0",
        item=item,
    )
    return {row["place"]: (row["on_hand"], row["reserved"]) for row in rows}


async def tasks(bench: Bench, document: UUID) -> list[tuple[str, str]]:
    rows = await bench.shop.rows(
        "SELECT kind, status FROM tasks WHERE document_id = :id ORDER BY opened_at", id=document
    )
    return [(row["kind"], row["status"]) for row in rows]


async def serve(bench: Bench, site: str) -> None:
    async with bench.shop.books.begin() as db:
        await serve_waiting(db, bench.shop.sites[site])


async def assert_explained(bench: Bench) -> None:
    assert [found.id for found in await bench.broken() if found.id in STOCK] == []


async def test_the_rest_of_a_line_comes_from_another_site_and_what_was_found_leaves(
    bench: Bench,
) -> None:
    item = await bench.shop.item(AUS=5, RNO=4)
    order, shipment = await planned(bench, item, 3)
    goes_on = await lacks(bench, shipment, 2)
    assert await lists(bench, order) == [("AUS", "pending", 1)]
    assert await places(bench, item) == {
        "AUS stock": (1, 1),
        "AUS quarantine": (2, 0),
        "RNO stock": (4, 0),
    }
    await serve(bench, "AUS")
    await serve(bench, "RNO")
    await bench.take("complete_order", order)
    assert await lists(bench, order) == [("AUS", "pending", 1), ("RNO", "pending", 2)]
    assert await bench.take("book_shipment", goes_on) is BookingOutcome.BOOKED
    assert await tasks(bench, shipment) == [("pick_shortage", "open")]
    assert await tasks(bench, order) == []
    [moved] = await bench.shop.rows(
        "SELECT m.kind, m.quantity::int, m.reason, l.kind AS went FROM movements m"
        " JOIN locations l ON l.id = m.to_location_id"
        " WHERE m.document_id = :id AND m.kind = 'adjustment'",
        id=shipment,
    )
    # Who may read stock may not know shipments: no number, the document's id says which one.
    assert (moved["quantity"], moved["went"], moved["reason"]) == (2, "loss", "lost: picking")
    await assert_explained(bench)


async def test_without_other_stock_the_rest_waits_and_support_asks_who_did_not_agree_to_wait(
    bench: Bench,
) -> None:
    item = await bench.shop.backorderable(AUS=2)
    order, shipment = await planned(bench, item, 2)
    await lacks(bench, shipment, 1)
    assert await tasks(bench, order) == [("shortage_review", "open")]
    other = await bench.shop.backorderable(AUS=2)
    waits, shipment = await planned(bench, other, 2, waits=True)
    await lacks(bench, shipment, 2)
    assert await lists(bench, waits) == []
    assert await tasks(bench, waits) == []
    short = "SELECT short_since IS NOT NULL FROM order_lines WHERE order_id = :id"
    assert await bench.shop.one(short, id=waits)
    assert await places(bench, other) == {}
    await assert_explained(bench)


async def test_a_label_that_was_bought_for_more_is_given_back_before_one_for_less_is_bought(
    bench: Bench,
) -> None:
    item = await bench.shop.item(AUS=3, RNO=1)
    order, shipment = await planned(bench, item, 3)
    await bench.take("book_shipment", shipment)
    assert await lacks(bench, shipment, 1) == shipment
    with pytest.raises(IllegalMove, match="already"):
        await lacks(bench, shipment, 1)
    progress = await bench.take("complete_order", order)
    assert progress.cancelling_lines
    await bench.take("withdraw_labels", order)
    await bench.take("cancel_order_lines", order)
    await bench.take("cancel_order_lines", order, attempt=2)
    assert await lists(bench, order) == [("AUS", "pending", 2)]
    assert await places(bench, item) == {"AUS stock": (2, 2), "RNO stock": (1, 0)}
    assert await tasks(bench, shipment) == [("pick_shortage", "open")]
    await assert_explained(bench)


async def test_goods_that_left_before_their_label_came_back_stay_sold_and_a_person_is_told(
    bench: Bench,
) -> None:
    item = await bench.shop.item(AUS=3)
    order, shipment = await planned(bench, item, 3)
    await bench.take("book_shipment", shipment)
    await lacks(bench, shipment, 1)
    await bench.scan(shipment, "PU")
    await bench.take("hand_over_shipment", shipment)
    await bench.take("withdraw_labels", order)
    progress = await bench.take("cancel_order_lines", order)
    assert not progress.cancelling_lines
    assert await tasks(bench, shipment) == [("pick_shortage", "open")]
    assert await places(bench, item) == {}
    await assert_explained(bench)


async def test_what_is_reported_after_labels_were_taken_back_has_its_own_taken_back_next(
    bench: Bench,
) -> None:
    item = await bench.shop.item(AUS=2, RNO=2)
    order = await bench.shop.place((item, 4))
    await bench.take("authorize_payment", order)
    first, second = await bench.shipments(order)
    for shipment in (first, second):
        await bench.take("book_shipment", shipment)
    await lacks(bench, first, 1)
    await bench.take("withdraw_labels", order)
    await lacks(bench, second, 1)
    progress = await bench.take("cancel_order_lines", order)
    assert progress.cancelling_lines
    assert await tasks(bench, second) == []
    await bench.take("withdraw_labels", order)
    progress = await bench.take("cancel_order_lines", order)
    assert not progress.cancelling_lines
    told = "SELECT (facts ->> 'left')::boolean AS gone FROM tasks WHERE document_id = :id"
    assert not await bench.shop.one(told, id=second)
    assert sorted(await lists(bench, order)) == [("AUS", "pending", 1), ("RNO", "pending", 1)]
    await assert_explained(bench)


async def test_goods_that_the_carrier_has_scanned_unheard_do_not_keep_their_order_trying(
    bench: Bench,
) -> None:
    item = await bench.shop.item(AUS=3)
    order, shipment = await planned(bench, item, 3)
    await bench.take("book_shipment", shipment)
    await lacks(bench, shipment, 1)
    number = await bench.shop.one(
        "SELECT tracking_number FROM parcels WHERE shipment_id = :id", id=shipment
    )
    await bench.carrier.ask("POST", f"/sandbox/parcels/{number}/scans", {"code": "PU"})
    await bench.take("withdraw_labels", order)
    progress = await bench.take("cancel_order_lines", order)
    assert not progress.cancelling_lines
    assert await tasks(bench, shipment) == [("pick_shortage", "open")]


async def test_an_order_that_is_cancelled_meanwhile_does_not_promise_what_is_missing(
    bench: Bench,
) -> None:
    item = await bench.shop.item(AUS=3)
    order, shipment = await planned(bench, item, 3)
    await bench.take("book_shipment", shipment)
    await lacks(bench, shipment, 1)
    asked = Cancellation(order_id=order, reason=CancelReason.STAFF, actor="support")
    await bench.take("request_cancellation", asked)
    await bench.take("recall_shipments", order)
    await bench.take("cancel_order", asked)
    assert await places(bench, item) == {"AUS stock": (2, 0)}
    await assert_explained(bench)


async def test_units_with_serials_are_named_and_what_was_scanned_stays_picked(
    bench: Bench,
) -> None:
    here, other, gone = serials(3)
    item = await stock_saws(bench.shop, here, other, gone)
    order, shipment = await planned(bench, item, 3)
    await pick(bench.shop, shipment, here)
    for named in ((), (here,)):
        with pytest.raises((Malformed, IllegalMove)):
            await lacks(bench, shipment, 1, *named)
    goes_on = await lacks(bench, shipment, 1, gone, found=(here, other))
    assert (await unit(bench.shop, gone))["status"] == "scrapped"
    assert await lists(bench, order) == [("AUS", "pending", 2)]
    assert await bench.take("book_shipment", goes_on) is BookingOutcome.BOOKED
    await assert_explained(bench)


async def test_no_more_is_missing_than_is_still_to_be_found(bench: Bench) -> None:
    item = await bench.shop.item(AUS=3)
    _, shipment = await planned(bench, item, 3)
    with pytest.raises(QuantityExceeded):
        await lacks(bench, shipment, 4)
    await lacks(bench, shipment, 3)
    with pytest.raises(IllegalMove):
        await lacks(bench, shipment, 1)


async def test_of_an_order_that_leaves_as_a_whole_nothing_leaves_before_the_rest_is_there(
    bench: Bench,
) -> None:
    item = await bench.shop.item(AUS=3, RNO=1)
    order, shipment = await planned(bench, item, 3, whole=True)
    await lacks(bench, shipment, 1)
    progress = await bench.take("complete_order", order)
    assert progress.to_book == ()
    await serve(bench, "RNO")
    await bench.take("complete_order", order)
    assert await lists(bench, order) == [("AUS", "pending", 2), ("RNO", "pending", 1)]


async def test_damaged_units_were_found_so_what_else_is_free_there_stays_for_sale(
    bench: Bench,
) -> None:
    item = await bench.shop.item(AUS=500)
    _, shipment = await planned(bench, item, 2)
    await lacks(bench, shipment, 1, reason=MissingReason.DAMAGED)
    assert await places(bench, item) == {"AUS stock": (499, 1)}
    await assert_explained(bench)


@pytest.mark.parametrize("labels", [1, 2])
async def test_what_is_to_leave_as_a_whole_stays_with_a_label_that_came_back(
    bench: Bench, labels: int
) -> None:
    item = await bench.shop.item(AUS=2, RNO=2)
    order = await bench.shop.place((item, 4), whole=True)
    await bench.take("authorize_payment", order)
    shipments = await bench.shipments(order)
    for shipment in shipments[:labels]:
        await bench.take("book_shipment", shipment)
    await lacks(bench, shipments[0], 1)
    await bench.take("withdraw_labels", order)
    progress = await bench.take("cancel_order_lines", order)
    assert (progress.cancelling_lines, progress.to_book) == (False, ())
    assert await lists(bench, order) == []
    await assert_explained(bench)


def test_a_reason_is_one_that_takes_stock() -> None:
    assert set(MissingReason) == {"lost", "damaged"}
