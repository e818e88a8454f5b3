"""One run of the chaos: trade, one fault after another, a moment to settle, and a judgement."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from activities.access.accepting import create_key
from db.engine import Database, open_engine
from db.verify.books import Finding
from domain.ids import new_id
from gateways.carriers.sandbox import SANDBOX_CARRIER
from runtime.commands.chaos.asking import Asking, Late, Refused
from runtime.commands.chaos.faults import Fault, FaultKind
from runtime.commands.chaos.ground import Ground
from runtime.commands.chaos.harm import do_harm
from runtime.commands.chaos.judging import Judgement, judge, settle
from runtime.commands.chaos.trade import Trade
from runtime.commands.sandbox import travelling
from runtime.commands.shop import Shop
from runtime.commands.verify import check_everything
from runtime.sample.company import load_company

AT_ONCE = 12
"""Customers that are served at a time."""
PATIENCE = 300.0
"""Seconds that a customer waits for what must come, and that everything has to settle."""
BEFORE_THE_OTHER = 2.0
"""Seconds after which a customer who gets no answer turns to the other API."""
SETTLING = timedelta(seconds=60)
"""For the comparison of the books with the partners, after all documents have ended."""
SECONDS_PER_SCAN = 0.1
SITE = "AUS"


@dataclass
class Blow:
    """A fault that happened, when, and how long everything took to work again after it."""

    fault: Fault
    begun: datetime
    ended: datetime | None = None
    recovered: float | None = None
    """Seconds from its end until an order that was placed then had its labels; None: never."""
    held: float = 0
    """Seconds from its begin that a customer, whom it met, waited for the same thing."""
    left_out: str = ""
    """Why it did not happen."""


@dataclass
class Outcome:
    """What a run of the chaos found."""

    blows: list[Blow]
    trade: Trade
    judgement: Judgement
    findings: Sequence[Finding]
    settled: float
    """Seconds from the end of the load until every document had ended."""

    @property
    def sound(self) -> bool:
        """Whether all is as it was promised."""
        return (
            self.judgement.sound
            and not any(finding.broken for finding in self.findings)
            and all(blow.recovered is not None or blow.left_out for blow in self.blows)
        )


async def play(
    ground: Ground, faults: Sequence[Fault], until: float, say: Callable[[str], None]
) -> Outcome:
    """Let these faults happen to a stack at work; no new one begins after ``until``."""
    async with _trading(ground) as trade:
        serving = asyncio.create_task(trade.serve(AT_ONCE, trade.stock))
        blows: list[Blow] = []
        try:
            # An order that went through, beside those of the first customers: the load is there.
            await trade.canary()
            for fault in faults:
                if time.monotonic() > until:
                    break
                blows.append(await _blow(ground, trade, fault))
                say(_told(blows[-1]))
        finally:
            trade.closing = True
        begun = time.monotonic()
        await asyncio.gather(serving, return_exceptions=True)
        left = await settle(ground.target, PATIENCE)
        settled = time.monotonic() - begun
        judgement = await judge(trade, left, ground.target, ground.settings)
        findings = await check_everything(ground.target, ground.settings, SETTLING)
        _measure(blows, trade.staff.waits)
    return Outcome(blows, trade, judgement, findings, settled)


async def _blow(ground: Ground, trade: Trade, fault: Fault) -> Blow:
    blow = Blow(fault, datetime.now(UTC))
    if fault.kind is FaultKind.FULL_DISK and not ground.disk.small:
        blow.left_out = "no file system may be mounted here"
        return blow
    await do_harm(ground, fault)
    blow.ended = datetime.now(UTC)
    begun = time.monotonic()
    with contextlib.suppress(Late, Refused):
        await trade.canary()
        blow.recovered = time.monotonic() - begun
    return blow


def _told(blow: Blow) -> str:
    if blow.left_out:
        return f"{blow.fault}: left out, {blow.left_out}"
    if blow.recovered is None:
        return f"{blow.fault}: an order placed after it got no label in {PATIENCE:.0f} s"
    return f"{blow.fault}: an order placed after it has its labels after {blow.recovered:.1f} s"


def _measure(blows: Sequence[Blow], waits: Sequence[tuple[datetime, datetime]]) -> None:
    """Note of each fault how long it held up the customers that it met."""
    for blow in blows:
        for since, until in waits:
            if blow.ended is not None and since < blow.ended and until > blow.begun:
                took = until - max(since, blow.begun)
                blow.held = max(blow.held, took.total_seconds())


@contextlib.asynccontextmanager
async def _trading(ground: Ground) -> AsyncIterator[Trade]:
    """Open the shop on a running stack: a company, its keys, parcels that travel by themselves."""
    db = Database(open_engine(ground.record.database_url, application="stateset-chaos", pool=2))
    try:
        company = await load_company(db)
        async with db.begin() as connection:
            staff_key = await create_key(connection, new_id(), name="chaos", role="admin")
            other_key = await create_key(connection, new_id(), name="bench", role="inspector")
    finally:
        await db.close()
    async with contextlib.AsyncExitStack() as shops:
        staff, inspector = [
            Asking(
                [
                    await shops.enter_async_context(
                        Shop(url, key, connections=64, patience=BEFORE_THE_OTHER, longest=15)
                    )
                    for url in ground.api_urls
                ],
                PATIENCE,
            )
            for key in (staff_key, other_key)
        ]
        trade = Trade(staff, inspector, str(company.customers["Maya Okafor"]), SITE)
        await trade.open()
        await shops.enter_async_context(
            travelling(
                ground.record.carrier_url,
                ground.settings.of(SANDBOX_CARRIER).api_key.get_secret_value(),
                seconds_per_scan=SECONDS_PER_SCAN,
                outcomes={},
            )
        )
        yield trade
