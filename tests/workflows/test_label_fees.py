"""What a label costs who sends goods back under it: shown before, kept once, on real servers."""

from contextlib import AbstractContextManager
from typing import Any
from uuid import UUID

import pytest

from domain.tasks import TaskKind
from tests.patience import eventually
from tests.workflows.asking import calling, set_to
from tests.workflows.exact import Sold, sold
from tests.workflows.label_stories import bookings, label_is, number_of, parcel_is, without_label
from tests.workflows.refund_stories import delivered, is_now, usd
from tests.workflows.return_stories import (
    ask_all_back,
    ask_back,
    back_is,
    do,
    found,
    inspect,
    receive,
)
from tests.workflows.stage import Stage
from tests.workflows.test_fees import charge, estimated, wanted, worn


def costing(stage: Stage, fee: int = 495) -> AbstractContextManager[None]:
    """Have labels cost their users so much (STATESET_LABEL_FEE, in cents)."""
    return set_to(stage, label_fee={"USD": fee})


async def sent_back(stage: Stage, order: UUID, *lines: Any, fee: int = 495) -> Any:
    """Ask for lines to come back under a label, and send them; returns the return."""
    with costing(stage, fee):
        asked = [wanted(line, line["quantity"]) for line in lines]
        back = await ask_all_back(stage, order, asked, ship_back="label")
        if back["status"] == "requested":
            await do(stage, back, "authorize", "support")
    back = await label_is(stage, back, "booked")
    await stage.advance(number_of(back), "in_transit")
    return await parcel_is(stage, back, "in_transit")


async def arrived(stage: Stage, back: Any, **how: Any) -> None:
    """Have all of a return come and be accepted."""
    await receive(stage, back, *(line["quantity"] for line in back["lines"]))
    units = [
        found(back, line["quantity"], line=nth, **how) for nth, line in enumerate(back["lines"])
    ]
    await inspect(stage, back, *units)


async def refund_of(stage: Stage, back: Any, nth: int = 0) -> Any:
    async with calling(stage) as callers:
        path = f"/refunds/{back['refunds'][nth]['id']}"
        return (await callers.get(path, role="finance")).json()


async def test_what_a_label_costs_is_shown_before_and_kept_of_the_refund(stage: Stage) -> None:
    """Returns R5, R9: of 2 × 25.00 4.95 are kept; the estimate, return and refund say so."""
    order, [line] = await sold(stage, Sold(2, 2500, tax=400))
    with costing(stage):
        shown = await estimated(stage, order, [wanted(line, 2)], ship_back="label")
        own = await estimated(stage, order, [wanted(line, 2)])
    assert (own["amount"], own["fee"], own["label_fee"]) == (usd(5400), usd(0), usd(0))
    assert (shown["amount"], shown["fee"]) == (usd(4905), usd(495))
    [one] = shown["orders"]
    assert (shown["label_fee"], one["label_fee"]) == (usd(495), usd(495))
    # What the setting says later makes no difference to it.
    back = await sent_back(stage, order, line)
    assert back["label_fee"] == usd(495)
    await arrived(stage, back)
    closed = await back_is(stage, back, "closed")
    assert closed["refunded"] == usd(4905)
    refund = await refund_of(stage, closed)
    assert (refund["amount"], refund["fee"], refund["label_fee"]) == (usd(4905), usd(495), usd(495))
    assert (refund["lines"][0]["amount"], refund["lines"][0]["fee"]) == (usd(5400), usd(495))
    # Of 4.00 tax in 54.00 0.37 are in 4.95.
    assert refund["tax"] == one["tax"] == usd(363)
    assert (await stage.moved(order))["refund"] == 4905


async def test_the_fees_of_a_return_add_up_to_the_cent(stage: Stage) -> None:
    """10 % of 39.99 for restocking, 3.33 for its state and 4.95 for the label: 27.71 go back."""
    order, [line] = await sold(stage, Sold(1, 3999))
    await charge(stage, line, "0.1")
    back = await sent_back(stage, order, line)
    await arrived(stage, back, deduction=worn(333))
    closed = await back_is(stage, back, "closed")
    refund = await refund_of(stage, closed)
    assert (refund["fee"], refund["label_fee"], refund["amount"]) == (
        usd(1228),
        usd(495),
        usd(2771),
    )


async def test_goods_that_came_without_their_label_cost_nothing(stage: Stage) -> None:
    """The label goes back to the carrier, and all of the money to the customer."""
    order, [line] = await sold(stage, Sold(1, 2500))
    with costing(stage):
        back = await ask_back(stage, order, line, ship_back="label")
    back = await label_is(stage, back, "booked")
    await arrived(stage, back)
    closed = await back_is(stage, back, "closed")
    assert (closed["refunded"], closed["label"]["status"]) == (usd(2500), "voided")
    assert (await refund_of(stage, closed))["label_fee"] == usd(0)


async def test_a_label_that_the_carrier_says_was_used_is_charged_though_no_scan_was_heard(
    stage: Stage,
) -> None:
    """The money waits for the carrier's word on whether the label can be given back."""
    order, [line] = await sold(stage, Sold(1, 2500))
    with costing(stage):
        back = await ask_back(stage, order, line, ship_back="label")
    back = await label_is(stage, back, "booked")
    await stage.carrier.fault("drop_webhooks")
    await stage.carrier.fault("http_503", "void")
    path = f"/sandbox/parcels/{number_of(back)}/scans"
    await stage.carrier.ask("POST", path, {"code": "PU"})
    await arrived(stage, back)
    closed = await back_is(stage, back, "closed")
    assert (closed["refunded"], closed["label"]["status"]) == (usd(2005), "booked")
    assert [sold["voided"] for sold in await bookings(stage, back)] == [False]


@pytest.mark.parametrize(
    ("reason", "kind"),
    [("defective", "standard"), ("other", "standard"), ("changed_mind", "withdrawal")],
)
async def test_our_own_fault_another_reason_and_a_withdrawal_cost_no_label(
    stage: Stage, reason: str, kind: str
) -> None:
    order, line = await delivered(stage, 2)
    asked = [{**wanted(line, 1, reason), "comment": "The lid is cracked."}]
    with costing(stage):
        shown = await estimated(stage, order, asked, kind=kind, ship_back="label")
        back = await ask_all_back(stage, order, asked, kind=kind, ship_back="label")
    assert (shown["fee"], shown["label_fee"], back["label_fee"]) == (usd(0), usd(0), usd(0))


async def test_a_label_costs_no_more_than_the_goods_give_back(stage: Stage) -> None:
    """Of 3.00 nothing goes back, and the return is closed all the same."""
    order, [line] = await sold(stage, Sold(1, 300))
    with costing(stage):
        shown = await estimated(stage, order, [wanted(line, 1)], ship_back="label")
    assert (shown["amount"], shown["label_fee"]) == (usd(0), usd(300))
    back = await sent_back(stage, order, line)
    await arrived(stage, back)
    closed = await back_is(stage, back, "closed")
    assert (closed["refunded"], closed["refunds"]) == (usd(0), [])


async def test_one_label_for_goods_of_two_orders_is_charged_once_whatever_is_refunded_again(
    stage: Stage,
) -> None:
    """Of the first 25.00 4.95 are kept; the 600.00 of the second go back whole, asked for twice."""
    first, [mug] = await sold(stage, Sold(1, 2500))
    second, [lamp] = await sold(stage, Sold(1, 60000))
    back = await sent_back(stage, first, mug, lamp)
    await arrived(stage, back)
    waiting = await back_is(stage, back, "inspected")

    async def asked() -> Any:
        seen = await back_is(stage, waiting, "inspected")
        return seen if len(seen["refunds"]) == 2 else None

    waiting = await eventually(asked)
    assert [(await refund_of(stage, waiting, nth))["label_fee"] for nth in (0, 1)] == [
        usd(495),
        usd(0),
    ]
    await is_now(stage, waiting["refunds"][0], "succeeded")
    dear = waiting["refunds"][1]
    async with calling(stage) as callers:
        path = f"/refunds/{dear['id']}/cancel"
        answer = await callers.post(path, {"reason": "twice?"}, role="finance")
    assert answer.status_code == 200, answer.text
    await stage.decide(TaskKind.RETURN_UNSERVED, UUID(back["id"]), "refund_again")

    async def anew() -> Any:
        seen = await back_is(stage, waiting, "inspected")
        return seen["refunds"][2] if len(seen["refunds"]) == 3 else None

    again = await eventually(anew)
    await stage.decide(TaskKind.REFUND_APPROVAL, UUID(again["id"]), "approve")
    closed = await back_is(stage, back, "closed")
    assert closed["refunded"] == usd(2005 + 60000)
    assert (await stage.paid(first)).refunded == 2005
    assert (await stage.paid(second)).refunded == 60000


async def test_goods_that_come_another_way_because_no_label_was_sold_cost_nothing(
    stage: Stage,
) -> None:
    with costing(stage):
        _, back = await without_label(stage)
    assert back["label_fee"] == usd(495)
    await stage.decide(TaskKind.LABEL_REFUSED, UUID(back["id"]), "own")
    async with calling(stage) as callers:
        seen = (await callers.get(f"/returns/{back['id']}", role="support")).json()
    assert (seen["ship_back"], seen["label_fee"]) == ("own", usd(0))
