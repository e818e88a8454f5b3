"""Every step may run twice: the second time changes nothing, wherever the first one ended."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from activities.tasks import accept_answer
from domain.access import Role
from domain.documents import Document, Kind
from domain.holds import HoldPlacement, HoldReason, HoldRelease
from domain.ids import OrderId, RefundId, ShipmentId, TaskId, new_id
from domain.orders.requests import Cancellation, UndoFailure
from domain.orders.status import CancelReason
from domain.shipments.outcomes import ShipmentDecision
from domain.tasks import Decision
from gateways.failures import PartnerFailure
from gateways.payments.sandbox import SANDBOX_PAYMENTS
from tests.activities.bench import Bench
from tests.patience import eventually

Ready = Callable[[Bench], Awaitable[Any]]
"""Brings a document so far that a step is due, and returns what the step is given."""


async def _order(bench: Bench) -> OrderId:
    return await bench.placed()


async def _undo_failure(bench: Bench) -> UndoFailure:
    return UndoFailure(order_id=await bench.placed(), reason="the carrier refuses")


async def _cancellation(bench: Bench) -> Cancellation:
    return _cancelling(await bench.confirmed())


def _cancelling(order: OrderId) -> Cancellation:
    return Cancellation(order_id=order, reason=CancelReason.FRAUD, actor="support")


async def _cancelled(bench: Bench) -> OrderId:
    order = await bench.confirmed()
    await bench.take("cancel_order", _cancelling(order))
    return order


async def _stopped(bench: Bench) -> OrderId:
    order, _ = await bench.booked()
    await bench.take("request_cancellation", _cancelling(order))
    await bench.take("recall_shipments", order)
    return order


def _holding(order: OrderId) -> HoldPlacement:
    return HoldPlacement(
        document=Document(Kind.ORDER, order),
        hold_id=new_id(),
        reason=HoldReason.MANUAL,
        note="",
        actor="support",
    )


def _releasing(placement: HoldPlacement) -> HoldRelease:
    return HoldRelease(document=placement.document, hold_id=placement.hold_id, actor="support")


async def _hold(bench: Bench) -> HoldPlacement:
    return _holding(await bench.placed())


async def _release(bench: Bench) -> HoldRelease:
    placement = await _hold(bench)
    await bench.take("place_hold", placement)
    return _releasing(placement)


async def _to_book(bench: Bench) -> ShipmentId:
    [shipment] = await bench.shipments(await bench.confirmed())
    return shipment


async def _labelled(bench: Bench) -> OrderId:
    order, _ = await bench.booked()
    return order


async def _scanned(bench: Bench) -> ShipmentId:
    _, [shipment] = await bench.booked()
    await bench.scan(shipment, "PU")
    return shipment


async def _delivered(bench: Bench) -> ShipmentId:
    _, shipment = await bench.sent()
    await bench.scan(shipment, "DL")
    return shipment


async def _to_complete(bench: Bench) -> OrderId:
    order, shipment = await bench.sent()
    await bench.scan(shipment, "DL")
    await bench.take("settle_shipment", shipment)
    return order


async def _lost(bench: Bench) -> ShipmentDecision:
    _, shipment = await bench.sent()
    await bench.scan(shipment, "LO")
    await bench.take("settle_shipment", shipment)
    return await _decided(bench, shipment, "refund")


async def _lost_for_good(bench: Bench) -> ShipmentId:
    return (await _lost(bench)).shipment_id


async def _to_refund_again(bench: Bench) -> ShipmentId:
    answer = await _lost(bench)
    await bench.take("refund_shipment", answer)
    settlement = {"key": f"refund/{answer.shipment_id}/{answer.decision.task_id}"}
    operation = await bench.payments.ask(
        "POST", "/sandbox/operations/settle", {**settlement, "outcome": "failed"}
    )
    fact = {"id": operation["id"], "type": "operation.failed", "data": operation}
    await bench.hear(SANDBOX_PAYMENTS.webhooks, f"late/{operation['id']}", fact)
    decision = await _asked(bench, answer.shipment_id, "retry")
    async with bench.shop.books.begin() as db:
        await accept_answer(db, decision, Role.FINANCE)
    return answer.shipment_id


async def _uncaptured(bench: Bench) -> ShipmentId:
    _, shipment = await bench.sent("tok_capture_declined")
    return shipment


async def _to_retry(bench: Bench) -> ShipmentDecision:
    return await _decided(bench, await _uncaptured(bench), "retry")


async def _to_decide(bench: Bench) -> Decision:
    return await _asked(bench, await _uncaptured(bench), "retry")


async def _asked(bench: Bench, shipment: ShipmentId, choice: str) -> Decision:
    task = await bench.shop.one(
        "SELECT id FROM tasks WHERE document_id = :id AND status = 'open'", id=shipment
    )
    return Decision(task_id=TaskId(task), choice=choice, actor="person")


async def _decided(bench: Bench, shipment: ShipmentId, choice: str) -> ShipmentDecision:
    decision = await _asked(bench, shipment, choice)
    await bench.take("decide_task", decision)
    return ShipmentDecision(shipment_id=shipment, decision=decision)


async def _to_give_back(bench: Bench) -> RefundId:
    _, refund = await bench.refund()
    return refund


READY: dict[str, Ready] = {
    "authorize_payment": _order,
    "void_payment": _cancelled,
    "cancel_order": _cancellation,
    "request_cancellation": _cancellation,
    "resume_order": _stopped,
    "complete_order": _to_complete,
    "place_hold": _hold,
    "release_hold": _release,
    "report_undo_failure": _undo_failure,
    "book_shipment": _to_book,
    "recall_shipments": _labelled,
    "hand_over_shipment": _scanned,
    "settle_shipment": _delivered,
    "retry_capture": _to_retry,
    "write_off_capture": _uncaptured,
    "refund_shipment": _lost,
    "write_off_shipment": _lost_for_good,
    "repeat_refund": _to_refund_again,
    "submit_refund": _to_give_back,
    "decide_task": _to_decide,
}


def test_every_step_is_tested_here(workbench: Bench) -> None:
    assert set(READY) == set(workbench.steps)


@pytest.mark.parametrize("step", READY)
async def test_a_step_that_is_taken_again_changes_nothing_more(bench: Bench, step: str) -> None:
    given = await READY[step](bench)
    before = await bench.everything()
    await bench.take(step, given)
    once = await bench.everything()
    assert once != before
    await bench.take(step, given, attempt=2)
    assert await bench.everything() == once


AT_PARTNERS = [
    ("authorize_payment", "payments", "authorize"),
    ("void_payment", "payments", "void"),
    ("hand_over_shipment", "payments", "capture"),
    ("retry_capture", "payments", "capture"),
    ("refund_shipment", "payments", "refund"),
    ("repeat_refund", "payments", "refund"),
    ("submit_refund", "payments", "refund"),
    ("book_shipment", "carrier", "book"),
    ("recall_shipments", "carrier", "void"),
]


@pytest.mark.parametrize("crash", ["timeout_before", "timeout_after_success", "malformed"])
@pytest.mark.parametrize(("step", "partner", "operation"), AT_PARTNERS)
async def test_a_step_that_broke_off_at_its_partner_ends_as_if_it_had_not(
    bench: Bench, step: str, partner: str, operation: str, crash: str
) -> None:
    given = await READY[step](bench)
    await getattr(bench, partner).fault(crash, operation, delay_seconds=0.01)
    with pytest.raises(PartnerFailure):
        await bench.take(step, given)
    await bench.take(step, given, attempt=2)
    ended = await bench.everything()
    await bench.take(step, given, attempt=3)
    assert await bench.everything() == ended
    # Each key was executed once at the provider, and each label sold once: the books say so.
    assert await bench.broken() == []


async def test_a_worker_that_dies_while_the_card_is_asked_leaves_one_authorization(
    bench: Bench,
) -> None:
    order = await bench.placed()
    await bench.payments.fault("slow", "authorize", delay_seconds=0.3)
    dying = asyncio.create_task(bench.take("authorize_payment", order))

    async def intended() -> bool:
        query = "SELECT count(*) FROM payment_entries e JOIN payments p ON p.id = e.payment_id"
        return bool(await bench.shop.one(f"{query} WHERE p.order_id = :id", id=order))

    await eventually(intended)
    dying.cancel()
    await asyncio.gather(dying, return_exceptions=True)

    progress = await bench.take("authorize_payment", order, attempt=2)
    assert progress.status == "confirmed"
    assert (await bench.moved(order))["authorization"][0] == 1
