"""``stateset status`` over the whole product: each line is true, and what is away is said."""

import asyncio
import contextlib
import json
import os
import pty
import signal
import sys
from collections.abc import Sequence
from typing import Any

import httpx2
import pytest

from tests.installation import Installation
from tests.journeys.test_outages import frozen
from tests.partners import ROOT
from tests.patience import PATIENCE, eventually

Found = dict[str, Any]


async def command(
    installation: Installation, *arguments: str, columns: int = 200
) -> tuple[int, str]:
    """Run a command as an operator does; return its exit code and what it printed."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "runtime.cli", *arguments),
        cwd=ROOT,
        env={"STATESET_DATA_DIR": str(installation.folder), "COLUMNS": str(columns)},
        stdout=asyncio.subprocess.PIPE,
    )
    printed, _ = await process.communicate()
    return process.returncode or 0, printed.decode()


async def status(installation: Installation) -> Found:
    code, printed = await command(installation, "status", "--json")
    found: Found = json.loads(printed)
    assert code == (1 if "away" in states(found).values() else 0)
    return found


def states(found: Found) -> dict[str, str]:
    """How each part is; of several processes the worst."""
    worst_last = ("not_asked", "ok", "degraded", "away")
    told = sorted(found["parts"], key=lambda part: worst_last.index(part["state"]))
    return {part["part"]: part["state"] for part in told}


def row(rows: Sequence[Found], **wanted: str) -> Found:
    [found] = [each for each in rows if wanted.items() <= each.items()]
    return found


async def test_each_line_of_the_status_is_true(installation: Installation) -> None:
    sku = await installation.item(stock=3)
    held = await installation.place({sku: 1})
    lost = await installation.place({sku: 1})
    numbers = await installation.booked(lost)
    before = await status(installation)
    assert set(states(before)) == {"database", "temporal", "api", "worker", "relay"}
    assert set(states(before).values()) == {"ok"}

    hold = await installation.post(f"/orders/{held}/holds", {"reason": "supplier_problem"})
    [shipment] = (await installation.show(lost))["shipments"]
    await installation.travel(numbers, "lost")
    task = await installation.task("parcel_lost", shipment["id"])
    await installation.payments.fault("http_503", "authorize")
    paid = await installation.place({sku: 1})
    await installation.reaches(paid, payment_status="authorized")
    code, _ = await command(installation, "verify")
    assert code == 0

    async def told() -> Found | None:
        found = await status(installation)
        payments = row(found["partners"], partner="payments")
        return found if payments["failed_at"] and payments["state"] == "ok" else None

    found = await eventually(told)
    [placed] = hold.body["holds"]
    stands = row(found["holds"], reason="supplier_problem")
    assert (stands["role"], stands["open"]) == ("support", 1)
    assert (stands["number"], instant(stands)) == (hold.body["number"], placed["placed_at"])
    [was, now] = [
        sum(each["open"] for each in seen["questions"] if each["role"] == task["role"])
        for seen in (before, found)
    ]
    assert now == was + 1
    pending = row(found["pending"], kind="order")
    assert pending["open"] >= 2
    payments = row(found["partners"], partner="payments")
    assert "answered 503" in payments["failure"]
    assert found["verify"]["broken"] == []
    assert found["verify"]["checks"] > 50
    assert found["verify"]["ended_at"] > before["at"]
    runs = found["runs"]
    assert (runs["lost"], runs["standing_still"], runs["samples"]) == (0, 0, [])
    assert runs["asked"] == runs["compared"]
    assert runs["all_compared"]
    async with httpx2.AsyncClient() as http:

        async def measured() -> bool:
            told = (await http.get(installation.record.worker_metrics_url)).text
            return "stateset_verify_last_timestamp_seconds 0.0" not in told

        await eventually(measured)
    _, shown = await command(installation, "status")
    for words in (
        "hold supplier_problem",
        hold.body["number"],
        "all hold",
        "nothing waits to be told",
        "heard 0 s ago",
    ):
        assert words in shown
    await installation.post(f"/orders/{held}/holds/{placed['id']}/release", {})


def instant(row: Found) -> str:
    """Write when a row of the status began as the API does."""
    return str(row["since"]).replace("+00:00", "Z")


@pytest.mark.parametrize(
    ("frozen_part", "away"),
    [("worker", {"worker", "relay"}), ("temporal", {"temporal"}), ("api", {"api"})],
)
async def test_what_does_not_answer_is_named_and_the_rest_is_told(
    installation: Installation, frozen_part: str, away: set[str]
) -> None:
    with frozen(installation, frozen_part):

        async def said() -> Found | None:
            found = await status(installation)
            return found if all(states(found)[part] == "away" for part in away) else None

        found = await eventually(said)
        assert found["outbox"] is not None
        assert found["pending"] is not None
        assert (found["runs"] is None) == (frozen_part == "temporal")


async def test_without_the_database_the_api_and_temporal_still_speak(
    installation: Installation,
) -> None:
    with frozen(installation, "postgres"):
        found = await status(installation)
        known = states(found)
        assert (known["database"], known["temporal"], known["worker"]) == (
            "away",
            "ok",
            "not_asked",
        )
        assert (found["outbox"], found["questions"], found["runs"]) == (None, None, None)
        _, shown = await command(installation, "status")
        assert "cannot be known now" in shown


async def test_the_screen_is_kept_up_to_date_until_ctrl_c(installation: Installation) -> None:
    ours, theirs = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "runtime.cli", "status", "--watch", "--every", "0.5"),
        cwd=ROOT,
        env={"STATESET_DATA_DIR": str(installation.folder), "COLUMNS": "120", "LINES": "60"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    os.set_blocking(ours, False)
    printed = bytearray()

    def twice() -> bool:
        with contextlib.suppress(BlockingIOError):
            printed.extend(os.read(ours, 100_000))
        return printed.count(b"What waits for people") > 1

    await eventually(twice)
    process.send_signal(signal.SIGINT)
    async with asyncio.timeout(PATIENCE):
        assert await process.wait() == 0
    os.close(ours)
