"""Orders accepted while a part of the product is away or stops: all of them are processed later."""

import asyncio
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from temporalio.client import Client

from tests.installation import Installation
from tests.patience import PATIENCE, eventually


@contextmanager
def frozen(installation: Installation, name: str) -> Iterator[None]:
    """Stop a process without ending it: its connections stay, and nothing is answered."""
    installation.signal(name, signal.SIGSTOP)
    try:
        yield
    finally:
        installation.signal(name, signal.SIGCONT)


async def test_orders_placed_while_temporal_is_away_are_processed_when_it_is_back(
    installation: Installation,
) -> None:
    sku = await installation.item(stock=30)
    waiting = await installation.place({sku: 1}, payment={"method": "card"})
    await installation.reaches(waiting, status="pending")
    with frozen(installation, "temporal"):
        placed = await asyncio.gather(*(installation.place({sku: 1}) for _ in range(20)))
        asked = time.monotonic()
        refused = await installation.http.post(f"/orders/{waiting}/cancel", json={})
        assert (refused.status_code, refused.json()["code"]) == (503, "timed_out")
        assert int(refused.headers["retry-after"]) >= 1
        assert time.monotonic() - asked < 30
        assert (await installation.show(waiting))["status"] == "pending"
        ready = (await installation.http.get("/health/ready")).json()
        assert ready["status"] == "degraded"
        assert ready["backlog"]["depth"] >= 20
        for order_id in placed:
            assert (await installation.show(order_id))["status"] == "pending"
    for order_id in placed:
        await installation.reaches(order_id, status="confirmed")
    assert (await installation.cancel(waiting)).status_code == 200
    await installation.reaches(waiting, status="cancelled")
    assert await installation.stock(sku) == (10, 20)
    await installation.assert_sound()


async def test_a_stopped_installation_goes_on_where_it_was(installation: Installation) -> None:
    sku = await installation.item(stock=30)
    at_carrier = await installation.place({sku: 1})
    numbers = await installation.booked(at_carrier)
    unpaid = await installation.place({sku: 1}, payment={"token": "tok_declined"})
    await installation.reaches(unpaid, payment_status="failed")
    fresh = await asyncio.gather(*(installation.place({sku: 1}) for _ in range(20)))

    assert await installation.stop(signal.SIGTERM) == 0
    await installation.start()

    for order_id in fresh:
        assert await installation.booked(order_id)
    await installation.travel(numbers)
    await installation.reaches(at_carrier, status="completed", payment_status="captured")
    await installation.post(f"/orders/{unpaid}/payments", {"token": "tok_ok"})
    await installation.reaches(unpaid, status="confirmed")
    answers = await asyncio.gather(*(installation.cancel(order_id) for order_id in fresh))
    assert {answer.status_code for answer in answers} == {200}
    for order_id in fresh:
        await installation.reaches(order_id, status="cancelled")
    assert await installation.stock(sku) == (28, 1)
    await installation.assert_sound()


async def test_what_an_order_waits_for_is_told_while_the_carrier_is_away(
    installation: Installation,
) -> None:
    await installation.carrier.fault("http_503", "book", times=3)
    order_id = await installation.place({await installation.item(stock=1): 1})

    async def tried_twice() -> dict[str, Any] | None:
        told = (await installation.shop.get(f"/orders/{order_id}/process")).body
        waits = told["waiting_for"]
        paused = waits and waits[0]["attempts"] == 2 and waits[0]["next_attempt_at"]
        return dict(told) if paused else None

    told = await eventually(tried_twice, PATIENCE, "the call was not tried again")
    wait = told["waiting_for"][0]
    assert wait["who"] == "a partner or system that fails"
    assert wait["what"] == "book shipment"
    assert "503" in wait["last_error"] or "unavailable" in wait["last_error"]
    assert "book shipment, tried 2 times" in told["summary"]
    order = await installation.show(order_id)
    since, next_try = (datetime.fromisoformat(wait[n]) for n in ("since", "next_attempt_at"))
    # It waits since the first try: after the confirmation, and two seconds before the third one.
    assert since > datetime.fromisoformat(order["confirmed_at"]) - timedelta(seconds=3)
    assert next_try - since > timedelta(seconds=1.5)
    assert await installation.booked(order_id)
    assert (await installation.cancel(order_id)).status_code == 200
    await installation.assert_sound()


async def test_a_run_that_somebody_stopped_is_told_and_started_again(
    installation: Installation,
) -> None:
    order_id = await installation.place({await installation.item(stock=1): 1})
    numbers = await installation.booked(order_id)
    temporal = await Client.connect(installation.record.temporal_address)
    [shown] = (await installation.shop.get(f"/orders/{order_id}/process")).body["runs"][:1]
    run = temporal.get_workflow_handle(shown["workflow_id"])
    await run.terminate(reason="by mistake")

    told = (await installation.shop.get(f"/orders/{order_id}/process")).body
    assert "waits for our sweep, to start a run again" in told["summary"]
    assert told["waiting_for"][0]["what"] == "OrderFulfillment terminated"
    assert told["waiting_for"][0]["last_error"] == "by mistake"
    await installation.travel(numbers)
    await installation.reaches(order_id, status="completed")
    await installation.assert_sound()
