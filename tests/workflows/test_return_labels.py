"""Labels of returns: bought once, followed like any parcel, given back where they are not used."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from domain.policy import Policy
from tests.patience import eventually
from tests.workflows.arising import hear
from tests.workflows.label_stories import (
    ask_with_label,
    bookings,
    label_is,
    labelled,
    number_of,
    parcel_is,
    read,
    told,
)
from tests.workflows.return_stories import back_is, do, found, inspect, receive, stock_of
from tests.workflows.stage import Stage

DEADLINE = Policy().ship_back_window + timedelta(minutes=1)
EXTENDED = timedelta(days=14, minutes=1)


async def test_the_customer_gets_a_label_to_the_site_and_its_parcel_is_followed(
    stage: Stage,
) -> None:
    """Scenario B, steps 4 and 5: scans move neither stock nor money, the receipt does."""
    order, line, back = await labelled(stage)
    [sold] = await bookings(stage, back)
    home = (await stage.shop.rows("SELECT ship_to FROM orders WHERE id = :id", id=order))[0]
    sites = "SELECT address FROM sites WHERE id = :id"
    site = (await stage.shop.rows(sites, id=UUID(back["site_id"])))[0]
    ours = await stage.shop.rows(
        "SELECT ship_from, ship_to FROM return_labels WHERE return_id = :id", id=UUID(back["id"])
    )
    assert dict(ours[0]) == {"ship_from": home["ship_to"], "ship_to": site["address"]}
    assert sold["ship_to"]["postal_code"] == site["address"]["postal_code"]
    [parcel] = back["label"]["parcels"]
    assert parcel["tracking_number"] == sold["parcels"][0]["tracking_number"]
    assert parcel["label_url"] == sold["parcels"][0]["label_url"]
    assert back["label_cost"] == {"amount": sold["amount"], "currency": sold["currency"]}
    assert (back["in_transit"], back["status"]) == (False, "authorized")

    await stage.advance(number_of(back), "in_transit")
    moving = await parcel_is(stage, back, "in_transit")
    assert (moving["in_transit"], moving["status"]) == (True, "authorized")
    assert moving["version"] > back["version"]
    refused = await do(stage, back, "cancel", "support", status=409)
    assert refused["code"] == "illegal_move"
    await stage.advance(number_of(back), "delivered")
    there = await parcel_is(stage, back, "delivered")
    assert (there["in_transit"], there["lines"][0]["received"]) == (False, 0)
    assert await stock_of(stage, UUID(line["item_id"])) == {}
    assert (await stage.paid(order)).refunded == 0

    await receive(stage, back, 1)
    await inspect(stage, back, found(back))
    closed = await back_is(stage, back, "closed")
    assert closed["label"]["status"] == "booked"
    assert await stage.broken() == []


async def test_a_label_whose_sale_was_not_heard_of_is_found_and_not_bought_again(
    stage: Stage,
) -> None:
    await stage.carrier.fault("timeout_after_success", "book")
    _, _, back = await ask_with_label(stage)
    await label_is(stage, back, "booked")
    assert len(await bookings(stage, back)) == 1
    assert await stage.broken() == []


async def test_the_label_of_a_return_that_is_given_up_is_given_back(stage: Stage) -> None:
    _, _, back = await labelled(stage)
    await do(stage, back, "cancel", "support", {"reason": "keeps it"})
    gone = await label_is(stage, back, "voided")
    await stage.result(stage.returning(UUID(back["id"])))
    assert [sold["voided"] for sold in await bookings(stage, back)] == [True]
    assert gone["status"] == "cancelled"
    assert len(await told(stage, back, "label_voided")) == 1
    assert await stage.broken() == []


async def test_a_parcel_under_a_label_that_was_given_back_is_asked_about(stage: Stage) -> None:
    _, _, back = await labelled(stage)
    await do(stage, back, "cancel", "support")
    await label_is(stage, back, "voided")
    await hear(stage, number_of(back), "PU")
    task = await stage.task("parcel_exception", UUID(back["id"]))
    assert task["facts"]["reason"] == "scanned_without_label"
    assert (await read(stage, back))["in_transit"] is False


async def test_the_deadline_is_put_off_once_for_a_parcel_on_its_way(stage: Stage) -> None:
    _, _, back = await labelled(stage)
    run = stage.returning(UUID(back["id"]))
    await stage.advance(number_of(back), "in_transit")
    await parcel_is(stage, back, "in_transit")
    await stage.pass_time(run, DEADLINE)

    async def later() -> Any:
        seen = await read(stage, back)
        return seen if seen["ship_back_by"] != back["ship_back_by"] else None

    seen = await eventually(later)
    by = datetime.fromisoformat(back["ship_back_by"])
    assert datetime.fromisoformat(seen["ship_back_by"]) == by + timedelta(days=14)
    assert seen["status"] == "authorized"
    await stage.pass_time(run, EXTENDED)
    ended = await back_is(stage, back, "expired")
    assert len(await told(stage, back, "ship_back_extended")) == 1
    assert ended["label"]["status"] == "booked"
    assert await stage.broken() == []


async def test_the_unused_label_of_a_return_that_expires_is_given_back(stage: Stage) -> None:
    _, _, back = await labelled(stage)
    await stage.pass_time(stage.returning(UUID(back["id"])), DEADLINE)
    ended = await label_is(stage, back, "voided")
    assert ended["status"] == "expired"
    assert await stage.broken() == []


async def test_scans_of_a_parcel_that_comes_back_are_judged_like_any_others(stage: Stage) -> None:
    """Late, repeated, unknown and impossible scans: the parcel stays where the facts say."""
    _, _, back = await labelled(stage)
    number, path = number_of(back), f"/sandbox/parcels/{number_of(back)}/scans"
    long_ago = (datetime.now(UTC) - timedelta(days=3)).isoformat()
    await stage.carrier.ask("POST", path, {"code": "LO", "occurred_at": long_ago})
    await stage.advance(number, "delivered")
    await stage.carrier.ask("POST", path, {"code": "QQ"})
    await stage.carrier.ask("POST", path, {"code": "PU"})
    await stage.task("unknown_code", UUID(back["id"]))
    await parcel_is(stage, back, "delivered")
    kept = await stage.shop.rows(
        "SELECT e.code FROM tracking_events e JOIN parcels p ON p.id = e.parcel_id"
        " WHERE p.tracking_number = :number",
        number=number,
    )
    assert {"LO", "DL"} <= {row["code"] for row in kept}
    asked = "SELECT kind FROM tasks WHERE document_id = :id"
    kinds = [row["kind"] for row in await stage.shop.rows(asked, id=UUID(back["id"]))]
    assert kinds == ["unknown_code"]
    assert await stage.broken() == []


async def test_a_parcel_that_is_damaged_on_its_way_back_is_asked_about(stage: Stage) -> None:
    _, _, back = await labelled(stage)
    await hear(stage, number_of(back), "X2")
    task = await stage.task("parcel_exception", UUID(back["id"]))
    assert task["facts"]["reason"] == "damaged"
    assert await stage.broken() == []
