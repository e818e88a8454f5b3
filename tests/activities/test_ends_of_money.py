"""What becomes of a payment provider's fact that is no echo of our own request."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid4

import pytest

from activities.facts import FactIntake
from domain.money import Money
from gateways.failures import PartnerFailure
from gateways.payments.sandbox import SANDBOX_PAYMENTS
from tests.activities.bench import Bench
from tests.activities.crossing import cancelling, decide, lost, questions, refund_of
from tests.activities.test_ends_of_facts import told


def moved_by_the_provider(operation: Mapping[str, Any]) -> dict[str, Any]:
    """Return the event with which a provider tells of an operation."""
    return {"id": uuid4().hex, "type": f"operation.{operation['outcome']}", "data": {**operation}}


async def captured(bench: Bench, order: UUID) -> dict[str, Any]:
    """Return the provider's operation with which it captured an order's money."""
    key = await bench.shop.one(
        "SELECT e.key FROM payment_entries e JOIN payments p ON p.id = e.payment_id"
        " WHERE p.order_id = :id AND e.kind = 'capture' AND e.phase = 'succeeded'",
        id=order,
    )
    [operation] = (await bench.payments.ask("GET", f"/operations?key={key}"))["data"]
    return dict(operation)


async def problem_with(bench: Bench, order: UUID, **odd: Any) -> str:
    """Tell of an operation like the order's capture, but odd; return why a person is asked."""
    fact = moved_by_the_provider({**await captured(bench, order), **odd})
    row = await told(bench, fact, SANDBOX_PAYMENTS.webhooks)
    assert (row["state"], row["kind"]) == ("task", "unapplied_fact")
    assert fact["data"]["key"] in row["facts"]["raw"]
    return str(row["facts"]["problem"])


async def test_money_that_the_books_have_no_place_for_is_a_task_that_names_the_order(
    bench: Bench,
) -> None:
    """Kind 1: a capture in the dashboard, and a refund in another currency."""
    order, _ = await bench.sent()
    before = await bench.moved(order)
    number = await bench.shop.one("SELECT number FROM orders WHERE id = :id", id=order)
    own = {"id": f"op_{uuid4().hex}", "key": f"provider/{uuid4().hex}", "amount": 100}
    problem = await problem_with(bench, order, **own)
    assert f"{number}: the provider reports a capture of 1.00 USD" in problem
    other = {**own, "key": f"provider/{uuid4().hex}", "kind": "refund", "currency": "EUR"}
    assert "a refund of 1.00 EUR" in await problem_with(bench, order, **other)
    assert await bench.moved(order) == before


async def test_a_capture_taken_back_after_its_refund_is_a_person_s_to_untangle(
    bench: Bench,
) -> None:
    """T05: money was given back of what the provider says that it never took."""
    order, shipment = await lost(bench)
    await bench.take("refund_shipment", await decide(bench, shipment, "parcel_lost", "refund"))
    await bench.take("submit_refund", await refund_of(bench, shipment))
    problem = await problem_with(bench, order, outcome="failed", failure_code="card_closed")
    assert "of which we have given money back" in problem


async def test_money_that_is_taken_for_a_cancelled_order_goes_back_whole_and_once(
    bench: Bench,
) -> None:
    """Taken in the dashboard, say: it is not ours, and no person has to say so."""
    order = await bench.confirmed()
    await bench.take("cancel_order", cancelling(order))
    [payment] = await bench.shop.rows("SELECT * FROM payments WHERE order_id = :id", id=order)
    money = Money(amount=payment["amount"], currency=payment["currency"])
    key = f"dashboard/{order}"
    await bench.at_payments.capture(key, payment["provider_reference"], money)
    [operation] = (await bench.payments.ask("GET", f"/operations?key={key}"))["data"]
    fact = moved_by_the_provider(operation)
    assert (await told(bench, fact, SANDBOX_PAYMENTS.webhooks))["state"] == "applied"
    again = {**fact, "id": uuid4().hex}
    assert (await told(bench, again, SANDBOX_PAYMENTS.webhooks))["state"] == "ignored"
    [refund] = await bench.shop.rows("SELECT * FROM refunds WHERE order_id = :id", id=order)
    assert (refund["source"], refund["status"]) == ("cancellation", "approved")
    for attempt in (1, 2):
        assert await bench.take("submit_refund", refund["id"], attempt) == "succeeded"
    await bench.take("void_payment", order)
    paid = "SELECT sum(amount)::int FROM payment_entries WHERE refund_id = :id AND phase = :phase"
    assert await bench.shop.one(paid, id=refund["id"], phase="succeeded") == money.amount
    assert await bench.broken() == []

    late = {**fact["data"], "outcome": "failed", "failure_code": "card_closed"}
    row = await told(bench, moved_by_the_provider(late), SANDBOX_PAYMENTS.webhooks)
    assert (row["state"], row["kind"]) == ("task", "unapplied_fact")


async def test_a_lost_parcel_s_refund_fails_when_its_capture_is_taken_back_before_its_turn(
    bench: Bench,
) -> None:
    """T05: nothing is given back of what the provider says that it never took."""
    order, shipment = await lost(bench)
    await bench.take("refund_shipment", await decide(bench, shipment, "parcel_lost", "refund"))
    refund = await refund_of(bench, shipment)
    settlement = {"key": (await captured(bench, order))["key"], "outcome": "failed"}
    operation = await bench.payments.ask("POST", "/sandbox/operations/settle", settlement)
    row = await told(bench, moved_by_the_provider(operation), SANDBOX_PAYMENTS.webhooks)
    assert row["state"] == "applied"
    assert await bench.take("submit_refund", refund) == "failed"
    assert set(await questions(bench, refund)) == {"refund_failed"}
    assert "refund" not in await bench.moved(order)


@pytest.mark.parametrize("part", ["goodwill", "units", "shipping"])
@pytest.mark.parametrize("under_way", [False, True], ids=["given back", "under way"])
async def test_a_capture_of_which_a_refund_gives_money_back_stays_until_a_person_untangles_it(
    bench: Bench, part: str, under_way: bool
) -> None:
    """T05: a refund of its own rests on its capture, whatever it gives back, and while it moves."""
    order, refund = await bench.refund(part)
    if under_way:
        await bench.payments.fault("timeout_after_success", "refund", delay_seconds=0.01)
        with pytest.raises(PartnerFailure):
            await bench.take("submit_refund", refund)
    else:
        await bench.take("submit_refund", refund)
    problem = await problem_with(bench, order, outcome="failed", failure_code="card_closed")
    assert "of which we have given money back" in problem
    await bench.take("submit_refund", refund, attempt=2)
    status = await bench.shop.one("SELECT status FROM refunds WHERE id = :id", id=refund)
    assert status == "succeeded"
    assert await bench.broken() == []


async def test_a_failure_that_comes_before_the_answer_waits_for_it(bench: Bench) -> None:
    """T05: the step that asked still counts what it heard, so the failure is looked at after it."""
    order, [shipment] = await bench.booked()
    await bench.payments.fault("timeout_after_success", "capture", delay_seconds=0.01)
    await bench.scan(shipment, "PU")
    with pytest.raises(PartnerFailure):
        await bench.take("hand_over_shipment", shipment)
    operation = (await bench.payments.ask("GET", f"/operations?key=capture/{shipment}"))["data"][0]
    failed = {**operation, "outcome": "failed", "failure_code": "card_closed"}
    row = await told(bench, moved_by_the_provider(failed), SANDBOX_PAYMENTS.webhooks)
    assert (row["state"], row["kind"]) == ("waiting", None)
    await bench.take("hand_over_shipment", shipment, attempt=2)
    settlement = {"key": operation["key"], "outcome": "failed"}
    await bench.payments.ask("POST", "/sandbox/operations/settle", settlement)
    await FactIntake(bench.shop.books).apply([row["id"]])
    query = "SELECT state FROM inbound_facts WHERE id = :id"
    assert await bench.shop.one(query, id=row["id"]) == "applied"
    captures = "SELECT captured_amount FROM order_lines WHERE order_id = :id"
    assert await bench.shop.one(captures, id=order) == 0
    assert await bench.broken() == []


async def test_the_end_of_an_authorization_that_was_used_up_says_that_nothing_was_reserved(
    bench: Bench,
) -> None:
    """All of it was captured, and it was told again: the fact changes nothing, and says why."""
    order, _ = await bench.sent()
    operation = await captured(bench, order)
    key = await bench.shop.one(
        "SELECT e.key FROM payment_entries e JOIN payments p ON p.id = e.payment_id"
        " WHERE p.order_id = :id AND e.kind = 'authorization' AND e.phase = 'succeeded'",
        id=order,
    )
    ended = {"key": key, "kind": "authorization", "outcome": "failed", "failure_code": "expired"}
    before = await bench.moved(order)
    for _ in range(2):
        fact = moved_by_the_provider({**operation, **ended, "id": f"op_{uuid4().hex}"})
        row = await told(bench, fact, SANDBOX_PAYMENTS.webhooks)
        assert (row["state"], "nothing was reserved" in row["note"]) == ("ignored", True)
    assert await bench.moved(order) == before
    assert await bench.broken() == []


async def test_a_success_told_after_the_failure_counts_no_more(bench: Bench) -> None:
    """Kind 1: a provider's messages come in any order; what failed in the end has failed."""
    order, shipment = await bench.sent()
    operation = await captured(bench, order)
    settlement = {"key": operation["key"], "outcome": "failed"}
    settled = await bench.payments.ask("POST", "/sandbox/operations/settle", settlement)
    row = await told(bench, moved_by_the_provider(settled), SANDBOX_PAYMENTS.webhooks)
    assert row["state"] == "applied"
    echo = await told(bench, moved_by_the_provider(operation), SANDBOX_PAYMENTS.webhooks)
    assert echo["state"] == "ignored"
    own = {"id": f"op_{uuid4().hex}", "key": f"provider/{uuid4().hex}", "kind": "refund"}
    for outcome, state in (("failed", "applied"), ("succeeded", "ignored")):
        fact = moved_by_the_provider({**operation, **own, "outcome": outcome, "amount": 1})
        assert (await told(bench, fact, SANDBOX_PAYMENTS.webhooks))["state"] == state
    asked = "SELECT count(*) FROM tasks WHERE document_id = :id AND kind = 'capture_failed'"
    assert await bench.shop.one(asked, id=shipment) == 1
    assert await bench.broken() == []


async def test_a_success_of_a_refund_told_after_its_failure_counts_only_if_the_provider_says_so(
    bench: Bench,
) -> None:
    """RET-09: a late message is no proof; asked by the key, the provider says that it failed."""
    order, refund = await bench.refund("goodwill")
    await bench.take("submit_refund", refund)
    key = f"refund/{refund}/1"
    [operation] = (await bench.payments.ask("GET", f"/operations?key={key}"))["data"]
    settlement = {"key": key, "outcome": "failed"}
    settled = await bench.payments.ask("POST", "/sandbox/operations/settle", settlement)
    assert (await told(bench, moved_by_the_provider(settled), SANDBOX_PAYMENTS.webhooks))["state"]
    echo = await told(bench, moved_by_the_provider(operation), SANDBOX_PAYMENTS.webhooks)
    assert (echo["state"], "is asked" in echo["note"]) == ("applied", True)
    for attempt in (1, 2):
        assert await bench.take("submit_refund", refund, attempt) == "failed"
    assert set(await questions(bench, refund)) == {"refund_failed"}
    query = "SELECT count(*)::int FROM refunds WHERE order_id = :id"
    assert await bench.shop.one(query, id=order) == 1


async def test_an_echo_without_our_key_is_known_by_the_provider_s_name_and_adds_no_refund(
    bench: Bench,
) -> None:
    """R10: matched by reference before anything is created, its later failure, too."""
    order, refund = await bench.refund("goodwill")
    await bench.take("submit_refund", refund)
    key = f"refund/{refund}/1"
    [operation] = (await bench.payments.ask("GET", f"/operations?key={key}"))["data"]
    unnamed = {**operation, "key": f"dashboard/{uuid4().hex}"}
    row = await told(bench, moved_by_the_provider(unnamed), SANDBOX_PAYMENTS.webhooks)
    assert row["state"] == "ignored"
    query = "SELECT count(*)::int FROM refunds WHERE order_id = :id"
    assert await bench.shop.one(query, id=order) == 1
    settlement = {"key": key, "outcome": "failed"}
    settled = await bench.payments.ask("POST", "/sandbox/operations/settle", settlement)
    failed = {**settled, "key": unnamed["key"]}
    row = await told(bench, moved_by_the_provider(failed), SANDBOX_PAYMENTS.webhooks)
    assert row["state"] == "applied"
    status = await bench.shop.one("SELECT status FROM refunds WHERE id = :id", id=refund)
    assert status == "failed"
    assert await bench.broken() == []
