"""Sweeps run by themselves; one that fails is counted and holds no other one up."""

import asyncio
import contextlib
import time
from datetime import timedelta

from temporalio.client import Client

from db.engine import Database, open_engine
from relay.sweeps import SWEEPS, Sweeper
from telemetry.metrics import REGISTRY
from tests.activities.bench import Bench

LAST = "stateset_sweep_last_success_timestamp_seconds"
FAILURES = "stateset_sweep_failures_total"


def measured(metric: str, sweep: str) -> float:
    value = REGISTRY.get_sample_value(metric, {"sweep": sweep})
    assert value is not None
    return value


async def running(books: Database) -> None:
    """Run all sweeps for a moment, with a Temporal that is away."""
    client = await Client.connect("127.0.0.1:1", lazy=True)
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(Sweeper(books, client, young=timedelta(days=365)).run(), 2)


async def test_every_sweep_of_the_table_runs_and_says_when(bench: Bench) -> None:
    began = time.time()
    await running(bench.shop.books)
    assert {name for name in SWEEPS if measured(LAST, name) < began} == set()


async def test_sweeps_that_fail_are_counted_and_leave_their_last_success_as_it_was() -> None:
    url = "postgresql://nobody@127.0.0.1:1/nothing"
    # A connection for each, so that none waits for those of others to fail.
    nowhere = Database(open_engine(url, application="tests", pool=len(SWEEPS)))
    await running(nowhere)
    before = {name: (measured(LAST, name), measured(FAILURES, name)) for name in SWEEPS}
    await running(nowhere)
    for name, (last, failures) in before.items():
        assert measured(LAST, name) == last
        assert measured(FAILURES, name) > failures
    await nowhere.close()
