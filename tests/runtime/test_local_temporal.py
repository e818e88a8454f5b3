"""The embedded Temporal server: what it keeps, how punctual it is, who may read its file."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from temporalio.client import Client
from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes

from runtime.local.children import CannotStart
from runtime.local.temporal import Temporal
from tests.patience import eventually
from tests.ports import free_port

NUMBER = SearchAttributeKey.for_keyword("DocumentNumber")


async def test_registers_search_attributes_and_keeps_its_state(tmp_path: Path) -> None:
    attributes = {"DocumentNumber": "Keyword"}
    server = Temporal(tmp_path, free_port(), search_attributes=attributes)
    client = await Client.connect(await server.start())
    found = TypedSearchAttributes([SearchAttributePair(NUMBER, "SO-1042")])
    await client.start_workflow("Any", id="a", task_queue="nobody", search_attributes=found)
    await server.stop()
    assert (tmp_path / "temporal.db").stat().st_mode & 0o777 == 0o600

    client = await Client.connect(await server.start())
    description = await client.get_workflow_handle("a").describe()
    assert description.typed_search_attributes[NUMBER] == "SO-1042"
    await server.stop()


async def test_a_start_that_fails_says_why(tmp_path: Path) -> None:
    server = Temporal(tmp_path, free_port(), search_attributes={"Number": "Nonsense"})
    with pytest.raises(CannotStart, match="Nonsense"):
        await server.start()


async def test_a_configured_program_that_is_not_there_is_refused(tmp_path: Path) -> None:
    server = Temporal(tmp_path, free_port(), program=tmp_path / "temporal")
    with pytest.raises(CannotStart, match=r"STATESET_TEMPORAL_BIN=.* does not exist"):
        await server.start()


async def test_a_server_that_cannot_write_tells_of_no_runs_until_it_can_again(
    tmp_path: Path,
) -> None:
    server = Temporal(tmp_path, free_port())
    client = await Client.connect(await server.start())
    await client.start_workflow("Any", id="a", task_queue="nobody")
    assert await server.answers()
    with closing(sqlite3.connect(tmp_path / "temporal.db")) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await client.start_workflow("Any", id="b", task_queue="nobody")
        assert await client.service_client.check_health()
        assert not await server.answers()
    await eventually(server.answers)
    await client.start_workflow("Any", id="c", task_queue="nobody")
    await server.stop()
