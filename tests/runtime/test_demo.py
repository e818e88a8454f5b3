"""The demonstration as a user runs it, and a company that trades while its books are falsified."""

import asyncio
import json
import re
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from io import StringIO
from pathlib import Path

import asyncpg
import httpx2
import orjson
import pytest
from rich.console import Console

from runtime.commands.connection import Target, target_of
from runtime.commands.demo import trade
from runtime.commands.soak.running import soak
from runtime.commands.soak.showing import as_json, show
from runtime.commands.up import development_key
from runtime.commands.verify import check_everything
from runtime.local.postgres import remove
from runtime.local.record import read_record
from runtime.local.stack import Stack
from runtime.sample.stories import Turn
from runtime.settings import Settings
from tests.patience import PATIENCE

FREE = dict.fromkeys(("api_port", "postgres_port", "temporal_port", "ui_port", "metrics_port"), 0)
BROKEN_ORDER = """INSERT INTO orders SELECT (jsonb_populate_record(o, jsonb_build_object(
    'id', gen_random_uuid(), 'number', 'SO-0', 'external_reference', NULL))).*
    FROM orders o WHERE status = 'completed' LIMIT 1;
    UPDATE orders SET status = 'confirmed', completed_at = NULL WHERE number = 'SO-0'"""


def test_the_demo_ends_as_told_with_sound_books(tmp_path: Path) -> None:
    report = tmp_path / "demo.json"
    command = [sys.executable, "-m", "runtime.cli", "demo", "--json", str(report)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    figures = json.loads(report.read_text())
    assert figures["orders"]["accepted"] == 28
    assert figures["orders"]["by_status"] == {"completed": 26, "cancelled": 2}
    assert figures["totals"]["ours"] == figures["totals"]["data"] > 0
    assert figures["verify"]["violations"] == 0
    assert figures["verify"]["checks"] >= 58
    assert figures["rates"]["accepted_per_s"] > 0
    assert "out_of_stock" in run.stdout
    assert "decided to refund" in run.stdout
    assert "waits for finance's approval" in run.stdout
    assert "is closed, 44.00 USD given back" in run.stdout
    assert "is closed, another one is on its way" in run.stdout
    assert re.search(r"RMA-\d+ is expired", run.stdout)
    assert "JT-0041 was repaired, and back with its customer" in run.stdout
    assert "JT-0042 was replaced by another one" in run.stdout


@pytest.fixture(scope="module")
async def trading(server_dir: Path) -> AsyncIterator[tuple[Target, Path]]:
    """A stack on which the sample company has traded."""
    folder = server_dir / "trading"
    settings = Settings().model_copy(update={"data_dir": folder, **FREE})
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("STATESET_PAYMENT_WINDOW", "3")
        environment.setenv("STATESET_SHIP_BACK_WINDOW", "6")
        async with Stack(settings, make_api_key=development_key, say=lambda _: None) as stack:
            await stack.ready()
            target = target_of(stack.record)
            summary, acts = await trade(target, Settings(), Console(file=StringIO()))
            assert summary.sound
            assert all(act.as_told for act in acts)
            yield target, folder
    remove(folder)


async def broken(target: Target) -> set[str]:
    findings = await check_everything(target, Settings(), timedelta())
    return {found.id for found in findings if found.broken}


async def falsify(target: Target, statements: str) -> None:
    connection = await asyncpg.connect(target.database_url, ssl=False)
    await connection.execute(f"SET session_replication_role = replica; {statements}")
    await connection.close()


async def test_a_short_soak_ends_every_story_with_right_books_and_shows_what_an_order_leaves(
    trading: tuple[Target, Path],
) -> None:
    """The first minute of ``make soak``: every kind of story, and nothing that stands still."""
    target, folder = trading
    record = read_record(folder)
    assert record is not None
    settings = Settings().model_copy(update={"data_dir": folder})
    found = await soak(record, target, settings, seconds=25, rate=2)
    assert found.failures == []
    assert found.customers is not None
    assert found.customers.done.total() == found.customers.placed == 50
    assert set(found.customers.done) == set(Turn) - {Turn.GOODWILL}
    assert {"api", "worker", "postgres", "temporal"} <= found.samples[-1].memory.keys()
    assert found.samples[-1].open_runs == found.samples[0].open_runs
    figures = as_json(found)
    assert 1_000 < figures["bytes_per_order"]["events"] < 50_000
    assert orjson.loads(orjson.dumps(figures))["orders"] == 50
    told = StringIO()
    show(found, Console(file=told, width=120))
    assert "memory of worker, MB" in told.getvalue()
    assert "violations: 0" in told.getvalue()


def test_a_second_process_finds_the_stack_and_its_books_sound(
    trading: tuple[Target, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STATESET_DATA_DIR", str(trading[1]))
    report = tmp_path / "verify.json"
    command = [sys.executable, "-m", "runtime.cli", "verify", "--json", str(report)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=180, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    assert json.loads(report.read_text())["verify"]["violations"] == 0


async def test_an_outcome_that_the_provider_denies_is_found(
    trading: tuple[Target, Path],
) -> None:
    target, _ = trading
    await falsify(target, "UPDATE payment_entries SET key = 'x' || key WHERE kind = 'refund'")
    assert await broken(target) == {"P1", "P2"}
    await falsify(target, "UPDATE payment_entries SET key = substr(key, 2) WHERE kind = 'refund'")
    assert await broken(target) == set()


async def test_money_that_moved_twice_is_found(trading: tuple[Target, Path]) -> None:
    target, folder = trading
    provider = sqlite3.connect(folder / "payments.db")
    one = "(SELECT key FROM operations WHERE outcome = 'succeeded' LIMIT 1)"
    with provider:
        provider.execute(f"UPDATE operations SET executed = 2 WHERE key = {one}")
    assert await broken(target) == {"P3"}
    with provider:
        provider.execute("UPDATE operations SET executed = 1 WHERE executed = 2")
    provider.close()


async def test_a_label_that_nobody_ordered_is_found(trading: tuple[Target, Path]) -> None:
    target, folder = trading
    carrier = sqlite3.connect(folder / "carrier.db")
    with carrier:
        (name,) = carrier.execute("SELECT reference FROM bookings LIMIT 1").fetchone()
        carrier.execute("UPDATE bookings SET reference = 'stranger' WHERE reference = ?", (name,))
    assert await broken(target) == {"P4", "P5"}
    with carrier:
        carrier.execute("UPDATE bookings SET reference = ? WHERE reference = 'stranger'", (name,))
    carrier.close()
    assert await broken(target) == set()


async def test_an_order_without_its_run_is_found(trading: tuple[Target, Path]) -> None:
    target, _ = trading
    await falsify(target, BROKEN_ORDER)
    assert "P6" in await broken(target)
    await falsify(target, "DELETE FROM orders WHERE number = 'SO-0'")


def why(number: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "runtime.cli", "why", number]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_why_a_refund_waits_is_said_in_words_and_how_that_is_ended(
    trading: tuple[Target, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STATESET_DATA_DIR", str(trading[1]))
    monkeypatch.setenv("COLUMNS", "200")
    headers = {"Authorization": f"Bearer {trading[0].api_key}"}
    tasks = httpx2.get(f"{trading[0].api}/tasks?kind=refund_approval&status=open", headers=headers)
    [task] = tasks.json()["items"]
    told = why(task["number"]).stdout
    refund = told.split()[0]
    assert told.startswith(f"{refund} is requested and waits for a person: ")
    assert f"{task['number']} asks finance: {task['question']}" in told
    assert re.search("^  approve: ", told, re.MULTILINE)
    assert why(refund).stdout.splitlines()[0] == told.splitlines()[0]
    over = why("CLM-1001").stdout
    assert over.startswith("CLM-1001 is settled: nothing is awaited.")
    nobody = why("SO-1")
    assert (nobody.returncode, nobody.stdout) == (1, "")
    assert nobody.stderr == "no document and no task that the key may see is SO-1\n"


async def test_the_command_ends_with_1_when_a_rule_is_broken(
    trading: tuple[Target, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    target, folder = trading
    monkeypatch.setenv("STATESET_DATA_DIR", str(folder))
    counted = "WHERE item_id IN (SELECT id FROM items WHERE tracking = 'none')"
    await falsify(target, f"UPDATE balances SET on_hand = on_hand + 1 {counted}")
    command = [sys.executable, "-m", "runtime.cli", "verify", "--wait", "0"]
    run = await asyncio.to_thread(
        subprocess.run, command, capture_output=True, text=True, timeout=180
    )
    await falsify(target, f"UPDATE balances SET on_hand = on_hand - 1 {counted}")
    assert run.returncode == 1
    assert "1 broken" in run.stdout


async def test_the_links_that_are_shown_answer(trading: tuple[Target, Path]) -> None:
    target, _ = trading
    async with httpx2.AsyncClient(follow_redirects=True, timeout=PATIENCE) as http:
        for url in (f"{target.api}/docs", f"{target.ui_url}/namespaces/default/workflows"):
            assert (await http.get(url)).status_code == 200
