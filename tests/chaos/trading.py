"""The product's own load (``stateset chaos``) on the shared installation, and what came of it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

from activities.access.accepting import create_key
from db.engine import Database, open_engine
from domain.ids import new_id
from runtime.commands.chaos.asking import Asking
from runtime.commands.chaos.judging import Judgement, judge, settle
from runtime.commands.chaos.trade import Trade
from runtime.commands.connection import target_of
from runtime.commands.sandbox import travelling
from runtime.commands.shop import Shop
from runtime.settings import Settings
from tests.installation import Installation
from tests.partners import CARRIER_KEY

PATIENCE = 240.0


@asynccontextmanager
async def trading(installation: Installation) -> AsyncIterator[Trade]:
    """A trade whose parcels travel to their recipients by themselves."""
    record = installation.record
    db = Database(open_engine(record.database_url, application="tests", pool=1))
    async with db.begin() as connection:
        key = await create_key(connection, new_id(), name=uuid4().hex, role="inspector")
    await db.close()
    async with Shop(record.api_url, key) as inspector:
        trade = Trade(
            Asking([installation.shop], PATIENCE),
            Asking([inspector], PATIENCE),
            installation.customer_id,
            "AUS",
        )
        await trade.open()
        async with travelling(record.carrier_url, CARRIER_KEY, seconds_per_scan=0.05, outcomes={}):
            try:
                yield trade
            finally:
                await installation.carrier.forget_faults()
                await installation.payments.forget_faults()


async def judged(installation: Installation, trade: Trade) -> Judgement:
    """Return what is found once everything has settled."""
    target = target_of(installation.record)
    left = await settle(target, PATIENCE)
    return await judge(trade, left, target, Settings())
