"""Whatever happens to claims in whatever order, each gives its customer one thing at most.

Each life is random and named by its seed: ``STATESET_STORY=1234567`` tells one again.
"""

import random

from tests.activities.bench import Bench
from tests.activities.claim_lives import ClaimedUnits
from tests.seeds import seeds

SECONDS = 8
MOVES = 60


async def live(bench: Bench, seed: int) -> None:
    """Live one life; what fails is raised with all that happened."""
    units = ClaimedUnits(bench, random.Random(seed))
    await units.begin()
    try:
        for _ in range(MOVES):
            await units.go_on()
        await units.end()
        assert [(one.id, one.samples) for one in await bench.broken()] == []
    except Exception as error:
        raise AssertionError("\n".join([f"life {seed}", *units.told, repr(error)])) from error


async def test_whatever_happens_a_claim_gives_one_thing_at_most_and_the_books_are_sound(
    bench: Bench,
) -> None:
    """Warranties R6, R8 and R9."""
    for seed in seeds(SECONDS):
        await live(bench, seed)
