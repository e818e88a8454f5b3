"""Time that passes for rows, and the sweeps that look at them."""

import asyncio
from datetime import timedelta
from functools import partial
from typing import Protocol
from uuid import UUID

from sqlalchemy import text
from temporalio.client import Client

from db.deadlines import DEADLINES as TABLE
from relay.sweeps import SWEEPS, Sweeper
from tests.patience import eventually
from tests.shop import Shop

HOURS = timedelta(hours=1)
DAYS = timedelta(days=1)
DEADLINES = [each.name for each in TABLE]


class Company(Protocol):
    """What has a shop, such as a bench or a stage."""

    shop: Shop


async def sweep(company: Company, *names: str) -> None:
    """Run these sweeps, or all those of deadlines, in two workers at once.

    What a run holds at that moment is left to the next sweep, minutes later: it is run here, too.
    """
    client = await Client.connect("127.0.0.1:1", lazy=True)
    sweeper = Sweeper(company.shop.books, client)
    for name in names or ("needless_tasks", *DEADLINES):
        await sweep_once(company, name)
        if name in ("needless_tasks", *DEADLINES):
            await eventually(partial(_nothing_left, sweeper, name), otherwise=f"{name} goes on")


async def sweep_once(company: Company, *names: str) -> None:
    """The same, without what another transaction holds."""
    client = await Client.connect("127.0.0.1:1", lazy=True)
    for name in names or ("needless_tasks", *DEADLINES):
        await asyncio.gather(*(Sweeper(company.shop.books, client).sweep(name) for _ in range(2)))


async def _nothing_left(sweeper: Sweeper, name: str) -> bool:
    """Whether a sweep has said all that it finds; it is run once more if not."""
    if left := await SWEEPS[name].find(sweeper):
        await sweeper.sweep(name)
    return not left


async def age(company: Company, table: str, column: str, by: timedelta, **where: UUID) -> None:
    """Set a moment of rows back."""
    [(name, value)] = where.items()
    query = f"UPDATE {table} SET {column} = {column} - CAST(:by AS interval) WHERE {name} = :value"
    async with company.shop.books.begin() as db:
        assert (await db.execute(text(query), {"by": by, "value": value})).rowcount


async def silent(company: Company, shipment: UUID, by: timedelta) -> None:
    """Let so much time pass since the departure and all scans that came."""
    await age(company, "shipments", "handed_over_at", by, id=shipment)
    # Scans are append-only; the trigger that says so is off for this transaction.
    async with company.shop.books.begin() as db:
        await db.execute(text("SET LOCAL session_replication_role = replica"))
        await db.execute(
            text(
                "UPDATE tracking_events SET recorded_at = recorded_at - CAST(:by AS interval)"
                " WHERE parcel_id IN (SELECT id FROM parcels WHERE shipment_id = :id)"
            ),
            {"by": by, "id": shipment},
        )


async def age_declines(company: Company, order: UUID, by: timedelta) -> None:
    """Let so much time pass since the cards of an order were declined."""
    async with company.shop.books.begin() as db:
        await db.execute(text("SET LOCAL session_replication_role = replica"))
        await db.execute(
            text(
                "UPDATE payment_entries SET recorded_at = recorded_at - CAST(:by AS interval)"
                " WHERE payment_id IN (SELECT id FROM payments WHERE order_id = :id)"
            ),
            {"by": by, "id": order},
        )
