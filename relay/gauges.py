"""What a worker measures of the books, and what it writes down for operators."""

from collections.abc import Sequence

from prometheus_client import Gauge

from db.engine import Database
from db.outbox import backlog, depth_by_kind
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
        (metrics.verify_broken, len(checked["broken"]) if checked else 0),
    ]
    read += [(metrics.outbox_depth.labels(kind), depth) for kind, depth in depths.items()]
    for kind, (waiting, overdue) in tasks.items():
        read += [(metrics.tasks_open.labels(kind), waiting)]
        read += [(metrics.tasks_overdue.labels(kind), overdue)]
    return read


def set_gauges(read: Sequence[Read]) -> int:
    """Set what was read."""
    for gauge, value in read:
        gauge.set(value)
    return len(read)


async def record_contacts(books: Database) -> list[tuple[str, Contact]]:
    """Write down how this process last heard each partner; return what was written."""
    noted = sorted(contacts().items())
    async with books.begin() as db:
        for partner, contact in noted:
            await record_contact(db, partner, contact)
    return noted
