"""Whatever comes in whatever order, every order comes to its end and the books stay sound.

Each story is random and named by its seed: ``STATESET_STORY=1234567`` tells one again.
"""

import random

from tests.activities.bench import Bench
from tests.activities.ending import end
from tests.activities.story import Story
from tests.seeds import seeds

SECONDS = 10
MOVES = 90
CHECK_EVERY = 45


async def tell(bench: Bench, seed: int) -> None:
    """Tell one story; what fails is raised with all that happened."""
    story = Story(bench, random.Random(seed))
    try:
        await story.begin()
        for turn in range(story.rng.randint(10, MOVES)):
            await story.go_on()
            if turn % CHECK_EVERY == CHECK_EVERY - 1:
                assert await bench.broken() == []
        await end(story)
    except Exception as error:
        raise AssertionError("\n".join([f"story {seed}", *story.told, repr(error)])) from error


async def test_whatever_comes_in_whatever_order_every_order_comes_to_its_end(bench: Bench) -> None:
    for seed in seeds(SECONDS):
        await tell(bench, seed)
