"""How lists are asked for: what comes after a sequence number, and how much of it."""

from typing import Annotated

from fastapi import Query

After = Annotated[int, Query(ge=0, lt=2**63)]
Limit = Annotated[int, Query(ge=1, le=10_000)]
