"""One soak: orders for so long, looks meanwhile, and what is left when they have stopped."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.exc import SQLAlchemyError
from temporalio.service import RPCError

from activities.access.accepting import create_key
from db.engine import Database, open_engine
from db.reads.overview import pending_by_kind
from db.verify.books import Finding
from domain.ids import new_id
from gateways.carriers.sandbox import SANDBOX_CARRIER
from runtime.commands.connection import Target
from runtime.commands.sandbox import travelling
from runtime.commands.shop import Shop
from runtime.commands.soak.customers import Customers
from runtime.commands.soak.judging import judge
from runtime.commands.soak.measuring import Observer, Picture, Sample
from runtime.commands.verify import check_everything
from runtime.local.record import StackRecord
from runtime.sample.company import load_company
from runtime.settings import Settings
from runtime.temporal import connect

SECONDS_PER_SCAN = 0.5
LOOKS = 60
"""So often processes are looked at, from the start to the end."""
_TOO_BUSY = (OSError, SQLAlchemyError, RPCError)
"""What a look fails by while the machine does not keep up; the next one may see again."""
UNSEEN = 0.2
"""So great a share of all looks may fail."""
LAST_PATIENCE = 120.0
"""Seconds in which every document has to end after the last order's story has."""


@dataclass
class Soak:
    """What a soak has found."""

    seconds: float
    rate: float
    samples: list[Sample] = field(default_factory=list)
    pictures: list[Picture] = field(default_factory=list)
    unseen: list[str] = field(default_factory=list)
    """Why looks failed."""
    customers: Customers | None = None
    pending: Sequence[Any] = ()
    """What of the soak has not ended, by kind."""
    findings: Sequence[Finding] = ()

    @property
    def failures(self) -> list[str]:
        """Say why it failed; nothing when it did not."""
        assert self.customers is not None
        found = judge(self.samples, self.pictures)
        found += [
            f"{each['open']} of kind {each['kind']} stand still, such as {each['number']}"
            for each in self.pending
        ]
        found += [f"{each.id} is broken: {each.sentence}" for each in self.findings if each.broken]
        if len(self.unseen) > UNSEEN * LOOKS:
            found.append(f"{len(self.unseen)} looks failed, the last one by {self.unseen[-1]}")
        if self.customers.behind:
            found.append(f"{self.customers.behind} orders could not be placed: too many under way")
        return found + self.customers.wrong


async def soak(
    record: StackRecord, target: Target, settings: Settings, *, seconds: float, rate: float
) -> Soak:
    """Let a company sell, and look at everything meanwhile."""
    found = Soak(seconds, rate)
    books = Database(open_engine(target.database_url, application="stateset-soak", pool=2))
    client = await connect(
        settings.model_copy(
            update={
                "temporal_address": target.temporal_address,
                "temporal_namespace": target.temporal_namespace,
            }
        )
    )
    try:
        keys = await _keys(books)
        folder = settings.data_dir.absolute()
        observer = Observer(record, folder, books, client)
        company = await load_company(books)
        before = {each["kind"]: each["open"] for each in await _pending(books)}
        carrier_key = settings.of(SANDBOX_CARRIER).api_key.get_secret_value()
        async with (
            Shop(target.api, keys["integration"], connections=64) as shop,
            Shop(target.api, keys["admin"], connections=64) as staff,
            Shop(target.api, keys["inspector"]) as inspector,
            travelling(
                target.carrier_url or "",
                carrier_key,
                seconds_per_scan=SECONDS_PER_SCAN,
                outcomes={},
            ),
        ):
            found.customers = Customers(company, shop, staff, inspector)
            try:
                await found.customers.stock_up()
                await _look_while_they_order(found, observer)
                await found.customers.until_done()
            finally:
                await found.customers.aclose()
            found.pending = await _until_ended(books, before)
            found.samples.append(await observer.sample(found.customers.placed))
    finally:
        await books.close()
    found.findings = await check_everything(target, settings)
    return found


async def _keys(books: Database) -> dict[str, str]:
    async with books.begin() as db:
        return {
            role: await create_key(db, new_id(), name=f"soak {role}", role=role)
            for role in ("integration", "admin", "inspector")
        }


async def _look_while_they_order(found: Soak, observer: Observer) -> None:
    customers = found.customers
    assert customers is not None
    ordering = asyncio.create_task(customers.order(found.seconds, found.rate))
    began = time.monotonic()
    try:
        for look in range(LOOKS + 1):
            due = began + look * found.seconds / LOOKS
            await asyncio.sleep(max(0, due - time.monotonic()))
            try:
                found.samples.append(await observer.sample(customers.placed))
            except _TOO_BUSY as error:
                found.unseen.append(f"{type(error).__name__} {error}".strip())
            if look % (LOOKS // 3) == 0:
                found.pictures.append(await _picture(observer, customers))
        await ordering
    finally:
        ordering.cancel()


async def _picture(observer: Observer, customers: Customers) -> Picture:
    """Look until it works: each third is compared with the one before."""
    deadline = time.monotonic() + LAST_PATIENCE
    while True:
        try:
            return await observer.picture(customers.placed)
        except _TOO_BUSY:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(1)


async def _until_ended(books: Database, before: Mapping[str, int]) -> Sequence[Any]:
    """Wait until no more documents are open than before; return the kinds of which there are."""
    deadline = time.monotonic() + LAST_PATIENCE
    while True:
        found = await _pending(books)
        more = [each for each in found if each["open"] > before.get(each["kind"], 0)]
        if not more or time.monotonic() > deadline:
            return more
        await asyncio.sleep(1)


async def _pending(books: Database) -> Sequence[Any]:
    async with books.read() as db:
        return await pending_by_kind(db)
