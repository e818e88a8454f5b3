"""How urgent something is that waits with others: the same scale for all that stands in line."""

from typing import Annotated

from pydantic import Field

PRIORITIES = range(1, 6)
"""From the most urgent to the least."""
USUAL = 3
URGENCY = "1 (the most urgent) to 5; 3 is usual."

Priority = Annotated[
    int, Field(strict=True, ge=PRIORITIES[0], le=PRIORITIES[-1], description=URGENCY)
]
