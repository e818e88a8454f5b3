"""Driver reads: statements past SQLAlchemy, for what is asked thousands of times a second."""

from collections.abc import Sequence
from typing import Any

import asyncpg
from sqlalchemy import PoolProxiedConnection
from sqlalchemy.dialects.postgresql.asyncpg import AsyncAdapt_asyncpg_dbapi
from sqlalchemy.exc import DBAPIError

from db.engine import Database
from db.failures import hide_values, told_by_server
from telemetry import tracing

_OUT_OF_STEP = asyncpg.InternalClientError
"""The server ended the session between two statements; the end of the connection may follow."""
_FAILURES = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    AsyncAdapt_asyncpg_dbapi.Error,
    _OUT_OF_STEP,
)


async def fetch(db: Database, statement: str, *given: Any) -> Sequence[Any]:
    """Run one statement that only reads, with ``$1`` and so on for what is given.

    It has a connection of the pool for as long as that takes, and is a transaction of its own.
    Returns the driver's records, by name like mappings; raises what SQLAlchemy would.
    """
    try:
        pooled = await _connection(db)
    except _FAILURES as error:
        raise DBAPIError(statement, None, error, connection_invalidated=True) from error
    driver: Any = pooled.driver_connection
    try:
        with tracing.statement(statement):
            found = await _fetch(driver, statement, given)
    except _FAILURES as error:
        lost = driver.is_closed() or isinstance(error, _OUT_OF_STEP)
        if not told_by_server(error):
            pooled.invalidate()
        raise DBAPIError(statement, None, error, connection_invalidated=lost) from error
    except BaseException:
        # Who gave up may leave an answer under way, which no other caller must get.
        pooled.invalidate()
        raise
    finally:
        pooled.close()
    return found


async def _fetch(driver: Any, statement: str, given: Sequence[Any]) -> Sequence[Any]:
    try:
        found: Sequence[Any] = await driver.fetch(statement, *given)
    except _FAILURES as error:
        hide_values(error)
        raise
    return found


async def _connection(db: Database) -> PoolProxiedConnection:
    while True:
        pooled = await db.engine.raw_connection()
        driver: Any = pooled.driver_connection
        if not driver.is_closed():
            return pooled
        # The driver knows at once that the server hung up, the pool only after a caller failed.
        pooled.invalidate()
        pooled.close()
