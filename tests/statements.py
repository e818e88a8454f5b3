"""What an engine sends to PostgreSQL, also past SQLAlchemy, and how it is planned."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from asyncpg.connection import LoggedQuery
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

Statement = tuple[str, tuple[Any, ...]]


class Statements:
    """Keeps each statement that only reads, with its parameters; made before the first one."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._taken: list[Statement] = []
        event.listen(engine.sync_engine, "before_cursor_execute", self._sent)
        event.listen(engine.sync_engine, "connect", self._connected)

    def _connected(self, connection: Any, _: Any) -> None:
        connection.driver_connection.add_query_logger(self._driven)

    def _sent(self, _connection: Any, _cursor: Any, statement: str, given: Any, *_: Any) -> None:
        self._keep(statement, tuple(given))

    def _driven(self, query: LoggedQuery) -> None:
        self._keep(query.query, tuple(query.args or ()))

    def _keep(self, statement: str, given: tuple[Any, ...]) -> None:
        if statement.lstrip().upper().startswith(("SELECT", "WITH")):
            self._taken.append((statement, given))

    @contextmanager
    def kept(self) -> Iterator[list[Statement]]:
        """Give what is sent inside, when it has ended."""
        self._taken = found = []
        yield found
        self._taken = []


async def plan_of(db: Any, statement: Statement) -> dict[str, Any]:
    """Run a statement and return its plan, with the rows that each part of it read."""
    query, given = statement
    told = await db.fetchval(f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {query}", *given)
    [plan] = json.loads(told) if isinstance(told, str) else told
    return dict(plan["Plan"])


def parts(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield each part of a plan."""
    yield plan
    for part in plan.get("Plans", ()):
        yield from parts(part)


def rows_read(part: dict[str, Any]) -> float:
    """How many rows a scan looked at."""
    removed = part.get("Rows Removed by Filter", 0) + part.get("Rows Removed by Index Recheck", 0)
    return float((part["Actual Rows"] + removed) * part["Actual Loops"])
