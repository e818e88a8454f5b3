"""What a test needs to let two things cross: attempts that wait, questions, reports."""

from typing import Any
from uuid import UUID, uuid4

from domain.ids import OrderId, RefundId, ShipmentId, TaskId
from domain.orders.requests import Cancellation
from domain.orders.status import CancelReason
from domain.shipments.outcomes import ShipmentDecision
from domain.tasks import Decision
from gateways.payments.sandbox import SANDBOX_PAYMENTS
from tests.activities.attempts import Attempt
from tests.activities.bench import Bench


def cancelling(order: OrderId) -> Cancellation:
    """Return a request to cancel an order."""
    return Cancellation(order_id=order, reason=CancelReason.FRAUD, actor="support")


async def lost(bench: Bench) -> tuple[OrderId, ShipmentId]:
    """Return an order and its shipment, which the carrier lost and about which support is asked."""
    order, shipment = await bench.sent()
    await bench.scan(shipment, "LO")
    await bench.take("settle_shipment", shipment)
    return order, shipment


async def begin(bench: Bench, step: str, given: Any, doors: int = 0) -> Attempt:
    """Begin a step and let it pass so many of its stops at a partner."""
    attempt = Attempt(bench.take, step, given, 1)
    await attempt.until_stopped()
    for _ in range(doors):
        await attempt.go_on()
    assert not attempt.done
    return attempt


async def finish(attempt: Attempt) -> Any:
    """Let an attempt go on to its end; return what it came to."""
    while not attempt.done:
        await attempt.go_on()
    return attempt.result()


async def questions(bench: Bench, document: UUID) -> dict[str, Any]:
    """Return the open tasks about a document: kind and facts."""
    rows = await bench.shop.rows(
        "SELECT kind, facts FROM tasks WHERE document_id = :id AND status = 'open'", id=document
    )
    return {row["kind"]: row["facts"] for row in rows}


async def decide(bench: Bench, shipment: ShipmentId, kind: str, choice: str) -> ShipmentDecision:
    """Answer the open question of a kind about a shipment."""
    task = await bench.shop.one(
        "SELECT id FROM tasks WHERE document_id = :id AND kind = :kind AND status = 'open'",
        id=shipment,
        kind=kind,
    )
    decision = Decision(task_id=TaskId(task), choice=choice, actor="person")
    await bench.take("decide_task", decision)
    return ShipmentDecision(shipment_id=shipment, decision=decision)


async def refund_of(bench: Bench, shipment: ShipmentId) -> RefundId:
    """Return the one refund of a shipment."""
    query = "SELECT id FROM refunds WHERE shipment_id = :id"
    return RefundId(await bench.shop.one(query, id=shipment))


async def signals(bench: Bench, document: UUID) -> int:
    """Return how many signals wait to be told to a document's run."""
    query = "SELECT count(*) FROM outbox WHERE document_id = :id AND kind = 'signal'"
    return int(await bench.shop.one(query, id=document))


async def report(bench: Bench, order: OrderId) -> None:
    """Let the provider report how the authorization of an order stands."""
    key = await bench.shop.one(
        "SELECT DISTINCT e.key FROM payment_entries e JOIN payments p ON p.id = e.payment_id"
        " WHERE p.order_id = :id AND e.kind = 'authorization'",
        id=order,
    )
    [operation] = (await bench.payments.ask("GET", f"/operations?key={key}"))["data"]
    event_id = uuid4().hex
    fact = {
        "id": event_id,
        "type": f"operation.{operation['outcome']}",
        "created_at": operation["updated_at"],
        "data": operation,
    }
    await bench.hear(SANDBOX_PAYMENTS.webhooks, event_id, fact)
