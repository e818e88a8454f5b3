"""A provider's reports of one order's money, in whatever order they come and however often."""

import random
from typing import Any
from uuid import UUID, uuid4

from db.ledgers import ledger_of
from domain.ids import OrderId, RefundId
from domain.payments import add_up
from gateways.payments.sandbox import SANDBOX_PAYMENTS
from tests.activities.bench import Bench
from tests.activities.test_ends_of_facts import told
from tests.seeds import seeds

SECONDS = 4
"""How long random orders of the reports are tried, beside the one in which they happened."""


async def _history(bench: Bench) -> tuple[OrderId, list[dict[str, Any]]]:
    """Let all of it happen at the provider; return the order, and what the provider reports of it.

    A refund of ours that fails days later, one of the dashboard, and a chargeback that is won.
    """
    order, refund = await bench.refund()
    assert await bench.take("submit_refund", RefundId(refund)) == "succeeded"
    reference = await bench.shop.one(
        "SELECT provider_reference FROM payments WHERE order_id = :id", id=order
    )
    key = await bench.shop.one(
        "SELECT key FROM payment_entries WHERE refund_id = :id AND phase = 'succeeded'", id=refund
    )
    [ours] = (await bench.payments.ask("GET", f"/operations?key={key}"))["data"]
    made = [ours]
    for what, amount in (("refunds", 150), ("chargebacks", 200)):
        path = f"/sandbox/authorizations/{reference}/{what}"
        made.append(await bench.payments.ask("POST", path, {"amount": amount, "currency": "USD"}))
    ended = [
        await bench.payments.ask("POST", "/sandbox/operations/settle", {"key": each, **_FAILED})
        for each in (key, made[2]["key"])
    ]
    return order, [*made, *ended]


_FAILED = {"outcome": "failed", "failure_code": "card_closed"}


async def _books(bench: Bench, order: UUID) -> dict[str, Any]:
    """Return what the books hold of an order's money, without names of their own."""
    query = """SELECT
        (SELECT jsonb_agg(jsonb_build_array(source, status, amount) ORDER BY source)
            FROM refunds WHERE order_id = o.id) AS refunds,
        (SELECT jsonb_agg(DISTINCT kind) FROM tasks
            WHERE status = 'open' AND (document_id = o.id
                OR document_id IN (SELECT id FROM refunds WHERE order_id = o.id))) AS asked
        FROM orders o WHERE o.id = :id"""
    [row] = await bench.shop.rows(query, id=order)
    async with bench.shop.books.read() as db:
        paid = add_up((await ledger_of(db, OrderId(order))).values)
    sums = ("captured", "refunded", "refunding", "charged_back", "authorized")
    return {**row, **{name: getattr(paid, name) for name in sums}}


async def _heard(bench: Bench, order: UUID, reports: list[dict[str, Any]]) -> dict[str, Any]:
    for operation in reports:
        fact = {"id": uuid4().hex, "type": f"operation.{operation['outcome']}", "data": operation}
        await told(bench, fact, SANDBOX_PAYMENTS.webhooks)
    return await _books(bench, order)


async def test_any_order_of_a_providers_reports_gives_the_same_books(bench: Bench) -> None:
    order, reports = await _history(bench)
    right = await _heard(bench, order, reports)
    assert (right["refunded"], right["charged_back"]) == (150, 0)
    assert right["refunds"] == [["goodwill", "failed", 100], ["provider", "succeeded", 150]]
    for seed in seeds(SECONDS):
        order, reports = await _history(bench)
        often = reports + random.Random(seed).choices(reports, k=2)
        random.Random(seed).shuffle(often)
        names = [f"{each['kind']} {each['outcome']}" for each in often]
        assert await _heard(bench, order, often) == right, (seed, names)
    assert await bench.broken() == []
