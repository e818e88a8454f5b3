"""Claims whose goods are replaced before the faulty ones come in, and those that stay away."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from domain.ids import OrderId
from domain.policy import Policy
from domain.tasks import TaskKind
from domain.warranties.coverage import months_after
from tests.patience import eventually
from tests.units import pick
from tests.workflows.asking import calling
from tests.workflows.claim_stories import (
    claim,
    claim_is,
    comes_in,
    do,
    let_pass,
    replaced,
    replacing,
    returning,
    send,
    sold,
    spare,
    warranties,
)
from tests.workflows.return_stories import do as do_return
from tests.workflows.return_stories import found, inspect
from tests.workflows.stage import Stage
from tests.workflows.undelivered_stories import answer, opened_by

DEADLINE = Policy().ship_back_window + timedelta(minutes=1)


async def test_a_faulty_unit_that_was_replaced_and_kept_is_under_warranty_no_more(
    stage: Stage,
) -> None:
    """Warranties R9: the rest of its warranty is the new unit's as soon as that is there."""
    order, [warranty] = await sold(stage, settle_by=["repair"], auto_limit=None)
    made = await claim(stage, warranty)
    await stage.decide(TaskKind.CLAIM_REVIEW, UUID(made["id"]), "replace_in_advance")
    new, _ = await replaced(stage, made)
    approved = await claim_is(stage, made, "approved")
    [old] = await warranties(stage, order)
    [rest] = await warranties(stage, new)
    assert (old["status"], rest["status"], rest["replaces_id"]) == ("replaced", "active", old["id"])
    await stage.pass_time(await returning(stage, approved), DEADLINE)
    await stage.decide(TaskKind.KEPT_GOODS, UUID(approved["return_id"]), "write_off")
    await claim_is(stage, made, "settled")
    again = await claim(stage, warranty)
    assert (again["status"], again["rule"]) == ("denied", "replaced")
    async with calling(stage) as callers:
        body = {"order_line_id": str(warranty["order_line_id"]), "serial": warranty["serial"]}
        who = {"role": "customer", "customer_id": warranty["customer_id"]}
        anew = await callers.post("/warranties", body, **who)
    assert (anew.status_code, anew.json()["code"]) == (409, "illegal_move")


async def test_what_replaced_goods_is_replaced_again_and_not_paid_for(stage: Stage) -> None:
    """It cost nothing: no value lets it pass, and the money is not among the answers."""
    _, [warranty] = await sold(stage, spare=2)
    made = await claim(stage, warranty)
    await comes_in(stage, made)
    new, _ = await replaced(stage, made)
    await claim_is(stage, made, "settled")
    [rest] = await warranties(stage, new)
    again = await claim(stage, rest)
    assert (again["status"], again["rule"]) == ("under_review", "value_above_limit")
    task = await stage.task(TaskKind.CLAIM_REVIEW, UUID(again["id"]))
    assert "refund" not in task["choices"]
    refusal = await do(stage, again, "approve", {"resolution": "refund"}, status=409)
    assert refusal["code"] == "illegal_move"
    await do(stage, again, "withdraw", {})


async def test_a_replacement_that_is_sent_again_has_what_is_left_and_is_on_the_claim(
    stage: Stage,
) -> None:
    """R9: also where the first parcel came back undelivered; no term is given anew."""
    order, [warranty] = await sold(stage, spare=1)
    await let_pass(stage, warranty["id"], 30)
    made = await claim(stage, warranty)
    await comes_in(stage, made)
    first = OrderId(UUID((await replacing(stage, made))["id"]))
    serial = await spare(stage, made)
    shipment = await stage.shipment(first, "pending")
    await pick(stage.shop, shipment, serial)
    await stage.shipment(first, "booked")
    await stage.travel(shipment, "returned")
    back = await opened_by(stage, shipment, first)
    await answer(stage, back, "resend")
    lines = [{"return_line_id": back["lines"][0]["id"], "quantity": 1, "serials": [serial]}]
    await do_return(stage, back, "receive", "warehouse", {"lines": lines})
    await inspect(stage, back, found(back, serials=[serial]))
    second = await sent_again(stage, back)
    await send(stage, second, serial)
    [old] = await warranties(stage, order)
    [rest] = await warranties(stage, second)
    assert (rest["source"], rest["ends_on"]) == ("replacement", old["ends_on"])
    settled = await claim_is(stage, made, "settled")
    assert settled["replaced_by"][-1] == {
        "id": str(second),
        "number": stage.shop.numbers[second],
        "status": "completed",
        "serials": [serial],
    }


async def test_months_that_are_added_to_what_was_left_are_counted_at_once(stage: Stage) -> None:
    """WAR-01: from the end that was handed on, however often it is extended."""
    _, [warranty] = await sold(stage)
    made = await claim(stage, warranty)
    await comes_in(stage, made)
    new, _ = await replaced(stage, made)
    [rest] = await warranties(stage, new)
    async with calling(stage) as callers:
        for _ in range(2):
            path, body = f"/warranties/{rest['id']}/extend", {"months": 1, "reason": "Slow."}
            answered = await callers.post(path, body, role="support")
            assert answered.status_code == 200, answered.text
    [longer] = await warranties(stage, new)
    assert longer["ends_on"] == months_after(rest["ends_on"], 2)


async def sent_again(stage: Stage, back: Any) -> OrderId:
    """Return the order that sends anew what came back undelivered."""

    async def there() -> Any:
        async with calling(stage) as callers:
            seen = (await callers.get(f"/returns/{back['id']}", role="support")).json()
        return seen["replacement_order"]

    order = await eventually(there)
    order_id = OrderId(UUID(order["id"]))
    stage.shop.numbers[order_id] = order["number"]
    return order_id
