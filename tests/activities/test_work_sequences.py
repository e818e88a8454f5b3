"""Whatever happens to work orders in whatever order, parts are counted and units at one place.

Each life is random and named by its seed: ``STATESET_STORY=1234567`` tells one again.
"""

import random

from tests.activities.bench import Bench
from tests.activities.supplied_lives import SuppliedWork
from tests.seeds import seeds

SECONDS = 8
MOVES = 60


async def live(bench: Bench, seed: int) -> None:
    """Live one life; what fails is raised with all that happened."""
    work = SuppliedWork(bench, random.Random(seed))
    await work.begin()
    try:
        for _ in range(work.rng.randint(10, MOVES)):
            await work.go_on()
        await work.end()
        await work.all_is_where_it_should_be()
        assert [(one.id, one.samples) for one in await bench.broken()] == []
    except Exception as error:
        raise AssertionError("\n".join([f"life {seed}", *work.told, repr(error)])) from error


async def test_whatever_happens_to_work_parts_add_up_and_units_are_where_they_are_said_to_be(
    bench: Bench,
) -> None:
    """Work orders 9: issue, return, swap and cancel stay explained."""
    for seed in seeds(SECONDS):
        await live(bench, seed)
