"""A partner that is killed has forgotten nothing that it had answered."""

import asyncio
import signal
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from tests.partners import (
    Inbox,
    Simulator,
    carrier_simulator,
    payments_simulator,
    webhook_inbox,
)
from tests.patience import PATIENCE, eventually
from tests.simulators.orders import book, codes, label_order, reserve


@pytest.fixture
async def mail() -> AsyncIterator[Inbox]:
    async with webhook_inbox() as inbox:
        yield inbox


async def test_every_answered_operation_survives_kill_9_and_none_is_done_twice(
    mail: Inbox,
) -> None:
    async with payments_simulator(mail.url) as payments:
        answered: dict[str, str] = {}
        enough = asyncio.Event()

        async def pay(number: int) -> None:
            try:
                operation = await reserve(payments, key=f"pay/{number}")
            except httpx2.TransportError:
                return
            answered[operation["key"]] = operation["id"]
            if len(answered) == 50:
                enough.set()

        storm = [asyncio.create_task(pay(number)) for number in range(400)]
        async with asyncio.timeout(PATIENCE):
            await enough.wait()
        await payments.restart(signal.SIGKILL)
        await asyncio.gather(*storm)
        again = [await reserve(payments, key=f"pay/{number}") for number in range(400)]
        assert answered.items() <= {row["key"]: row["id"] for row in again}.items()
        ledger = (await payments.ask("GET", "/ledger?limit=10000"))["data"]
        assert len(ledger) == 400
        assert {row["executed"] for row in ledger} == {1}
        # Events that were waiting when the process died are sent by the next one.
        await mail.until(lambda all_: len({d.event_id for d in all_}) == 400)


async def test_bookings_scans_autopilot_and_faults_survive_kill_9() -> None:
    async with carrier_simulator() as carrier:
        order = label_order(boxes=2)
        booking = await carrier.ask("POST", "/bookings", order)
        number = booking["parcels"][0]["tracking_number"]
        await carrier.ask("POST", f"/sandbox/parcels/{number}/scans", {"code": "PU"})
        await carrier.fault("http_503", "track", times=2)
        await carrier.fault("slow", "void", delay_seconds=0.1)
        settings = {"enabled": True, "seconds_per_scan": 0.02}
        await carrier.ask("POST", "/sandbox/autopilot", settings)
        await carrier.restart(signal.SIGKILL)
        assert await _statuses(carrier, number, 3) == [503, 503, 200]
        replayed = await carrier.ask("POST", "/bookings", order)
        assert (replayed["id"], replayed["requests"]) == (booking["id"], 1)
        refused = await carrier.http.post(f"/bookings/{booking['id']}/void")
        assert refused.status_code == 409

        async def delivered() -> bool:
            return (await codes(carrier, number))[-1:] == ["DL"]

        await eventually(delivered)


async def test_faults_can_be_listed_and_cleared() -> None:
    async with carrier_simulator() as carrier:
        await carrier.fault("http_503", "book", times=5)
        await carrier.fault("drop_webhooks", times=3)
        listed = await carrier.ask("GET", "/sandbox/faults")
        assert [(row["operation"], row["remaining"]) for row in listed["data"]] == [
            ("book", 5),
            ("webhooks", 3),
        ]
        await carrier.forget_faults()
        await book(carrier)
        unknown: dict[str, Any] = {"kind": "slow", "operation": "teleport"}
        answer = await carrier.http.post("/sandbox/faults", json=unknown)
        assert answer.json()["error"]["code"] == "unknown_operation"


async def test_sigterm_finishes_what_runs_and_exits_cleanly() -> None:
    async with payments_simulator() as payments:
        await payments.fault("slow", "authorize", delay_seconds=0.5)
        running = asyncio.create_task(reserve(payments))

        async def taken() -> bool:
            return not (await payments.ask("GET", "/sandbox/faults"))["data"]

        await eventually(taken)
        assert await payments.stop(signal.SIGTERM) == 0
        assert (await running)["outcome"] == "succeeded"


async def _statuses(carrier: Simulator, number: str, times: int) -> list[int]:
    return [(await carrier.http.get(f"/parcels/{number}")).status_code for _ in range(times)]
