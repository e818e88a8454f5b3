"""A change of address that crosses the sale of a label: no live label for the old one is left."""

from uuid import UUID

import pytest

from activities.orders.changing import change_order
from db.documents import ORDERS
from domain.ids import OrderId, ShipmentId
from domain.orders.requests import OrderChange
from gateways.failures import PartnerFailure
from tests.activities.bench import Bench
from tests.activities.crossing import begin, cancelling, finish, questions
from tests.shop import address


async def moves_house(bench: Bench, order: OrderId, postal_code: str = "89501") -> ShipmentId:
    """Change where an order goes; returns the shipment that takes the place of the former one."""
    async with bench.shop.books.begin() as db:
        row = await ORDERS.lock(db, order)
        there = OrderChange(ship_to=address(postal_code))
        assert await change_order(db, row, there, "customer")
    query = "SELECT id FROM shipments WHERE order_id = :id AND status = 'pending'"
    return ShipmentId(await bench.shop.one(query, id=order))


async def labels(bench: Bench, shipment: UUID) -> list[tuple[str, bool]]:
    """Return where the labels that were sold for a shipment go, and whether they are live."""
    sold = (await bench.carrier.ask("GET", f"/bookings?reference={shipment}"))["data"]
    return [(each["ship_to"]["postal_code"], not each["voided"]) for each in sold]


async def unheard(bench: Bench) -> tuple[OrderId, ShipmentId]:
    """Have a label sold whose sale we do not hear of."""
    order = await bench.confirmed()
    [shipment] = await bench.shipments(order)
    await bench.carrier.fault("timeout_after_success", "book", delay_seconds=0.01)
    with pytest.raises(PartnerFailure):
        await bench.take("book_shipment", shipment)
    return order, shipment


@pytest.mark.parametrize("doors", [0, 1])
async def test_an_address_that_changes_while_the_carrier_is_asked_has_that_label_voided(
    bench: Bench, doors: int
) -> None:
    order = await bench.confirmed()
    [former] = await bench.shipments(order)
    asking = await begin(bench, "book_shipment", former, doors=doors)
    fresh = await moves_house(bench, order)
    assert await finish(asking) == "not_due"
    assert await bench.take("book_shipment", fresh) == "booked"
    assert [live for _, live in await labels(bench, former)] in ([False], [])
    assert await labels(bench, fresh) == [("89501", True)]
    assert await bench.broken() == []


async def test_a_label_of_which_the_answer_was_lost_is_voided_by_the_step_that_asked(
    bench: Bench,
) -> None:
    order, former = await unheard(bench)
    fresh = await moves_house(bench, order)
    assert await bench.take("book_shipment", former, attempt=2) == "not_due"
    assert await bench.take("book_shipment", fresh) == "booked"
    assert [live for _, live in await labels(bench, former)] == [False]
    assert await bench.broken() == []


async def test_a_label_whose_run_was_lost_too_is_voided_before_the_next_one_is_bought(
    bench: Bench,
) -> None:
    """P4: the new run knows of the fresh shipment alone."""
    order, former = await unheard(bench)
    fresh = await moves_house(bench, order)
    assert await bench.take("book_shipment", fresh) == "booked"
    assert [live for _, live in await labels(bench, former)] == [False]
    assert await labels(bench, fresh) == [("89501", True)]
    assert await bench.broken() == []


async def test_that_holds_for_all_that_was_replaced_before_it(bench: Bench) -> None:
    order, first = await unheard(bench)
    await moves_house(bench, order)
    last = await moves_house(bench, order, "78701")
    assert await bench.take("book_shipment", last) == "booked"
    assert [live for _, live in await labels(bench, first)] == [False]
    assert await bench.broken() == []


async def test_a_cancelled_order_leaves_no_such_label_either(bench: Bench) -> None:
    order, former = await unheard(bench)
    await moves_house(bench, order)
    assert await bench.take("recall_shipments", order)
    await bench.take("cancel_order", cancelling(order))
    await bench.take("void_payment", order)
    assert [live for _, live in await labels(bench, former)] == [False]
    assert await bench.broken() == []


async def test_one_that_the_carrier_does_not_take_back_is_asked_about_once(bench: Bench) -> None:
    order, former = await unheard(bench)
    fresh = await moves_house(bench, order)
    booking = await begin(bench, "book_shipment", fresh, doors=2)
    booking.refusal = "too_late"
    assert await finish(booking) == "booked"
    assert set(await questions(bench, former)) == {"undo_failed"}
    await bench.take("recall_shipments", order)
    query = "SELECT count(*) FROM tasks WHERE document_id = :id AND kind = 'undo_failed'"
    assert await bench.shop.one(query, id=former) == 1
    # The person whom that asks has it voided.
    for label in (await bench.carrier.ask("GET", f"/bookings?reference={former}"))["data"]:
        await bench.carrier.ask("POST", f"/bookings/{label['id']}/void")
