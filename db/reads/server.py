"""What an operator is told of the database itself: how large and how busy it is, and its log."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

_TABLES = text("""
SELECT relname AS name, pg_total_relation_size(oid) AS bytes FROM pg_class
WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY relname
""")
_SIZES = text("""
SELECT datname AS name, pg_database_size(oid) AS bytes FROM pg_database
WHERE NOT datistemplate AND has_database_privilege(oid, 'CONNECT')
""")
# What is kept for administrators is not for our processes to use.
_USE = text("""
SELECT (SELECT sum(numbackends) FROM pg_stat_database) AS connections,
    (SELECT sum(CASE name WHEN 'max_connections' THEN setting::int ELSE -setting::int END)
        FROM pg_settings WHERE name IN
            ('max_connections', 'superuser_reserved_connections', 'reserved_connections')) AS most,
    (SELECT CASE WHEN last_failed_time > coalesce(last_archived_time, '-infinity')
        THEN extract(epoch FROM now() - coalesce(last_archived_time, stats_reset, now())) ELSE 0 END
        FROM pg_stat_archiver) AS archiving_fails,
    pg_size_bytes(current_setting('max_wal_size')) AS wal_most,
    has_function_privilege('pg_ls_waldir()', 'EXECUTE') AS may_see_wal
""")
_SLOTS = text("""
SELECT slot_name AS name, pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery()
    THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END, restart_lsn) AS bytes
FROM pg_replication_slots WHERE restart_lsn IS NOT NULL
""")
_WAL = text("SELECT coalesce(sum(size), 0) AS bytes FROM pg_ls_waldir()")


@dataclass(frozen=True)
class ServerUse:
    """How much of the server is used."""

    sizes: Mapping[str, int]
    """Bytes of each database that our role may connect to."""
    connections: int
    """Of all databases and roles."""
    most_connections: int
    """As many as roles without privileges may have."""
    wal: int | None
    """Bytes of the write-ahead log; None where our role may not see it."""
    wal_most: int
    """Bytes that the log is kept to while nothing holds it back: ``max_wal_size``."""
    kept: Mapping[str, int]
    """Bytes of the log that each replication slot holds back."""
    archiving_fails: float
    """Seconds since the last file was archived, when the last attempt failed; 0 else."""


async def table_sizes(db: AsyncConnection) -> dict[str, int]:
    """Return the bytes of each table with its indexes."""
    return {row.name: row.bytes for row in await db.execute(_TABLES)}


async def server_use(db: AsyncConnection) -> ServerUse:
    """Return how much of the server is used, as far as our role may know."""
    use = (await db.execute(_USE)).one()
    wal = (await db.execute(_WAL)).scalar_one() if use.may_see_wal else None
    return ServerUse(
        sizes={row.name: row.bytes for row in await db.execute(_SIZES)},
        connections=use.connections,
        most_connections=use.most,
        wal=None if wal is None else int(wal),
        wal_most=use.wal_most,
        kept={row.name: int(row.bytes) for row in await db.execute(_SLOTS)},
        archiving_fails=float(use.archiving_fails),
    )
