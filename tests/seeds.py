"""Which seeds random tests take: the same in every run, so that a failure belongs to a change.

``STATESET_STORY=1234567`` takes one seed again. ``STATESET_EXPLORE=60`` takes new ones for so many
seconds a test, and properties other examples: ``make explore`` looks for what is not known yet.
"""

import itertools
import os
import random
import time
from collections.abc import Iterator

STORY = os.environ.get("STATESET_STORY")
EXPLORE = float(os.environ.get("STATESET_EXPLORE", "0"))


def seeds(seconds: float) -> Iterator[int]:
    """Yield seeds until so many seconds are over, and one at least."""
    if STORY:
        yield int(STORY)
        return
    over = time.monotonic() + (EXPLORE or seconds)
    for known in itertools.count(1):
        yield random.SystemRandom().randrange(10**9) if EXPLORE else known
        if time.monotonic() > over:
            return


def seed() -> int:
    """The seed of a test that takes one."""
    return next(seeds(0))
