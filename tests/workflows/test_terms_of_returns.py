"""What a return keeps of the moment it was asked for, and what is said of its goods' state."""

from typing import Any
from uuid import UUID

import pytest

from tests.aging import DAYS, age
from tests.workflows.asking import calling
from tests.workflows.refund_stories import delivered
from tests.workflows.return_stories import ask_back, back_is, found, inspect, receive
from tests.workflows.stage import Stage
from tests.workflows.test_return_windows import allow


async def read(stage: Stage, back: Any, role: str = "support", **who: Any) -> Any:
    async with calling(stage) as callers:
        return (await callers.get(f"/returns/{back['id']}", role=role, **who)).json()


async def test_the_window_of_a_return_stays_what_it_was_whatever_the_item_says_later(
    stage: Stage,
) -> None:
    """Returns R4, I7: what was looked at is kept, by line: deliveries, days, last day, the rest."""
    order, line = await delivered(stage, 3)
    await allow(stage, line, 20)
    [shipment] = await stage.shop.rows("SELECT id FROM shipments WHERE order_id = :id", id=order)
    await age(stage, "shipments", "delivered_at", 4 * DAYS, id=UUID(str(shipment["id"])))
    [day] = await stage.shop.rows(
        "SELECT (delivered_at AT TIME ZONE 'UTC')::date AS first,"
        " (delivered_at AT TIME ZONE 'UTC')::date + 20 AS last FROM shipments WHERE id = :id",
        id=shipment["id"],
    )
    back = await ask_back(stage, order, line, 2)
    await allow(stage, line, 0)
    kept = await read(stage, back)
    [shown] = kept["lines"]
    assert (shown["window_days"], shown["window_until"]) == (20, str(day["last"]))
    assert kept["decision"]["inputs"]["lines"] == [
        {
            "order_line_id": line["id"],
            "units": 2,
            "remaining_units": 3,
            "in_time": 3,
            "delivered": [{"on": str(day["first"]), "units": 3}],
            "window_days": 20,
            "last_day": str(day["last"]),
        }
    ]
    customer = {"role": "customer", "customer_id": kept["customer_id"]}
    assert (await read(stage, back, **customer))["decision"] is None


async def test_a_withdrawal_keeps_the_window_of_the_law(stage: Stage) -> None:
    order, line = await delivered(stage)
    await allow(stage, line, 0)
    [shown] = (await ask_back(stage, order, line, 1, None, kind="withdrawal"))["lines"]
    assert shown["window_days"] == 14
    assert shown["window_until"] is not None


async def test_a_customer_declares_the_state_of_goods_by_a_word_of_the_list(stage: Stage) -> None:
    order, line = await delivered(stage, 3)
    said = await ask_back(stage, order, line, condition_declared="opened")
    assert said["lines"][0]["condition_declared"] == "opened"
    assert (await ask_back(stage, order, line))["lines"][0]["condition_declared"] is None
    odd = await ask_back(stage, order, line, status=422, condition_declared="rather nice")
    assert odd["errors"][0]["pointer"] == "/lines/0/condition_declared"


@pytest.mark.parametrize(
    ("said", "condition", "note"),
    [
        ("used", "used", "The lid sticks."),
        ("Damaged ", "damaged", "The lid sticks."),
        ("5 dead pixels", "", "5 dead pixels\nThe lid sticks."),
        ("", "", "The lid sticks."),
    ],
)
async def test_an_inspector_says_the_state_by_the_list_and_other_words_stay_a_note(
    stage: Stage, said: str, condition: str, note: str
) -> None:
    order, line = await delivered(stage)
    back = await ask_back(stage, order, line)
    await receive(stage, back, 1)
    seen = await inspect(stage, back, found(back, condition=said, note="The lid sticks."))
    [disposition] = seen["lines"][0]["dispositions"]
    assert disposition["condition"] == condition
    told = await back_is(stage, back, "closed")
    assert told["lines"][0]["dispositions"][0]["note"] == note
