"""The local stack as a whole: order, settings, single use, crashes and clean stops."""

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from temporalio.client import Client

from domain.keyring import read_keyring
from runtime.local.answering import Hearing
from runtime.local.children import CannotStart, Child, spawn
from runtime.local.postgres import remove
from runtime.local.record import StackRecord, find_stack, read_record
from tests.patience import PATIENCE, eventually
from tests.ports import free_port
from tests.runtime.stacks import a_stack, alive, listens

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def given(postgres_url: str, temporal_address: str) -> dict[str, str]:
    """Servers that run already, for a stack of which only the rest matters."""
    return {"database_url": postgres_url, "temporal_address": temporal_address}


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    remove(tmp_path / "data")


def a_holder(folder: Path) -> Child:
    """Another process that runs a stack on ``folder``."""
    command = [sys.executable, "-m", "tests.runtime.stacks", str(folder)]
    return spawn("holder", command, log=folder / "holder.log", cwd=REPOSITORY)


async def note(folder: Path, name: str) -> dict[str, Any]:
    """The settings that a program was given, once it has written them down."""
    file = folder / "notes" / f"{name}.json"
    await eventually(lambda: file.exists() and file.read_text().endswith("}"))
    found: dict[str, Any] = json.loads(file.read_text())
    return found


def everything_is_gone(record: StackRecord) -> bool:
    pids = [process.pid for process in record.processes.values()]
    return not any(map(alive, pids)) and not any(map(listens, record.ports.values()))


async def test_starts_all_parts_and_tells_each_its_settings(folder: Path) -> None:
    async with a_stack(folder) as stack:
        await stack.ready()
        record = stack.record
        assert list(record.processes)[2:] == ["carrier", "payments", "worker", "api"]
        assert {"postgres", "temporal"} < set(record.processes)
        worker, api, carrier = [await note(folder, name) for name in ("worker", "api", "carrier")]
        assert worker["STATESET_DATABASE_URL"] == record.database_url
        assert worker["STATESET_TEMPORAL_ADDRESS"] == record.temporal_address
        assert read_keyring(api["STATESET_PAYLOAD_KEYS"]).current == "local"
        assert worker["STATESET_PAYLOAD_KEYS"] == api["STATESET_PAYLOAD_KEYS"]
        assert (folder / "data" / "payload.keys").stat().st_mode & 0o777 == 0o600
        assert api["STATESET_METRICS_PORT"] != worker["STATESET_METRICS_PORT"]
        assert api["STATESET_CARRIER_URL"] == f"http://127.0.0.1:{carrier['SIMULATOR_PORT']}"
        assert carrier["SIMULATOR_WEBHOOK_URL"] == f"{record.api_url}/webhooks/sandbox-carrier"
        assert carrier["SIMULATOR_WEBHOOK_SECRET"] == api["STATESET_CARRIER_WEBHOOK_SECRET"]
        assert record.api_key == f"key of {record.database_url}"
        await Client.connect(record.temporal_address)
        assert find_stack(folder / "data") == record
        assert (folder / "data" / "stack.json").stat().st_mode & 0o777 == 0o600
    assert everything_is_gone(record)
    assert read_record(folder / "data") is None


async def test_keeps_its_data_over_a_restart(folder: Path) -> None:
    async with a_stack(folder) as stack:
        await insert(stack.record)
        keys = stack.record.payload_keys
        temporal = await Client.connect(stack.record.temporal_address)
        await temporal.start_workflow("Anything", id="kept", task_queue="nobody")
    async with a_stack(folder) as stack:
        assert await count(stack.record) == 1
        assert stack.record.payload_keys == keys
        temporal = await Client.connect(stack.record.temporal_address)
        assert (await temporal.get_workflow_handle("kept").describe()).id == "kept"


async def test_kill_9_leaves_no_orphan_and_the_next_start_works(folder: Path) -> None:
    holder = a_holder(folder)
    await eventually(lambda: (folder / "held").exists() or not holder.running)
    record = find_stack(folder / "data")
    assert record is not None, holder.last_words()
    await insert(record)
    holder.process.kill()
    await holder.wait()
    assert find_stack(folder / "data") is None
    ports = {name: record.ports[name] for name in ("postgres", "temporal", "ui", "api")}
    if sys.platform == "linux":
        await eventually(lambda: everything_is_gone(record))
    async with a_stack(folder, **{f"{name}_port": port for name, port in ports.items()}) as stack:
        await stack.ready()
        assert await count(stack.record) == 1


async def test_kill_9_of_every_process_is_survived(folder: Path) -> None:
    holder = a_holder(folder)
    await eventually(lambda: (folder / "held").exists() or not holder.running)
    record = find_stack(folder / "data")
    assert record is not None, holder.last_words()
    await insert(record)
    holder.process.kill()
    for process in record.processes.values():
        try:
            os.kill(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    await holder.wait()
    assert (folder / "data" / "postgres" / "data" / "postmaster.pid").exists()
    async with a_stack(folder) as stack:
        assert await count(stack.record) == 1


async def test_sigterm_stops_everything_in_order(folder: Path) -> None:
    holder = a_holder(folder)
    await eventually(lambda: (folder / "held").exists() or not holder.running)
    record = find_stack(folder / "data")
    assert record is not None, holder.last_words()
    holder.process.terminate()
    await asyncio.wait_for(holder.wait(), PATIENCE)
    assert everything_is_gone(record)
    assert read_record(folder / "data") is None
    assert "database system is shut down" in (folder / "data/logs/postgres.log").read_text()


async def test_a_second_stack_on_the_same_data_is_refused(
    folder: Path, given: dict[str, str]
) -> None:
    async with a_stack(folder, **given) as stack:
        with pytest.raises(CannotStart, match=r"already runs on .*data \(process \d+\)"):
            await a_stack(folder).__aenter__()
        await stack.ready()


async def test_a_taken_port_names_port_option_and_holder(folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(CannotStart) as refused:
            await a_stack(folder, temporal_port=port).__aenter__()
    assert f"port {port} (--temporal-port) is taken" in str(refused.value)
    if sys.platform == "linux":
        assert f"process {os.getpid()}:" in str(refused.value)
    assert find_stack(folder / "data") is None


async def test_the_same_port_for_two_parts_is_refused(folder: Path) -> None:
    port = free_port()
    with pytest.raises(CannotStart, match=f"port {port} is asked for twice"):
        await a_stack(folder, api_port=port, ui_port=port).__aenter__()


async def test_a_program_that_dies_is_started_again_and_told(folder: Path) -> None:
    said: list[str] = []
    async with a_stack(folder, said.append) as stack:
        for name in ("worker", "postgres", "temporal"):
            pid = stack.record.processes[name].pid
            os.kill(pid, signal.SIGKILL)
            await eventually(lambda pid=pid, name=name: stack.record.processes[name].pid != pid)
            assert any(text.startswith(f"{name} was ended by SIGKILL") for text in said)
        await stack.ready()
        await insert(stack.record)
        await Client.connect(stack.record.temporal_address)


async def test_a_server_that_lives_but_answers_nothing_is_started_again_and_told(
    folder: Path,
) -> None:
    said: list[str] = []
    hearing = Hearing(every=0.5, unanswered=4)
    async with a_stack(folder, said.append, hearing=hearing) as stack:
        await insert(stack.record)
        worker = stack.record.processes["worker"].pid
        frozen = {
            name: stack.record.processes[name].pid for name in ("temporal", "postgres", "api")
        }
        for pid in frozen.values():
            os.kill(pid, signal.SIGSTOP)
        for name, pid in frozen.items():
            await eventually(lambda pid=pid, name=name: stack.record.processes[name].pid != pid)
            assert f"{name} lives, but has answered nothing for 2 s; it is ended" in said
        await stack.ready()
        assert await count(stack.record) == 1
        await Client.connect(stack.record.temporal_address)
        assert stack.record.processes["worker"].pid == worker


async def test_a_failing_migration_stops_the_start_with_its_reason(
    folder: Path, temporal_address: str
) -> None:
    stack = a_stack(folder, temporal_address=temporal_address)
    failing = (sys.executable, "-c", "raise SystemExit('no such table: reasons')")
    stack._programs = type(stack._programs)(migrate=failing)
    with pytest.raises(CannotStart, match="no such table: reasons"):
        await stack.__aenter__()
    assert not (folder / "data/postgres/data/postmaster.pid").exists()
    assert find_stack(folder / "data") is None


async def test_an_api_that_never_stays_up_is_reported(folder: Path, given: dict[str, str]) -> None:
    stack = a_stack(folder, **given)
    names = ("migrate", "carrier", "payments", "worker")
    failing = (sys.executable, "-c", "raise SystemExit('bad settings')")
    stack._programs = type(stack._programs)(**dict.fromkeys(names, ()), api=failing)
    async with stack:
        with pytest.raises(CannotStart, match="bad settings"):
            await stack.ready(patience=PATIENCE)


async def test_given_servers_are_used_and_not_started(
    folder: Path, given: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STATESET_CARRIER_URL", "http://127.0.0.1:9")
    async with a_stack(folder, **given) as stack:
        await stack.ready()
        assert list(stack.record.processes) == ["payments", "worker", "api"]
        worker = await note(folder, "worker")
        assert worker["STATESET_DATABASE_URL"] == given["database_url"]
        assert worker["STATESET_CARRIER_URL"] == "http://127.0.0.1:9"


async def insert(record: StackRecord) -> None:
    connection = await asyncpg.connect(record.database_url)
    await connection.execute("CREATE TABLE kept AS SELECT 1")
    await connection.close()


async def count(record: StackRecord) -> int:
    connection = await asyncpg.connect(record.database_url)
    found: int = await connection.fetchval("SELECT count(*) FROM kept")
    await connection.close()
    return found
