"""Every step may run twice: the second time changes nothing, wherever the first one ended."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain.documents import Document, Kind
from domain.holds import HoldPlacement, HoldReason, HoldRelease
from domain.ids import OrderId, RefundId, ReturnId, ShipmentId, TaskId, new_id
from domain.orders.requests import Cancellation, UndoFailure
from domain.orders.status import CancelReason, CaptureOn
from domain.returns.status import Disposition, Expiry, ResolutionWanted
from domain.shipments.outcomes import ShipmentDecision
from domain.tasks import Decision
from gateways.failures import PartnerFailure
from tests.activities.awaited import arrived
from tests.activities.bench import Bench
from tests.activities.claimed import refunded, unshown
from tests.activities.older import told_to_try_again
from tests.activities.supplied import ONLY_LOOKS, to_supply
from tests.patience import eventually

Ready = Callable[[Bench], Awaitable[Any]]
"""Brings a document so far that a step is due, and returns what the step is given."""


async def _order(bench: Bench) -> OrderId:
    return await bench.placed()


async def _to_capture(bench: Bench) -> OrderId:
    order = await bench.placed(capture_on=CaptureOn.CONFIRMATION)
    await bench.take("authorize_payment", order)
    return order


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


async def _to_withdraw(bench: Bench) -> OrderId:
    order, _ = await bench.booked(AUS=2)
    await bench.shop.cancel_units(order, 1)
    return order


async def _withdrawn(bench: Bench) -> OrderId:
    order = await _to_withdraw(bench)
    await bench.take("withdraw_labels", order)
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
    return (await bench.booked())[0]


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
    _, shipment = await told_to_try_again(bench, begun=True)
    return shipment


async def _uncaptured(bench: Bench) -> ShipmentId:
    _, shipment = await bench.sent("tok_capture_declined")
    return shipment


async def _to_retry(bench: Bench) -> ShipmentDecision:
    return await _decided(bench, await _uncaptured(bench), "retry")


async def _to_decide(bench: Bench) -> Decision:
    return await _asked(bench, await _uncaptured(bench), "retry")


async def _asked(bench: Bench, shipment: ShipmentId, choice: str) -> Decision:
    query = "SELECT id FROM tasks WHERE document_id = :id AND status = 'open'"
    task = await bench.shop.one(query, id=shipment)
    return Decision(task_id=TaskId(task), choice=choice, actor="person")


async def _decided(bench: Bench, shipment: ShipmentId, choice: str) -> ShipmentDecision:
    decision = await _asked(bench, shipment, choice)
    await bench.take("decide_task", decision)
    return ShipmentDecision(shipment_id=shipment, decision=decision)


async def _to_give_back(bench: Bench) -> RefundId:
    _, refund = await bench.refund()
    return refund


async def _to_settle(bench: Bench) -> ReturnId:
    return await bench.inspected_return()


async def _to_expire(bench: Bench) -> Expiry:
    back = await bench.authorized_return()
    return Expiry(return_id=back, now=datetime.now(UTC) + timedelta(days=31))


async def _to_ask_about(bench: Bench) -> Expiry:
    back = await bench.inspected_return(ResolutionWanted.REPLACEMENT, Disposition.SCRAP)
    await bench.take("settle_return", back)
    return Expiry(return_id=back, now=datetime.now(UTC) + timedelta(days=8))


READY: dict[str, Ready] = {
    "authorize_payment": _order,
    "capture_payment": _to_capture,
    "void_payment": _cancelled,
    "cancel_order": _cancellation,
    "request_cancellation": _cancellation,
    "resume_order": _stopped,
    "complete_order": _to_complete,
    "cancel_order_lines": _withdrawn,
    "place_hold": _hold,
    "release_hold": _release,
    "report_undo_failure": _undo_failure,
    "book_shipment": _to_book,
    "recall_shipments": _labelled,
    "withdraw_labels": _to_withdraw,
    "hand_over_shipment": _scanned,
    "settle_shipment": _delivered,
    "retry_capture": _to_retry,
    "write_off_capture": _uncaptured,
    "refund_shipment": _lost,
    "write_off_shipment": _lost_for_good,
    "repeat_refund": _to_refund_again,
    "submit_refund": _to_give_back,
    "settle_return": _to_settle,
    "expire_return": _to_expire,
    "ask_about_replacement": _to_ask_about,
    "book_return_label": Bench.return_to_label,
    "void_return_label": Bench.label_to_void,
    "decide_task": _to_decide,
    "settle_claim": refunded,
    "deny_unevidenced": unshown,
    "serve_waiting": arrived,
    "look_at_work_order": to_supply,
}


async def test_goods_are_replaced_once_however_often_the_step_is_taken(bench: Bench) -> None:
    back = await bench.inspected_return(ResolutionWanted.REPLACEMENT)
    await bench.take("settle_return", back)
    once = await bench.everything()
    await bench.take("settle_return", back, attempt=2)
    assert await bench.everything() == once
    query = "SELECT kind FROM orders WHERE replaces_return_id = :id"
    assert await bench.shop.rows(query, id=back) == [{"kind": "replacement"}]


def test_every_step_is_tested_here(workbench: Bench) -> None:
    assert set(READY) == set(workbench.steps)


@pytest.mark.parametrize("step", READY)
async def test_a_step_that_is_taken_again_changes_nothing_more(bench: Bench, step: str) -> None:
    given = await READY[step](bench)
    before = await bench.everything()
    await bench.take(step, given)
    once = await bench.everything()
    assert (once == before) == (step in ONLY_LOOKS)
    await bench.take(step, given, attempt=2)
    assert await bench.everything() == once


AT_PARTNERS = [
    ("authorize_payment", "payments", "authorize"),
    ("capture_payment", "payments", "capture"),
    ("void_payment", "payments", "void"),
    ("hand_over_shipment", "payments", "capture"),
    ("retry_capture", "payments", "capture"),
    ("repeat_refund", "payments", "refund"),
    ("submit_refund", "payments", "refund"),
    ("book_shipment", "carrier", "book"),
    ("recall_shipments", "carrier", "void"),
    ("withdraw_labels", "carrier", "void"),
    ("book_return_label", "carrier", "book"),
    ("void_return_label", "carrier", "void"),
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
    assert await bench.broken() == []  # Each key was executed once, and each label sold once.


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
