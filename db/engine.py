"""Connections: one pool per process, sessions that cannot hang, JSON by orjson."""

import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from decimal import Decimal
from typing import Any, cast
from uuid import UUID

import orjson
from sqlalchemy import event, text
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import QueuePool

from db.failures import hide_values, told_by_server
from db.turns import Turns, in_turn
from telemetry import metrics

FOR_CALLERS = 0.7
"""How much of the pool all callers have together; the rest serves what all of them need."""
PATIENCE = 5.0
"""Seconds for which a request waits for a connection of its caller's share."""


def _plain(value: Any) -> str:
    # The driver's own UUID type, and exact numbers.
    if isinstance(value, UUID | Decimal):
        return str(value)
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


def to_json(value: Any) -> str:
    """Write JSON for a parameter; ids, instants and exact numbers become strings."""
    return orjson.dumps(value, default=_plain).decode()


def process_name(program: str) -> str:
    """Return the name by which operators find this very process: ``stateset-api host:pid``."""
    return f"{program} {socket.gethostname()[:30]}:{os.getpid()}"


def open_engine(
    url: str,
    *,
    application: str,
    pool: int = 20,
    statement_timeout: timedelta = timedelta(seconds=5),
    lock_timeout: timedelta = timedelta(seconds=3),
) -> AsyncEngine:
    """Return an engine for ``postgresql://…``; connections are made on first use.

    A statement, a wait for a lock and a transaction left open are all bounded, so that one stuck
    caller never stops the others. Its errors carry no values of parameters and rows.
    """
    milliseconds = timedelta(milliseconds=1)
    engine = create_async_engine(
        url.replace("postgresql://", "postgresql+asyncpg://", 1),
        pool_size=pool,
        max_overflow=0,
        pool_timeout=10,
        pool_pre_ping=False,
        hide_parameters=True,
        json_serializer=to_json,
        json_deserializer=orjson.loads,
        connect_args={
            "timeout": 5,
            # The server ends a statement first; this is for a server that has gone silent.
            "command_timeout": max(30.0, statement_timeout.total_seconds() + 5),
            "server_settings": {
                "application_name": application,
                "statement_timeout": str(statement_timeout // milliseconds),
                "lock_timeout": str(lock_timeout // milliseconds),
                "idle_in_transaction_session_timeout": "10000",
                "jit": "off",
            },
        },
    )
    event.listen(engine.sync_engine, "handle_error", _hide_values)
    event.listen(engine.sync_engine, "handle_error", _throw_away)
    return engine


def _hide_values(failure: ExceptionContext) -> None:
    hide_values(failure.original_exception, failure.sqlalchemy_exception)


def _throw_away(failure: ExceptionContext) -> None:
    """Take from the pool a connection that may be left in the middle of a statement."""
    connection, error = failure.connection, failure.original_exception
    if connection is None or connection.invalidated or failure.is_disconnect:
        return
    if not told_by_server(error):
        connection.invalidate(error)


class Database:
    """A process's way to its books: short transactions, and reads without one."""

    def __init__(self, engine: AsyncEngine, share: float = 1) -> None:
        """Use this engine's pool; ``share`` is how much of it one caller may hold at once."""
        self.engine = engine
        pool = cast(QueuePool, engine.pool).size()
        callers = max(1, round(pool * FOR_CALLERS))
        each = max(1, min(callers, int(pool * share)))
        self.turns = Turns(callers, each, patience=PATIENCE)
        self._alone = engine.execution_options(isolation_level="AUTOCOMMIT")

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncConnection]:
        """One transaction: committed at the end of the block, rolled back by any exception."""
        with metrics.counted_together():
            async with in_turn(self.turns), self.engine.begin() as connection:
                yield connection

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A connection for single-statement reads, without the round trips of a transaction."""
        async with in_turn(self.turns), self._alone.connect() as connection:
            yield connection

    @asynccontextmanager
    async def write_at_once(self) -> AsyncIterator[AsyncConnection]:
        """A connection on which each statement is a transaction of its own: one round trip."""
        async with in_turn(self.turns), self._alone.connect() as connection:
            yield connection

    async def close(self) -> None:
        """Close all connections."""
        await self.engine.dispose()


async def check_schema(db: AsyncConnection) -> None:
    """Raise SQLAlchemyError when the database has never been migrated."""
    await db.execute(text("SELECT 1 FROM alembic_version"))
