"""What a worker measures of the books, and what it writes down for operators."""

from collections.abc import Sequence
from typing import Any

from prometheus_client import Gauge
from sqlalchemy import Row

from db.access import expiring_keys
from db.engine import Database
from db.outbox import backlog, depth_by_kind
from db.reads.server import ServerUse, server_use
from db.tasks import count_by_kind
from db.watching import last_verification, record_contact
from telemetry import metrics
from telemetry.partners import Contact, contacts

Read = tuple[Gauge, float]


async def read_gauges(books: Database) -> list[Read]:
    """Return what the outbox and the people have to do now, to be set."""
    async with books.read() as db:
        row = await backlog(db)
        depths = await depth_by_kind(db)
        tasks = await count_by_kind(db)
        checked = await last_verification(db)
    read: list[Read] = [
        (metrics.outbox_oldest_seconds, float(row.oldest_seconds)),
        (metrics.outbox_failing, row.failing),
        (metrics.verify_last, checked["ended_at"].timestamp() if checked else 0),
        (metrics.verify_full_last, checked["full_at"].timestamp() if checked else 0),
        (metrics.verify_broken, len(checked["broken"]) if checked else 0),
    ]
    read += [(metrics.outbox_depth.labels(kind), depth) for kind, depth in depths.items()]
    for kind, (waiting, overdue) in tasks.items():
        read += [(metrics.tasks_open.labels(kind), waiting)]
        read += [(metrics.tasks_overdue.labels(kind), overdue)]
    return read


async def set_gauges(_: object, read: Sequence[Read]) -> int:
    """Set what was read."""
    for gauge, value in read:
        gauge.set(value)
    return len(read)


async def read_server(books: Database) -> list[ServerUse]:
    """Return how much of the database server is used."""
    async with books.read() as db:
        return [await server_use(db)]


async def set_server(_: object, found: Sequence[ServerUse]) -> int:
    """Set what the server told; a slot that is gone holds nothing back any more."""
    for use in found:
        for name, size in use.sizes.items():
            metrics.database_bytes.labels(name).set(size)
        metrics.database_connections.set(use.connections)
        metrics.database_connections_most.set(use.most_connections)
        metrics.wal_bytes.set(use.wal or 0)
        metrics.wal_most_bytes.set(use.wal_most)
        metrics.wal_archiving_fails.set(use.archiving_fails)
        metrics.wal_kept_bytes.clear()
        for name, size in use.kept.items():
            metrics.wal_kept_bytes.labels(name).set(size)
    return len(found)


async def read_keys(books: Database) -> list[Sequence[Row[Any]]]:
    """Return the keys that end soon, as one find: that there are none is news, too."""
    async with books.read() as db:
        return [await expiring_keys(db)]


async def set_keys(_: object, found: Sequence[Sequence[Row[Any]]]) -> int:
    """Set when keys end; one that was renewed or revoked is no longer told of."""
    metrics.api_key_expires.clear()
    for keys in found:
        for key in keys:
            ends = metrics.api_key_expires.labels(key.name, key.prefix)
            ends.set(key.expires_at.timestamp())
    return len(found)


async def record_contacts(books: Database) -> list[tuple[str, Contact]]:
    """Write down how this process last heard each partner; return what was written."""
    noted = sorted(contacts().items())
    async with books.begin() as db:
        for partner, contact in noted:
            await record_contact(db, partner, contact)
    return noted
