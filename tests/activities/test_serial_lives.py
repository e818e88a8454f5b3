"""Whatever happens to serial units in whatever order, each is at one place and counted there.

Each life is random and named by its seed: ``STATESET_STORY=1234567`` tells one again.
"""

import random

from tests.activities.bench import Bench
from tests.activities.serial_troubles import TroubledUnits
from tests.seeds import seeds

SECONDS = 5
MOVES = 40


async def live(bench: Bench, seed: int) -> None:
    """Live one life; what fails is raised with all that happened."""
    units = TroubledUnits(bench, random.Random(seed))
    await units.begin()
    try:
        for _ in range(MOVES):
            await units.go_on()
    except Exception as error:
        raise AssertionError("\n".join([f"life {seed}", *units.told, repr(error)])) from error


async def test_whatever_happens_a_unit_is_at_one_place_and_counted_there(bench: Bench) -> None:
    """R14."""
    for seed in seeds(SECONDS):
        await live(bench, seed)
