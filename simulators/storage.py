"""One SQLite file per simulator: what it has answered survives its own crash."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any


class Storage:
    """One connection, used by the event loop's thread only.

    Handlers never await inside a transaction, so requests cannot interleave in one. WAL without a
    sync per commit loses nothing when the process is killed, only when the machine loses power.
    """

    def __init__(self, path: str, *schemas: str) -> None:
        self._db = sqlite3.connect(path, isolation_level=None, timeout=5, cached_statements=256)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        for schema in schemas:
            self._db.executescript(schema)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Write everything of the block or nothing."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield self._db
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def one(self, query: str, *given: Any) -> sqlite3.Row | None:
        """Return the first row, or None."""
        row: sqlite3.Row | None = self._db.execute(query, given).fetchone()
        return row

    def all(self, query: str, *given: Any) -> list[sqlite3.Row]:
        """Return every row."""
        return self._db.execute(query, given).fetchall()

    def close(self) -> None:
        """Release the file."""
        self._db.close()


def timestamp(moment: datetime | None = None) -> str:
    """Write a moment (now when not given) as RFC 3339 in UTC with microseconds; sorts as text."""
    return (moment or datetime.now(UTC)).astimezone(UTC).isoformat(timespec="microseconds")
