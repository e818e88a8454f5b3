"""Hundreds of unfinished documents: a run that is gone or stands still is found among them."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from sqlalchemy import text
from temporalio import workflow
from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from db.runs import Unfinished, find_unfinished
from domain.documents import PROCESSES, Kind
from relay import lost_runs
from relay.sweeps import Sweeper
from telemetry.metrics import REGISTRY
from tests.database import fresh_database
from tests.patience import eventually
from tests.shop import Shop, opened
from tests.workflows.servers import temporal
from workflows.runs import OPEN_RUNS, STANDS_FROM

MANY = 600


@workflow.defn(name=PROCESSES[Kind.ORDER].workflow)
class _Unknown:
    """A release that does not know what the history says."""

    @workflow.run
    async def run(self, _order: str) -> None:
        raise RuntimeError("this release does not know what the history says")


@pytest.fixture(scope="module")
async def client() -> AsyncIterator[Client]:
    """A Temporal of its own: other tests have documents of the same numbers."""
    async with temporal() as environment:
        yield environment.client


@pytest.fixture(scope="module")
async def shop(template_url: str, client: Client) -> AsyncIterator[Shop]:
    """A shop with hundreds of orders on their way, each with a run that no worker takes up."""
    async with fresh_database(template_url) as url, opened(url) as shop:
        mug = await shop.item(AUS=MANY)
        await shop.ask([shop.submission([(mug, 1)]) for _ in range(MANY)])
        async with shop.books.begin() as db:
            await db.execute(text("DELETE FROM outbox"))
        for each in await unfinished(shop):
            await start(client, each, "nobody-works-here")

        async def listed() -> bool:
            return (await client.count_workflows(OPEN_RUNS)).count == MANY

        await eventually(listed)
        yield shop


async def unfinished(shop: Shop) -> list[Unfinished]:
    async with shop.books.read() as db:
        return list(await find_unfinished(db))


async def start(client: Client, document: Unfinished, task_queue: str) -> None:
    process = PROCESSES[document.kind].workflow
    await client.start_workflow(
        process, str(document.id), id=document.run_id, task_queue=task_queue
    )


async def told(shop: Shop) -> list[object]:
    """Return the documents whose runs are to be started again."""
    rows = await shop.rows("SELECT document_id FROM outbox ORDER BY id")
    return [row["document_id"] for row in rows]


async def test_the_newest_of_hundreds_whose_run_is_gone_is_found_by_the_next_sweep(
    shop: Shop, client: Client
) -> None:
    """T24: with 10,000 orders on their way it took 25 minutes."""
    newest = (await unfinished(shop))[-1]
    await client.get_workflow_handle(newest.run_id).terminate("lost")

    async def off_the_list() -> bool:
        return (await client.count_workflows(OPEN_RUNS)).count == MANY - 1

    await eventually(off_the_list)
    sweeper = Sweeper(shop.books, client, young=timedelta())
    await sweeper.sweep("lost_runs")
    assert await told(shop) == [newest.id]
    assert REGISTRY.get_sample_value("stateset_stuck_documents") == 1
    await sweeper.sweep("lost_runs")
    assert await told(shop) == [newest.id], "what is to be started is left alone"
    assert REGISTRY.get_sample_value("stateset_stuck_documents") == 0


@pytest.mark.parametrize(
    ("compared", "asked", "place", "expected"),
    [(20_000, 250, 400, [0, 1, 1, 1, 1, 1]), (250, 100, 401, [0, 0, 0, 0, 1, 1])],
    ids=["all are compared", "a portion is compared"],
)
async def test_a_run_that_stands_still_among_hundreds_is_found_in_turn_and_not_forgotten(
    compared: int,
    asked: int,
    place: int,
    expected: list[int],
    shop: Shop,
    client: Client,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """T24: the sweep goes on where it was in each portion, and wraps."""
    monkeypatch.setattr(lost_runs, "COMPARED_A_TIME", compared)
    monkeypatch.setattr(lost_runs, "ASKED_A_TIME", asked)
    async with shop.books.begin() as db:
        await db.execute(text("DELETE FROM outbox"))
    standing = (await unfinished(shop))[place]
    handle = client.get_workflow_handle(standing.run_id)
    await handle.terminate("to be started by another release")
    await start(client, standing, "another-release")
    sweeper = Sweeper(shop.books, client, young=timedelta())

    def counted() -> float | None:
        return REGISTRY.get_sample_value("stateset_runs_standing_still")

    elsewhere = await Client.connect(client.service_client.config.target_host)
    async with Worker(
        elsewhere,
        task_queue="another-release",
        workflows=[_Unknown],
        workflow_runner=UnsandboxedWorkflowRunner(),
    ):

        async def stands() -> bool:
            described = (await handle.describe()).raw_description
            query = f"{OPEN_RUNS} AND WorkflowId = '{standing.run_id}'"
            listed = (await client.count_workflows(query)).count
            return listed == 1 and described.pending_workflow_task.attempt >= STANDS_FROM

        await eventually(stands)
    found = []
    for _ in expected:
        await sweeper.sweep("lost_runs")
        found.append(counted())
    assert found == expected
    await handle.terminate("over")

    async def heard() -> bool:
        await sweeper.sweep("lost_runs")
        return counted() == 0 and standing.id in await told(shop)

    await eventually(heard)
