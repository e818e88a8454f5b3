"""The floor of fulfilment: no-op runs of the same shape, by the same kind of worker, in a process.

What the dispatcher and the carrier do to our runs is done here to theirs: each signal is sent once
the steps before it have ended.
"""

import asyncio
import json
import os
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict
from uuid import uuid4

from temporalio import activity
from temporalio.client import Client
from temporalio.plugin import SimplePlugin

from runtime.settings import Settings
from tests.bench.client import outcome_of
from tests.bench.noop import Nothing
from worker import make_worker
from workflows.plugin import plugin

QUEUE = "bench-nothing"


class Course:
    """Starts pairs of runs, an order's and its shipment's, and signals them through."""

    def __init__(self, client: Client, order: Sequence[str], shipment: Sequence[str]) -> None:
        self._client = client
        self._order, self._shipment = list(order), list(shipment)
        self._done: defaultdict[tuple[str, int], asyncio.Event] = defaultdict(asyncio.Event)

    @activity.defn
    async def do_nothing(self, run: str, position: int) -> None:
        self._done[run, position].set()

    async def walk(self) -> None:
        """Take one order through; its shipment starts before the order's first signal."""
        order, shipment = f"bench/{uuid4()}", f"bench/{uuid4()}"
        await self._start(order, self._order)
        await self._arrive(order, self._order, 0)
        await self._start(shipment, self._shipment)
        await self._signals(shipment, self._shipment)
        await self._signals(order, self._order)

    async def _start(self, run: str, shape: list[str]) -> None:
        await self._client.start_workflow(
            Nothing.run, shape, id=run, task_queue=QUEUE, request_eager_start=True
        )

    async def _signals(self, run: str, shape: list[str]) -> None:
        handle = self._client.get_workflow_handle(run)
        for position, step in enumerate(shape):
            if step == "signal":
                await self._arrive(run, shape, position)
                await handle.signal(Nothing.go_on)
        await self._arrive(run, shape, len(shape))

    async def _arrive(self, run: str, shape: list[str], position: int) -> None:
        """Wait for the last step before a position, or before the first signal for 0."""
        if position == 0:
            position = shape.index("signal") if "signal" in shape else len(shape)
        if position and shape[position - 1] != "signal":
            await self._done[run, position - 1].wait()


async def _main() -> None:
    order = json.loads(sys.stdin.buffer.read())
    extra = SimplePlugin("bench", workflows=[Nothing])
    client = await Client.connect(order["address"], plugins=[plugin(), extra])
    course = Course(client, order["order"], order["shipment"])
    settings = Settings(task_queue=QUEUE)
    async with make_worker(client, settings, [course.do_nothing]):
        await course.walk()
        many = asyncio.Semaphore(settings.dispatch_batch)
        latencies: list[float] = []

        async def one() -> None:
            async with many:
                began = time.perf_counter()
                await course.walk()
                latencies.append(time.perf_counter() - began)

        cpu, began = time.process_time(), time.perf_counter()
        await asyncio.gather(*(one() for _ in range(order["count"])))
        seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    outcome = outcome_of({"done": len(latencies)}, latencies, seconds, cpu)
    print(json.dumps(asdict(outcome)), flush=True)


if __name__ == "__main__":
    asyncio.run(_main())
    # The Temporal SDK's threads may abort a normal interpreter exit.
    os._exit(0)
