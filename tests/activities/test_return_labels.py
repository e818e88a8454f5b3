"""Labels of returns at a carrier that knows more than we do, and reminders to send goods."""

from typing import Any
from uuid import UUID

import pytest

from activities.returns.deciding import cancel_return, settle_label
from activities.returns.receiving import receive_return
from db.reads.tasks import get_task
from domain.ids import ReturnId, TaskId, new_id
from domain.returns.requests import ReceivedLine, ReceiveReturn
from domain.returns.status import ShipBack
from domain.tasks import Decision
from gateways.carriers.sandbox import SANDBOX_CARRIER
from gateways.failures import PartnerFailure
from tests.activities.bench import Bench
from tests.activities.lateness import events, tasks
from tests.aging import DAYS, age, sweep


async def _scan(bench: Bench, back: ReturnId, code: str, *, heard: bool) -> None:
    """Let the carrier scan the parcel that comes back."""
    number = await bench.shop.one(
        "SELECT p.tracking_number FROM parcels p JOIN return_labels l ON l.id = p.return_label_id"
        " WHERE l.return_id = :id",
        id=back,
    )
    path = f"/sandbox/parcels/{number}/scans"
    scanned = await bench.carrier.ask("POST", path, {"code": code})
    event_id = scanned.pop("event_id")
    if heard:
        fact = {"id": event_id, "type": "tracking.scan", "data": scanned}
        await bench.hear(SANDBOX_CARRIER.webhooks, event_id, fact)


async def _label(bench: Bench, back: ReturnId) -> Any:
    query = "SELECT status FROM return_labels WHERE return_id = :id ORDER BY id DESC LIMIT 1"
    return await bench.shop.one(query, id=back)


async def _receive(bench: Bench, back: ReturnId) -> None:
    line = await bench.shop.one("SELECT id FROM return_lines WHERE return_id = :id", id=back)
    came = ReceiveReturn(lines=(ReceivedLine(return_line_id=line, quantity=1),))
    async with bench.shop.books.begin() as db:
        await receive_return(db, back, new_id(), came, actor="warehouse")


async def _parcel(bench: Bench, back: ReturnId) -> Any:
    query = (
        "SELECT p.status FROM parcels p JOIN return_labels l ON l.id = p.return_label_id"
        " WHERE l.return_id = :id"
    )
    return await bench.shop.one(query, id=back)


async def test_a_label_that_the_carrier_does_not_take_back_is_for_a_person(bench: Bench) -> None:
    """The parcel was scanned, and the return cancelled before we heard of it."""
    back = await bench.labelled_return()
    await _scan(bench, back, "PU", heard=False)
    async with bench.shop.books.begin() as db:
        await cancel_return(db, back, "", actor="support")
    await bench.take("void_return_label", back)
    assert await _label(bench, back) == "voided"
    assert await tasks(bench, back) == [("undo_failed", "open")]
    await _scan(bench, back, "DP", heard=True)
    assert ("parcel_exception", "open") in await tasks(bench, back)


async def test_a_label_under_which_the_goods_came_is_kept_though_no_scan_was_heard(
    bench: Bench,
) -> None:
    back = await bench.labelled_return()
    await _scan(bench, back, "DL", heard=False)
    await _receive(bench, back)
    await bench.take("void_return_label", back)
    assert await _label(bench, back) == "booked"
    assert await tasks(bench, back) == []
    assert await bench.broken() == []


async def test_a_label_under_which_the_goods_came_is_kept_though_its_sale_was_not_heard_of(
    bench: Bench,
) -> None:
    """The answer to the order got lost, and the parcel was here before it was asked for again."""
    back = await bench.return_to_label()
    await bench.carrier.fault("timeout_after_success", "book", delay_seconds=0.01)
    with pytest.raises(PartnerFailure):
        await bench.take("book_return_label", back)
    query = "SELECT id FROM return_labels WHERE return_id = :id"
    label = await bench.shop.one(query, id=back)
    [sold] = (await bench.carrier.ask("GET", f"/bookings?reference={label}"))["data"]
    number = sold["parcels"][0]["tracking_number"]
    await bench.carrier.ask("POST", f"/sandbox/parcels/{number}/scans", {"code": "DL"})
    await _receive(bench, back)
    await bench.take("void_return_label", back)
    assert await _label(bench, back) == "booked"
    assert (
        await bench.shop.one(
            "SELECT tracking_number FROM parcels WHERE return_label_id = :id", id=label
        )
        == number
    )
    assert await tasks(bench, back) == []
    assert await bench.broken() == []


async def test_a_label_that_came_without_being_used_is_given_back(bench: Bench) -> None:
    back = await bench.labelled_return()
    await _receive(bench, back)
    assert (await bench.take("settle_return", back)).label == "void"
    await bench.take("void_return_label", back)
    assert await _label(bench, back) == "voided"
    assert await bench.broken() == []


async def test_a_label_under_the_number_of_another_parcel_is_not_used(bench: Bench) -> None:
    """The number is that of an order on its way, whose scans would tell nothing of these goods."""
    back = await bench.authorized_return(ship_back=ShipBack.LABEL)
    await bench.sent()
    await bench.carrier.fault("used_number", "book")
    assert await bench.take("book_return_label", back) == "refused"
    assert await tasks(bench, back) == [("label_refused", "open")]
    async with bench.shop.books.begin() as db:
        query = "SELECT id FROM tasks WHERE document_id = :id"
        task = await get_task(db, UUID(str(await bench.shop.one(query, id=back))))
        answer = Decision(task_id=TaskId(task.id), choice="retry", actor="support")
        await settle_label(db, task, answer)
        await settle_label(db, task, answer)
    assert await bench.take("book_return_label", back) == "booked"
    assert await bench.broken() == []


@pytest.mark.parametrize("sent", [False, True])
async def test_the_customer_is_reminded_once_after_three_weeks_in_which_nothing_was_sent(
    bench: Bench, sent: bool
) -> None:
    back = await bench.labelled_return()
    await age(bench, "returns", "authorized_at", 20 * DAYS, id=back)
    await sweep(bench)
    assert await events(bench, back, "return.ship_back_reminder") == []
    if sent:
        await _scan(bench, back, "PU", heard=True)
        assert await _parcel(bench, back) == "picked_up"
    await age(bench, "returns", "authorized_at", DAYS, id=back)
    await sweep(bench)
    await sweep(bench)
    assert len(await events(bench, back, "return.ship_back_reminder")) == (0 if sent else 1)
