"""Renewals that the bank declines stop the order while its money is there still."""

import pytest

from db.reads.payments import declines_of
from domain.errors import IllegalMove
from gateways.failures import PartnerFailure
from gateways.payments.sandbox import SANDBOX_PAYMENTS
from tests.activities.bench import Bench
from tests.activities.renewal import (
    DECLINED,
    SIX_DAYS,
    asked,
    at_provider,
    ending,
    held,
    pay,
    release,
    total_of,
)
from tests.activities.test_ends_of_money import moved_by_the_provider
from tests.aging import HOURS, age


@pytest.mark.parametrize("token", [DECLINED, "tok_action_required"])
async def test_a_declined_renewal_stops_the_order_and_asks_finance(
    bench: Bench, token: str
) -> None:
    """Payments R4: before the money is gone, so that the customer can pay again in time."""
    order = await bench.placed(token)
    progress = await bench.take("authorize_payment", order)
    if progress.unconfirmed:
        [operation] = (await bench.payments.ask("GET", "/ledger?limit=1000"))["data"][-1:]
        await bench.payments.ask("POST", f"/authorizations/{operation['authorization']}/confirm")
        await bench.take("authorize_payment", order)
    await age(bench, "payments", "authorization_expires_at", SIX_DAYS, order_id=order)
    total, [shipment] = await total_of(bench, order), await bench.shipments(order)
    await bench.take("authorize_payment", order)
    assert await held(bench, order) == ["awaiting_payment"]
    [task] = await asked(bench, order)
    assert (task["kind"], task["role"]) == ("renewal_failed", "finance")
    assert task["facts"]["refused"]["amount"] == {"amount": total, "currency": "USD"}
    assert await bench.take("book_shipment", shipment) == "held"
    assert await at_provider(bench, order) == [(0, 0, total)]


async def test_another_card_pays_while_the_first_is_still_reserved_and_that_is_dropped(
    bench: Bench,
) -> None:
    order = await ending(bench, DECLINED)
    total, [shipment] = await total_of(bench, order), await bench.shipments(order)
    await bench.take("authorize_payment", order)
    await pay(bench, order, "tok_declined")
    progress = await bench.take("authorize_payment", order)
    assert progress.held
    async with bench.shop.books.read() as db:
        # A renewal does not count as an attempt with a card.
        assert (await declines_of(db, order)).cards == 1
    await pay(bench, order)
    progress = await bench.take("authorize_payment", order)
    assert (progress.held, await asked(bench, order)) == (False, [])
    assert await at_provider(bench, order) == [(0, total, 0), (0, 0, total)]
    assert await bench.take("book_shipment", shipment) == "booked"
    with pytest.raises(IllegalMove):
        await pay(bench, order)


async def test_who_releases_the_hold_sends_the_goods_while_the_money_is_still_there(
    bench: Bench,
) -> None:
    """And once it is gone, they wait again."""
    order = await ending(bench, DECLINED, AUS=1, RNO=1)
    first, second = await bench.shipments(order)
    await bench.take("authorize_payment", order)
    await release(bench, order)
    assert (await held(bench, order), await asked(bench, order)) == ([], [])
    await bench.take("authorize_payment", order)
    assert await bench.take("book_shipment", first) == "booked"
    await bench.scan(first, "PU")
    assert not (await bench.take("hand_over_shipment", first)).owed
    await age(bench, "payments", "authorization_expires_at", 24 * HOURS, order_id=order)
    assert await bench.take("book_shipment", second) == "held"
    assert await held(bench, order) == ["awaiting_payment"]


@pytest.mark.parametrize("outcome", ["succeeded", "failed"])
async def test_the_provider_s_word_of_a_renewal_may_come_before_its_answer(
    bench: Bench, outcome: str
) -> None:
    order = await ending(bench, "tok_ok" if outcome == "succeeded" else DECLINED)
    total = await total_of(bench, order)
    await bench.payments.fault("timeout_after_success", "renew", delay_seconds=0.01)
    with pytest.raises(PartnerFailure):
        await bench.take("authorize_payment", order)
    [operation] = (await bench.payments.ask("GET", "/ledger?limit=1000"))["data"][-1:]
    assert operation["outcome"] == outcome
    fact = moved_by_the_provider(operation)
    await bench.hear(SANDBOX_PAYMENTS.webhooks, str(fact["id"]), fact)
    questions = len(await asked(bench, order))
    await bench.take("authorize_payment", order, attempt=2)
    stopped = outcome == "failed"
    assert await held(bench, order) == ["awaiting_payment"] * stopped
    assert questions == len(await asked(bench, order)) == stopped
    left = [(0, 0, total)] if stopped else [(0, total, 0), (0, 0, total)]
    assert await at_provider(bench, order) == left
