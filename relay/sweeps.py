"""Sweeps: periodic reconciliation of documents, runs, outbox and keys; one table of all of them.

Several workers may run the same sweep at once: what is found is looked at again under a lock
before anything is done, so that a race of two does nothing twice.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection
from temporalio.client import Client

from activities.inventory.setting_aside import set_aside
from activities.work_orders.timing import end_left_running
from db.deadline import Deadline
from db.deadlines import DEADLINES, cancel_needless, find_late, find_needless, warn
from db.engine import Database
from db.inventory.lot_sweeps import find_expiring, find_to_set_aside, tell_expiring
from db.inventory.reservations import expire
from db.inventory.reservations import find_expired as find_expired_reservations
from db.items import give_key, items_without_key
from db.orders.terms import find_fitting
from db.outbox import signal
from db.reminders import find_unreminded, remind
from db.renewals import find_ending
from db.returns.replacements import find_replaceable
from db.runs import Unfinished
from db.warranties.writes import find_ending as find_ending_warranties
from db.warranties.writes import tell_ending as tell_ending_warranties
from db.work_orders.people import find_left_running
from domain.documents import Document, Kind, Signal
from domain.lots import LotStatus
from domain.warranties.coverage import ENDS_SOON
from relay.gauges import (
    Read,
    read_gauges,
    read_keys,
    read_server,
    record_contacts,
    set_gauges,
    set_keys,
    set_server,
)
from relay.lost_runs import RunWatch
from relay.retention import RETENTION
from relay.sweep import EVERY, Find, Given, Keep, Sweep
from telemetry import metrics
from telemetry.partners import Contact

log = structlog.get_logger(__name__)

YOUNG = timedelta(minutes=1)
"""A document younger than this is left alone: its start may be under way."""
KEYS_A_TIME = 1000
RENEWALS_A_TIME = 1000
WARNINGS_A_TIME = 100
"""Their documents are locked together while their tasks and events are written."""

Found = TypeVar("Found")
Dealt = TypeVar("Dealt")
Step = Callable[[AsyncConnection, Dealt], Awaitable[int]]


class Sweeper:
    """What the sweeps of one worker run on, and the loop that runs all of them."""

    def __init__(
        self,
        books: Database,
        client: Client,
        *,
        young: timedelta = YOUNG,
        keep: Keep | None = None,
    ) -> None:
        """Look after these books and their runs, but not yet after ``young`` documents."""
        self.books = books
        self.keep = keep or Keep()
        self.runs = RunWatch(books, client, young)

    async def run(self) -> None:
        """Sweep until cancelled; what fails once is tried again next time."""
        for name in SWEEPS:
            # A sweep that never succeeds is seen, too: its time is 0.
            metrics.sweep_last_success.labels(name)
            metrics.sweep_failures.labels(name)
        await asyncio.gather(*(self._repeat(sweep) for sweep in SWEEPS.values()))

    async def sweep(self, name: str) -> None:
        """Run one sweep now, to its end."""
        sweep = SWEEPS[name]
        more = True
        while more:
            found = await sweep.find(self)
            done = await sweep.act(self, found) if found else 0
            more = sweep.batch is not None and done >= sweep.batch
        metrics.sweep_last_success.labels(name).set_to_current_time()

    async def _repeat(self, sweep: Sweep[Any]) -> None:
        while True:
            try:
                await self.sweep(sweep.name)
            except Exception as error:
                metrics.sweep_failures.labels(sweep.name).inc()
                log.warning("sweep_failed", sweep=sweep.name, error=str(error))
            await asyncio.sleep(sweep.every.total_seconds())


async def _some(find: Find[Found], sweeper: Given) -> Sequence[Found]:
    """Return what a query finds, as much as is dealt with at once."""
    async with sweeper.books.read() as db:
        return await find(db, WARNINGS_A_TIME)


async def _read_gauges(sweeper: Given) -> Sequence[Read]:
    return await read_gauges(sweeper.books)


async def _record_contacts(sweeper: Given) -> Sequence[tuple[str, Contact]]:
    return await record_contacts(sweeper.books)


async def _nothing(_: Given, found: Sequence[object]) -> int:
    return len(found)


async def _find_lost_runs(sweeper: Given) -> Sequence[Unfinished]:
    return await sweeper.runs.find_lost()


async def _wake_runs(sweeper: Given, lost: Sequence[Unfinished]) -> int:
    return await sweeper.runs.wake(lost)


async def _find_late(deadline: Deadline, sweeper: Given) -> Sequence[UUID]:
    async with sweeper.books.read() as db:
        return await find_late(db, deadline, WARNINGS_A_TIME)


async def _warn(deadline: Deadline, sweeper: Given, ids: Sequence[UUID]) -> int:
    async with sweeper.books.begin() as db:
        return await warn(db, deadline, ids)


async def _find_ending(sweeper: Given) -> Sequence[UUID]:
    async with sweeper.books.read() as db:
        return await find_ending(db, RENEWALS_A_TIME)


async def _look_at_money(sweeper: Given, order_ids: Sequence[UUID]) -> int:
    """Have the runs of orders look at their money: they renew what ends soon, or are confirmed."""
    for order_id in order_ids:
        async with sweeper.books.begin() as db:
            await signal(db, Document(Kind.ORDER, order_id), Signal.PAYMENT_REPORTED)
    return len(order_ids)


async def _find_fitting(sweeper: Given) -> Sequence[UUID]:
    """Return orders on hold for want of credit that is there: a signal may have met their check."""
    async with sweeper.books.read() as db:
        return await find_fitting(db, WARNINGS_A_TIME)


async def _find_without_key(sweeper: Given) -> Sequence[tuple[UUID, str]]:
    """Return the items of a release that wrote no key of a SKU: it may still run beside ours."""
    async with sweeper.books.read() as db:
        return list((await items_without_key(db, KEYS_A_TIME)).items())


async def _give_keys(sweeper: Given, items: Sequence[tuple[UUID, str]]) -> int:
    async with sweeper.books.begin() as db:
        for item_id, sku in items:
            await give_key(db, item_id, sku)
    return len(items)


async def _find_replaceable(sweeper: Given) -> Sequence[UUID]:
    """Return returns that wait for stock to replace their goods, which is there now."""
    async with sweeper.books.read() as db:
        return await find_replaceable(db, WARNINGS_A_TIME)


async def _wake_returns(sweeper: Given, ids: Sequence[UUID]) -> int:
    async with sweeper.books.begin() as db:
        for return_id in ids:
            await signal(db, Document(Kind.RETURN, return_id), Signal.RETURN_CHANGED)
    return len(ids)


def _ends_soon() -> tuple[date, date]:
    """Return the first and the last of the days on which what ends is announced as near."""
    today = datetime.now(UTC).date()
    return today, today + ENDS_SOON


async def _find_ending_warranties(sweeper: Given) -> Sequence[UUID]:
    async with sweeper.books.read() as db:
        return await find_ending_warranties(db, *_ends_soon(), WARNINGS_A_TIME)


async def _tell_ending_warranties(sweeper: Given, ids: Sequence[UUID]) -> int:
    async with sweeper.books.begin() as db:
        return await tell_ending_warranties(db, *_ends_soon(), ids)


async def _set_aside(sweeper: Given, lots: Sequence[tuple[UUID, str]]) -> int:
    """Quarantine expired lots, and take from orders what they hold of any that is set aside."""
    for lot_id, status in lots:
        target = LotStatus.RECALLED if status == LotStatus.RECALLED else LotStatus.QUARANTINED
        async with sweeper.books.begin() as db:
            await set_aside(db, lot_id, target, "expired", actor="system")
    return len(lots)


async def _all(step: Step[Dealt], sweeper: Given, found: Dealt) -> int:
    async with sweeper.books.begin() as db:
        return await step(db, found)


def _together(
    name: str, every: timedelta, find: Find[Found], step: Step[Sequence[Found]]
) -> Sweep[Found]:
    """Return a sweep that deals with what it finds in one transaction."""
    return Sweep(name, every, partial(_some, find), partial(_all, step), batch=WARNINGS_A_TIME)


def _apart(name: str, every: timedelta, find: Find[Found], step: Step[Found]) -> Sweep[Found]:
    """Return a sweep that deals with each that it finds in a transaction of its own."""

    async def act(sweeper: Given, found: Sequence[Found]) -> int:
        return sum([await _all(step, sweeper, one) for one in found])

    return Sweep(name, every, partial(_some, find), act)


_TABLE: tuple[Sweep[Any], ...] = (
    Sweep("gauges", timedelta(seconds=5), _read_gauges, set_gauges),
    Sweep("database", timedelta(seconds=30), lambda at: read_server(at.books), set_server),
    Sweep("expiring_keys", EVERY, lambda at: read_keys(at.books), set_keys),
    Sweep("partner_health", timedelta(seconds=5), _record_contacts, _nothing),
    Sweep("lost_runs", timedelta(seconds=30), _find_lost_runs, _wake_runs),
    Sweep("sku_keys", YOUNG, _find_without_key, _give_keys, batch=KEYS_A_TIME),
    # No batch: until their runs have acted, the same ones are found.
    Sweep("replaceable_returns", YOUNG, _find_replaceable, _wake_returns),
    _apart("expired_reservations", YOUNG, find_expired_reservations, expire),
    _apart("timers_left_running", EVERY, find_left_running, end_left_running),
    *RETENTION,
    Sweep("renewals", EVERY, _find_ending, _look_at_money),
    Sweep("credit", EVERY, _find_fitting, _look_at_money),
    _together("needless_tasks", EVERY, find_needless, cancel_needless),
    _together("reminders", EVERY, find_unreminded, remind),
    Sweep(
        "ending_warranties",
        EVERY,
        _find_ending_warranties,
        _tell_ending_warranties,
        batch=WARNINGS_A_TIME,
    ),
    Sweep("expired_lots", EVERY, partial(_some, find_to_set_aside), _set_aside),
    _together("expiring_lots", EVERY, find_expiring, tell_expiring),
    *(
        Sweep(
            deadline.name,
            EVERY,
            partial(_find_late, deadline),
            partial(_warn, deadline),
            batch=WARNINGS_A_TIME,
        )
        for deadline in DEADLINES
    ),
)
SWEEPS: Mapping[str, Sweep[Any]] = {sweep.name: sweep for sweep in _TABLE}
"""The one table of sweeps; whatever is added here runs, is measured, and is repeated on failure."""
