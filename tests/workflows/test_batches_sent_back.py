"""Units that go back to the customer together, or one batch after another: each under its label."""

from typing import Any
from uuid import UUID

from domain.tasks import TaskKind
from tests.aging import DAYS, age, sweep
from tests.patience import eventually
from tests.workflows.label_stories import (
    back_number,
    bookings,
    read,
    send_back_is,
    told,
)
from tests.workflows.refund_stories import delivered, usd
from tests.workflows.replacement_stories import come_back
from tests.workflows.return_stories import ask_back, back_is, found, inspect, receive, stock_of
from tests.workflows.stage import Stage

REJECTED, FAILED = TaskKind.REJECTED_GOODS, TaskKind.SEND_BACK_FAILED


async def leaves(stage: Stage, back: Any, times: int = 1) -> list[Any]:
    """Wait until goods have left so many times; returns what was told of each."""

    async def there() -> Any:
        events = await told(stage, back, "goods_left")
        return events if len(events) == times else None

    return list(await eventually(there))


async def test_several_units_go_back_to_the_customer_under_one_label(stage: Stage) -> None:
    order, line = await delivered(stage, 3)
    back = await ask_back(stage, order, line, 3)
    await receive(stage, back, 3)
    away = found(back, 1, "return_to_customer")
    await inspect(stage, back, away, found(back, 1, "scrap"), found(back, 1, "return_to_customer"))
    task = await stage.task(REJECTED, UUID(back["id"]))
    assert [each["quantity"] for each in task["facts"]["goods"]] == [1, 1]
    await stage.decide(REJECTED, UUID(back["id"]), "send")
    shown = await send_back_is(stage, back, "booked")
    [label] = await bookings(stage, back)
    item = await stage.shop.one(
        "SELECT weight_grams FROM items WHERE id = :id", id=UUID(line["item_id"])
    )
    assert [each["weight_grams"] for each in label["parcels"]] == [2 * item]
    await stage.advance(back_number(shown), "in_transit")
    assert [each["units"] for each in await leaves(stage, back)] == [2]
    closed = await back_is(stage, back, "closed")
    assert closed["refunded"] == usd(2700)
    assert await stock_of(stage, UUID(line["item_id"])) == {}
    assert await stage.broken() == []


async def test_what_is_rejected_after_the_first_parcel_left_goes_under_a_label_of_its_own(
    stage: Stage,
) -> None:
    """It stays in the house until the carrier has scanned that one."""
    _, line, back = await come_back(stage, 3)
    scrapped = found(back, 1, "scrap", accepted=False)
    await inspect(
        stage, back, found(back, 1, "return_to_customer"), scrapped, found(back, 1, "scrap")
    )
    await stage.decide(REJECTED, UUID(back["id"]), "send")
    first = await send_back_is(stage, back, "booked")
    await stage.advance(back_number(first), "in_transit")
    [gone] = await leaves(stage, back)
    assert gone["units"] == 1

    shown = await read(stage, back)
    [mistaken] = [
        each
        for each in shown["lines"][0]["dispositions"]
        if each["disposition"] == "scrap" and not each["accepted"]
    ]
    again = found(back, 1, "return_to_customer")
    await inspect(stage, back, again, revise=[mistaken["id"]])
    task = await stage.task(REJECTED, UUID(back["id"]))
    assert [each["quantity"] for each in task["facts"]["goods"]] == [1]
    assert await stock_of(stage, UUID(line["item_id"])) == {"quarantine": 1}
    await stage.decide(REJECTED, UUID(back["id"]), "send")

    async def another() -> Any:
        seen = await send_back_is(stage, back, "booked")
        return seen if back_number(seen) != back_number(first) else None

    second = await eventually(another)
    weights = [each["parcels"][0]["weight_grams"] for each in await bookings(stage, back)]
    assert weights[0] == weights[1]
    await stage.advance(back_number(second), "in_transit")
    _, late = await leaves(stage, back, 2)
    assert (late["units"], late["tracking_numbers"]) == (1, [back_number(second)])
    assert await stock_of(stage, UUID(line["item_id"])) == {}
    await stage.advance(back_number(first), "lost")
    lost = await stage.task(TaskKind.PARCEL_EXCEPTION, UUID(back["id"]))
    assert lost["facts"]["reason"] == "lost"
    assert await stage.broken() == []


async def test_a_label_for_goods_that_are_settled_is_given_back_though_they_left_before(
    stage: Stage,
) -> None:
    """They got lost, and were to be sent once more: the label for that is not used."""
    order, line = await delivered(stage)
    back = await ask_back(stage, order, line)
    await receive(stage, back, 1)
    await inspect(stage, back, found(back, 1, "return_to_customer"))
    await stage.decide(REJECTED, UUID(back["id"]), "send")
    await stage.advance(back_number(await send_back_is(stage, back, "booked")), "lost")
    await back_is(stage, back, "closed")
    await sweep(stage)
    await stage.decide(FAILED, UUID(back["id"]), "send")
    await send_back_is(stage, back, "booked")
    query = "SELECT id FROM return_labels WHERE return_id = :id ORDER BY id DESC LIMIT 1"
    label = await stage.shop.one(query, id=UUID(back["id"]))
    await age(stage, "return_labels", "booked_at", 3 * DAYS, id=label)
    await age(stage, "tasks", "closed_at", 3 * DAYS, document_id=UUID(back["id"]))
    await sweep(stage)
    task = await stage.task(FAILED, UUID(back["id"]))
    assert task["facts"]["reason"] == "not_scanned"
    await stage.decide(FAILED, UUID(back["id"]), "settled")
    await send_back_is(stage, back, "voided")
    assert len(await told(stage, back, "goods_left")) == 1
    assert await stage.broken() == []
