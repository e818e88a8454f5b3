"""Carriers use a tracking number again once its parcel's journey is over."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.exc import IntegrityError

from db.shipments.writes import lock_with_order, record_booking
from domain.shipments.outcomes import BookingOutcome
from tests.activities.attempts import Attempt
from tests.activities.bench import Bench
from tests.activities.test_ends_of_facts import a_scan, stands, told
from tests.aging import DAYS, age


def ago(days: float) -> str:
    return (datetime.now(UTC) - timedelta(days=days)).isoformat()


async def number_of(bench: Bench, shipment: UUID) -> str:
    query = "SELECT tracking_number FROM parcels WHERE shipment_id = :id"
    return str(await bench.shop.one(query, id=shipment))


async def planned(bench: Bench) -> UUID:
    return (await bench.shipments(await bench.confirmed()))[0]


async def label(bench: Bench, shipment_id: UUID, number: str) -> None:
    """Use a label with this number for a planned shipment."""
    async with bench.shop.books.begin() as db:
        _, shipment = await lock_with_order(db, shipment_id)
        await record_booking(
            db,
            shipment,
            reference=f"by-hand/{shipment.number}",
            label_url=None,
            price=None,
            promised_on=None,
            tracking_numbers=[number],
            booked_by="ann",
        )


async def codes(bench: Bench, shipment: UUID) -> list[Any]:
    query = (
        "SELECT code FROM tracking_events t JOIN parcels p ON p.id = t.parcel_id"
        " WHERE shipment_id = :id ORDER BY t.id"
    )
    return [row["code"] for row in await bench.shop.rows(query, id=shipment)]


async def test_a_number_used_again_belongs_to_the_living_parcel_and_old_scans_to_the_old(
    bench: Bench,
) -> None:
    """T11's kind: an outside name is no identity for ever."""
    _, old = await bench.sent()
    await age(bench, "shipments", "booked_at", 200 * DAYS, id=old)
    await told(bench, await a_scan(bench, old, "DL", occurred_at=ago(195)))
    before = await stands(bench, old)
    assert before["status"] == "delivered"

    number = await number_of(bench, old)
    new = await planned(bench)
    await label(bench, new, number)
    assert (await told(bench, await a_scan(bench, new, "PU")))["state"] == "applied"
    await bench.take("hand_over_shipment", new)
    assert (await told(bench, await a_scan(bench, new, "OD")))["state"] == "applied"
    assert (await stands(bench, new))["status"] == "out_for_delivery"
    assert await stands(bench, old) == before

    late = await a_scan(bench, new, "DP", occurred_at=ago(196))
    assert (await told(bench, late))["state"] == "applied"
    assert (await told(bench, late))["state"] == "ignored"
    older_than_both = await told(bench, await a_scan(bench, new, "DP", occurred_at=ago(300)))
    assert "before the parcel was booked" in older_than_both["note"]
    assert (await codes(bench, old), await codes(bench, new)) == (
        ["PU", "DL", "DP", "DP"],
        ["PU", "OD"],
    )
    assert await bench.broken() == []


async def test_a_scan_that_came_before_the_number_was_used_again_is_not_kept_twice(
    bench: Bench,
) -> None:
    _, old = await bench.sent()
    await age(bench, "shipments", "booked_at", 200 * DAYS, id=old)
    await told(bench, await a_scan(bench, old, "DL", occurred_at=ago(195)))
    scan = await a_scan(bench, old, "OD", occurred_at=ago(0.1))
    await told(bench, scan)
    new = await planned(bench)
    await label(bench, new, await number_of(bench, old))
    again = await told(bench, scan)
    assert (again["state"], again["note"]) == ("ignored", "the carrier has reported this before")


async def test_the_number_of_a_label_that_was_given_back_can_be_used_again(bench: Bench) -> None:
    order, [old] = await bench.booked()
    await bench.take("recall_shipments", order)
    new = await planned(bench)
    await label(bench, new, await number_of(bench, old))
    assert (await told(bench, await a_scan(bench, new, "PU")))["note"].endswith(": PU")
    assert (await codes(bench, old), await codes(bench, new)) == ([], ["PU"])


async def test_no_two_parcels_that_live_have_one_number(bench: Bench) -> None:
    _, old = await bench.sent()
    new = await planned(bench)
    with pytest.raises(IntegrityError, match="uq_parcels_living_number"):
        await label(bench, new, await number_of(bench, old))


async def test_a_label_that_the_carrier_keeps_though_it_is_of_no_use_is_a_person_s_to_get_back(
    bench: Bench,
) -> None:
    """No label is left paid and unknown: a task has the carrier's name of it and its words."""
    _, old = await bench.sent()
    new = await planned(bench)
    await bench.carrier.fault("used_number", "book")
    booking = Attempt(bench.take, "book_shipment", new, 1)
    while booking.place != "before void":
        await booking.until_stopped()
        await booking.go_on()
    booking.refusal = "too_late"
    while not booking.done:
        await booking.go_on()
    assert booking.result() is BookingOutcome.REFUSED
    [label] = (await bench.carrier.ask("GET", f"/bookings?reference={new}"))["data"]
    tasks = await bench.shop.rows(
        "SELECT kind, question, facts FROM tasks WHERE document_id = :id", id=new
    )
    asked = {task["kind"]: task for task in tasks}
    assert set(asked) == {"booking_refused", "undo_failed"}
    assert asked["undo_failed"]["facts"]["booking"] == label["id"]
    assert label["id"] in asked["undo_failed"]["question"]
    assert "the carrier keeps the label" in asked["booking_refused"]["question"]
    assert await number_of(bench, old) in asked["booking_refused"]["question"]
    # Until somebody has got it back, the comparison with the carrier's books names it.
    assert "P4" in {found.id for found in await bench.unsettled()}
    await bench.carrier.ask("POST", f"/bookings/{label['id']}/void")


async def test_a_label_never_heard_of_with_a_number_in_use_is_recalled_like_any_other(
    bench: Bench,
) -> None:
    """An order that is cancelled leaves none behind."""
    await bench.sent()
    order = await bench.confirmed()
    [new] = await bench.shipments(order)
    await bench.carrier.fault("used_number", "book")
    booking = Attempt(bench.take, "book_shipment", new, 1)
    while booking.place != "after book":
        await booking.until_stopped()
        if booking.place != "after book":
            await booking.go_on()
    await booking.die()
    assert await bench.take("recall_shipments", order)
    [label] = (await bench.carrier.ask("GET", f"/bookings?reference={new}"))["data"]
    assert label["voided"]
