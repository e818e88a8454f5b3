"""Fees of returns and refunds: shown before, kept once, on real servers."""

from random import Random
from typing import Any
from uuid import UUID

import pytest

from domain.ids import OrderId
from domain.tasks import TaskKind
from tests.storefront import an_order
from tests.workflows.asking import calling
from tests.workflows.money_stories import until
from tests.workflows.refund_stories import ask, delivered, is_now, usd
from tests.workflows.return_stories import (
    ask_all_back,
    ask_back,
    back_is,
    found,
    inspect,
    receive,
)
from tests.workflows.stage import Stage


async def charge(stage: Stage, line: Any, rate: str) -> None:
    """Have a share of the money for an item's returned units kept from now on."""
    async with calling(stage) as callers:
        change = {"restocking_fee_rate": rate}
        answer = await callers.ask("PATCH", f"/items/{line['item_id']}", json=change)
    assert answer.status_code == 200, answer.text


async def estimated(stage: Stage, order: UUID, lines: list[Any], **rest: Any) -> Any:
    """Ask what a return would give back."""
    async with calling(stage) as callers:
        body = {"order_id": str(order), "lines": lines, **rest}
        answer = await callers.post(
            "/returns/preview", body, role="customer", customer_id=stage.shop.customer_id
        )
    assert answer.status_code == 200, answer.text
    return answer.json()


async def comes(stage: Stage, back: Any) -> Any:
    """Have all of a return come and be accepted; returns the closed return."""
    await receive(stage, back, *(line["quantity"] for line in back["lines"]))
    units = [found(back, line["quantity"], line=nth) for nth, line in enumerate(back["lines"])]
    await inspect(stage, back, *units)
    return await back_is(stage, back, "closed")


def wanted(line: Any, units: int, reason: str | None = "changed_mind") -> dict[str, Any]:
    return {"order_line_id": line["id"], "quantity": units, "reason": reason}


async def test_a_restocking_fee_is_shown_before_and_kept(stage: Stage) -> None:
    """Returns R9: 15 % of the share; the refund, the estimate and the return say so."""
    order, line = await delivered(stage, 2)
    await charge(stage, line, "0.15")
    each = line["total"]["amount"] // 2
    fee = each * 15 // 100
    shown = await estimated(stage, order, [wanted(line, 1)])
    [one] = shown["orders"]
    assert (shown["amount"], shown["fee"]) == (usd(each - fee), usd(fee))
    assert (one["lines"][0]["amount"], one["lines"][0]["fee"]) == (usd(each), usd(fee))
    back = await ask_back(stage, order, line)
    assert back["lines"][0]["restocking_fee_rate"] == "0.150000"
    # What was shown holds, whatever becomes of the item.
    await charge(stage, line, "0.5")
    closed = await comes(stage, back)
    assert closed["refunded"] == usd(each - fee)
    async with calling(stage) as callers:
        path = f"/refunds/{closed['refunds'][0]['id']}"
        refund = (await callers.get(path, role="finance")).json()
    assert (refund["amount"], refund["fee"]) == (usd(each - fee), usd(fee))
    assert (refund["lines"][0]["amount"], refund["lines"][0]["fee"]) == (usd(each), usd(fee))
    await until(stage, order, refunded=each - fee, refunding=0)
    await charge(stage, line, "0")
    last = await comes(stage, await ask_back(stage, order, line))
    assert last["refunded"] == usd(line["total"]["amount"] - each)
    assert await stage.broken() == []


@pytest.mark.parametrize(
    ("kind", "reason"), [("standard", "wrong_item"), ("withdrawal", "changed_mind")]
)
async def test_our_own_fault_and_a_withdrawal_cost_no_fee(
    stage: Stage, kind: str, reason: str
) -> None:
    order, line = await delivered(stage, 2)
    await charge(stage, line, "0.15")
    each = line["total"]["amount"] // 2
    shown = await estimated(stage, order, [wanted(line, 1, reason)], kind=kind)
    assert (shown["amount"], shown["fee"]) == (usd(each), usd(0))
    closed = await comes(stage, await ask_back(stage, order, line, reason=reason, kind=kind))
    assert closed["refunded"] == usd(each)


def worn(amount: int, reason: str = "A pole is bent.") -> dict[str, Any]:
    return {"amount": usd(amount), "reason": reason}


async def test_what_is_deducted_for_their_state_is_kept_and_told_with_its_reason(
    stage: Stage,
) -> None:
    """Returns R9: beside the restocking fee; it is the customer's to read, and stays."""
    order, line = await delivered(stage, 2)
    await charge(stage, line, "0.1")
    back = await ask_back(stage, order, line, 2)
    await receive(stage, back, 2)
    done = await inspect(stage, back, found(back), found(back, deduction=worn(333)))
    shown = [each["deduction"] for each in done["lines"][0]["dispositions"]]
    assert shown == [None, worn(333)]
    closed = await back_is(stage, back, "closed", role="support")
    total = line["total"]["amount"]
    fee = total // 10 + 333
    assert closed["refunded"] == usd(total - fee)
    async with calling(stage) as callers:
        mine = {"role": "customer", "customer_id": stage.shop.customer_id}
        told = (await callers.get(f"/returns/{back['id']}", **mine)).json()
        refund = (await callers.get(f"/refunds/{closed['refunds'][0]['id']}")).json()
    assert told["lines"][0]["dispositions"][1]["deduction"] == worn(333)
    assert (refund["fee"], refund["lines"][0]["amount"]) == (usd(fee), usd(total))
    assert await stage.broken() == []


async def test_a_deduction_of_more_than_the_money_leaves_nothing_to_give(stage: Stage) -> None:
    """No refund is made, and the return is closed all the same."""
    order, line = await delivered(stage)
    back = await ask_back(stage, order, line)
    await receive(stage, back, 1)
    await inspect(stage, back, found(back, deduction=worn(line["total"]["amount"] + 1)))
    closed = await back_is(stage, back, "closed")
    assert (closed["refunded"], closed["refunds"]) == (usd(0), [])
    assert await stage.broken() == []


async def test_a_deduction_has_an_amount_a_reason_and_accepted_units_in_the_returns_currency(
    stage: Stage,
) -> None:
    order, line = await delivered(stage)
    back = await ask_back(stage, order, line)
    await receive(stage, back, 1)
    for odd in (worn(0), worn(5, " "), {"amount": usd(5)}):
        await inspect(stage, back, found(back, deduction=odd), status=422)
    rejected = found(back, 1, "return_to_customer", deduction=worn(5))
    await inspect(stage, back, rejected, status=422)
    euros = {"amount": {"amount": 5, "currency": "EUR"}, "reason": "worn"}
    refused = await inspect(stage, back, found(back, deduction=euros), status=422)
    assert refused["errors"][0]["pointer"] == "/lines/0/deduction/amount/currency"


async def test_nothing_is_deducted_of_goods_that_are_replaced(stage: Stage) -> None:
    """They bring no money: it would have no effect. Without it they are inspected and replaced."""
    order, line = await delivered(stage, 2)
    back = await ask_back(stage, order, line, 2, resolution_wanted="replacement")
    await receive(stage, back, 2)
    fine = found(back, 1, "scrap")
    refused = await inspect(stage, back, fine, found(back, deduction=worn(333)), status=422)
    assert refused["errors"] == [
        {"pointer": "/lines/1/deduction", "message": "not of goods that are replaced"}
    ]
    assert "replaced" in refused["detail"]
    done = await inspect(stage, back, fine, found(back))
    assert [each["deduction"] for each in done["lines"][0]["dispositions"]] == [None, None]


async def test_what_was_deducted_can_be_revised_until_the_money_is_promised(stage: Stage) -> None:
    order, line = await delivered(stage, 2)
    back = await ask_back(stage, order, line, 2)
    await receive(stage, back, 2)
    half = await inspect(stage, back, found(back, deduction=worn(500)))
    first = half["lines"][0]["dispositions"][0]["id"]
    await inspect(stage, back, found(back, 2, deduction=worn(100)), revise=[first])
    closed = await back_is(stage, back, "closed")
    assert closed["refunded"] == usd(line["total"]["amount"] - 100)


async def test_staff_keeps_a_fee_of_a_refund(stage: Stage) -> None:
    """Payments 7: `fee` beside lines; the units count in full, so that none of it goes back."""
    order, line = await delivered(stage, 2)
    total = line["total"]["amount"]
    lines = [{"order_line_id": line["id"], "units": 2}]
    asked = await ask(stage, order_id=str(order), lines=lines, fee=usd(700))
    assert (asked["amount"], asked["fee"]) == (usd(total - 700), usd(700))
    done = await is_now(stage, asked, "succeeded")
    assert done["lines"][0]["amount"] == usd(total)
    await until(stage, order, refunded=total - 700)
    assert (await stage.moved(order))["refund"] == total - 700
    again = await ask(
        stage,
        order_id=str(order),
        lines=[{"order_line_id": line["id"], "amount": usd(1)}],
        status=409,
    )
    assert (again["code"], again["remaining"]) == ("amount_exceeded", usd(0))
    # What was kept can still be given back, as goodwill.
    await is_now(stage, await ask(stage, order_id=str(order), goodwill=usd(700)), "succeeded")
    assert await stage.broken() == []


async def test_when_another_amount_moves_the_fee_stays_and_the_goods_count_less(
    stage: Stage,
) -> None:
    order, line = await delivered(stage, 2)
    await stage.payments.fault("wrong_amount", "refund", amount=700, currency="USD")
    lines = [{"order_line_id": line["id"], "units": 1}]
    asked = await ask(stage, order_id=str(order), lines=lines, fee=usd(300))
    await stage.task(TaskKind.PAYMENT_MISMATCH, UUID(asked["id"]))
    await stage.decide(TaskKind.PAYMENT_MISMATCH, UUID(asked["id"]), "theirs")
    done = await is_now(stage, asked, "succeeded")
    assert (done["amount"], done["fee"]) == (usd(700), usd(300))
    assert done["lines"][0]["amount"] == usd(1_000)
    await until(stage, order, refunded=700, refunding=0)
    assert await stage.broken() == []


async def test_a_fee_of_more_than_goes_back_is_refused(stage: Stage) -> None:
    order, line = await delivered(stage)
    lines = [{"order_line_id": line["id"], "units": 1}]
    body = {"order_id": str(order), "lines": lines, "fee": usd(line["total"]["amount"] + 1)}
    refused = await ask(stage, **body, status=409)
    assert refused["errors"][0]["pointer"] == "/fee/amount"
    async with calling(stage) as callers:
        preview = await callers.post("/refunds/preview", body, role="finance")
    assert preview.status_code == 409


async def sold(stage: Stage, chance: Random) -> tuple[OrderId, list[Any]]:
    """Deliver an order of some lines at a discount, with tax and postage and fees; its lines."""
    async with calling(stage) as callers:
        lines = []
        for _ in range(chance.randint(1, 3)):
            item = await stage.shop.item(AUS=6)
            rate = f"0.{chance.randrange(10**6):06}" if chance.random() < 0.8 else "0"
            change = {"restocking_fee_rate": rate}
            assert (await callers.ask("PATCH", f"/items/{item}", json=change)).status_code == 200
            lines.append(
                {
                    "item_id": str(item),
                    "quantity": chance.randint(1, 4),
                    "unit_price": usd(chance.randint(1, 1_999)),
                }
            )
        body = an_order(str(stage.shop.customer_id), {})
        body |= {
            "lines": lines,
            "ship_to": {**body["ship_to"], "postal_code": "78701", "country": "US"},
            "tax": usd(chance.randint(0, 500)),
            "shipping": usd(chance.choice([0, 1, 499, 1_500])),
        }
        placed = await callers.post("/orders", body)
        assert placed.status_code == 201, placed.text
    order = OrderId(UUID(placed.json()["id"]))
    stage.shop.numbers[order] = placed.json()["number"]
    shipment = await stage.shipment(order, "booked")
    await stage.travel(shipment, "delivered")
    await stage.order(order, "completed")
    async with calling(stage) as callers:
        return order, (await callers.get(f"/orders/{order}")).json()["lines"]


@pytest.mark.parametrize("seed", range(4))
async def test_what_was_estimated_is_what_goes_back(stage: Stage, seed: int) -> None:
    """Discounts, tax, postage and fees, in several returns: nothing is given that was not taken."""
    chance = Random(seed)
    order, lines = await sold(stage, chance)
    taken = await stage.captured(order)
    left = {line["id"]: line["quantity"] for line in lines}
    given = 0
    while any(left.values()):
        units = {key: chance.randint(0, count) for key, count in left.items()}
        if not any(units.values()):
            units = dict(left)
        reasons = ["changed_mind", "wrong_size", "missing_parts"]
        asked = [
            wanted(line, units[line["id"]], chance.choice(reasons))
            for line in lines
            if units[line["id"]]
        ]
        kind = chance.choice(["standard", "standard", "withdrawal"])
        shown = await estimated(stage, order, asked, kind=kind)
        closed = await comes(stage, await ask_all_back(stage, order, asked, kind=kind))
        assert closed["refunded"] == shown["amount"]
        given += shown["amount"]["amount"]
        assert (await stage.paid(order)).refunded == given <= taken
        left = {key: count - units[key] for key, count in left.items()}
    assert await stage.broken() == []
