"""Voids by hand: reserved money that is not needed goes, and what is needed only if told so."""

import asyncio

import pytest

from domain.tasks import TaskKind
from tests.patience import eventually
from tests.workflows.hand_stories import (
    ask,
    booked,
    left_of,
    let_go,
    one_less,
    payment_of,
    settled,
    taken,
)
from tests.workflows.money_stories import held_for, until
from tests.workflows.refund_stories import usd
from tests.workflows.stage import Stage


async def test_what_goods_still_need_is_let_go_only_if_told_so(stage: Stage) -> None:
    """Payments R2: then the order waits on hold, and another card lets it go on."""
    mug = await stage.shop.item(AUS=1)
    order = await stage.shop.place((mug, 1), postal_code="00000")
    await stage.shipment(order, "pending")
    total = (await stage.paid(order)).authorized
    refused = await ask(stage, order, "void", 100)
    assert left_of(refused) == 0
    assert "although_needed" in refused.json()["detail"]
    first = await payment_of(stage, order)
    await let_go(stage, order, although_needed=True)
    await until(stage, order, authorized=0, voided=total, in_flight=0)
    assert await eventually(lambda: held_for(stage, order, "awaiting_payment"))
    assert (await stage.moved(order))["void"] == total
    assert left_of(await ask(stage, order, "void", 1, although_needed=True)) == 0
    await stage.pay(order, "tok_ok")
    await until(stage, order, authorized=total)
    assert await payment_of(stage, order) != first
    await stage.cancel(order)
    await until(stage, order, authorized=0)


async def test_what_cancelled_units_do_not_need_can_be_let_go_early(stage: Stage) -> None:
    order, before, total = await booked(stage)
    shipment = await one_less(stage, order, before)
    spare = left_of(await ask(stage, order, "void", total))
    assert 0 < spare < total
    await let_go(stage, order, spare)
    await until(stage, order, voided=spare, in_flight=0)
    await stage.travel(shipment, "delivered")
    assert await stage.result(stage.run(order)) == "completed"
    await until(stage, order, captured=total - spare, authorized=0)
    assert (await stage.moved(order))["void"] == spare


@pytest.mark.parametrize("verb", ["void", "capture"])
async def test_a_parcel_that_left_while_finance_was_asked_about_money_by_hand_is_paid_for_then(
    stage: Stage, verb: str
) -> None:
    """Payments R1: the hand-over waits for the answer, and then takes what is due by itself."""
    order, before, total = await booked(stage)
    shipment = await one_less(stage, order, before)
    spare = left_of(await ask(stage, order, "void", total))
    await stage.payments.fault("wrong_amount", verb, amount=40, currency="USD")
    assert (await ask(stage, order, verb, 30)).status_code == 200
    await stage.task(TaskKind.PAYMENT_MISMATCH, order)
    await stage.travel(shipment, "delivered")
    await stage.wait_says(stage.tracking(shipment), "Waiting for a person")
    assert (await stage.paid(order)).captured == 0
    await stage.decide(TaskKind.PAYMENT_MISMATCH, order, "theirs")
    assert await stage.result(stage.run(order)) == "completed"
    await until(stage, order, captured=total - spare, authorized=0)
    query = "SELECT count(*)::int FROM tasks WHERE document_id = :id"
    assert await stage.shop.one(query, id=shipment) == 0


async def test_twenty_voids_at_once_let_the_spare_money_go_once(stage: Stage) -> None:
    order, before, total = await booked(stage)
    await one_less(stage, order, before)
    spare = left_of(await ask(stage, order, "void", total))
    answers = await asyncio.gather(*(ask(stage, order, "void", spare) for _ in range(20)))
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 19
    await until(stage, order, voided=spare, in_flight=0)
    assert (await stage.moved(order))["void"] == spare


async def test_a_capture_and_a_void_share_what_is_reserved(stage: Stage) -> None:
    order, shipment, total = await booked(stage)
    await stage.payments.fault("http_503", "capture", times=2)
    await taken(stage, order, 1_000)
    assert left_of(await ask(stage, order, "void", total, although_needed=True)) == total - 1_000
    assert left_of(await ask(stage, order, "capture", total)) == total - 1_000
    await until(stage, order, captured=1_000, in_flight=0)
    await stage.travel(shipment, "in_transit")
    await until(stage, order, captured=total)


async def test_another_card_pays_by_hand_for_goods_whose_capture_was_refused(
    stage: Stage,
) -> None:
    """The first card's money is let go, the second card's taken; the question goes away."""
    order, shipment, total = await booked(stage, token="tok_capture_declined")
    await stage.travel(shipment, "delivered")
    await stage.task(TaskKind.CAPTURE_FAILED, shipment)
    await let_go(stage, order, although_needed=True)
    await until(stage, order, authorized=0, in_flight=0)
    await stage.pay(order, "tok_ok")
    await until(stage, order, authorized=total)
    await taken(stage, order)
    await stage.order(order, "completed")
    now = await settled(stage, order)
    assert (now["captured"], now["authorized"]) == (usd(total), usd(0))
    query = "SELECT status FROM tasks WHERE document_id = :id AND kind = 'capture_failed'"
    assert await stage.shop.one(query, id=shipment) == "cancelled"


async def test_a_void_that_the_provider_refuses_is_told_to_finance(stage: Stage) -> None:
    """Payments R2: the money is still reserved, so the goods go as if nothing had been asked."""
    order, shipment, total = await booked(stage, token="tok_void_declined")
    await let_go(stage, order, 500, although_needed=True)
    told = await stage.task(TaskKind.UNDO_FAILED, order)
    assert (told["role"], told["facts"]["refused"]["amount"]) == ("finance", usd(500))
    assert "drop the reservation of 5.00 USD: The bank declined" in told["question"]
    await until(stage, order, authorized=total, in_flight=0)
    await stage.travel(shipment, "delivered")
    await until(stage, order, captured=total)


async def test_a_void_of_a_cancelled_order_finishes_what_its_run_could_not(stage: Stage) -> None:
    order, _, total = await booked(stage)
    await stage.cancel(order)
    await until(stage, order, authorized=0, voided=total)
    assert left_of(await ask(stage, order, "void", 1)) == 0
    late = await ask(stage, order, "capture", 1)
    assert (late.status_code, late.json()["code"]) == (409, "illegal_move")
