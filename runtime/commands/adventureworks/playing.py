"""A whole replay: stock first, then the orders, their ends, the totals and the books."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

from rich.console import Console
from rich.live import Live
from rich.text import Text

from db.engine import Database, open_engine
from db.orders.counts import count_by_status
from gateways.carriers.sandbox import SANDBOX_CARRIER
from runtime.commands.adventureworks import addresses, customers, sales
from runtime.commands.adventureworks.replay import (
    Progress,
    Recipient,
    find_known,
    follow,
    own_key,
    place_all,
    receive_missing,
    select_orders,
    total_of,
)
from runtime.commands.concurrency import together
from runtime.commands.connection import Target
from runtime.commands.sandbox import travelling
from runtime.commands.shop import Shop
from runtime.commands.summary import Summary
from runtime.commands.verify import check_everything
from runtime.settings import Settings

SECONDS_PER_SCAN = 0.05
_REFRESH = 0.25
_QUIET_REFRESH = 10.0


@dataclass(frozen=True)
class Wish:
    """What to replay, and how hard to push."""

    folder: Path
    count: int
    since: date | None
    concurrency: int
    patience: timedelta


async def replay(target: Target, settings: Settings, wish: Wish, console: Console) -> Summary:
    """Replay and return the figures; raises NotReadable, NotReachable, NoAnswer."""
    started = time.monotonic()
    api_url = target.api
    recipient = read_recipients(wish.folder)
    orders, lost = select_orders(wish.folder, wish.count, wish.since, recipient)
    db = Database(open_engine(target.database_url, application="stateset-replay", pool=3))
    async with AsyncExitStack() as stack:
        stack.push_async_callback(db.close)
        known = await find_known(db, orders)
        progress = Progress(
            wanted=len(orders),
            ids={known[order.number]: order for order in orders if order.number in known},
            already_there=len(known),
        )
        new = [order for order in orders if order.number not in known]
        received = await receive_missing(db, new)
        console.print(
            f"{len(new)} orders to place, {len(known)} are there already;"
            f" received {received} missing units first"
        )
        key = await stack.enter_async_context(own_key(db))
        shop = await stack.enter_async_context(Shop(api_url, key, connections=wish.concurrency + 8))
        if target.carrier_url is None:
            console.print("the carrier is not a sandbox of ours: parcels travel as they will")
        else:
            carrier_key = settings.of(SANDBOX_CARRIER).api_key.get_secret_value()
            pilot = travelling(
                target.carrier_url, carrier_key, seconds_per_scan=SECONDS_PER_SCAN, outcomes={}
            )
            await stack.enter_async_context(pilot)
        summary = await _play(db, shop, new, recipient, wish, progress, console)
    for reason in [*lost, *progress.refused][:20]:
        console.print(f"refused: {reason}", style="yellow", markup=False)
    summary.findings = await check_everything(target, settings)
    summary.more = {
        "already_there": progress.already_there,
        "refused": len(progress.refused) + len(lost),
        "received_units": received,
        "largest_difference": _largest_difference(list(progress.ids.values())),
    }
    summary.seconds = time.monotonic() - started
    return summary


def succeeded(summary: Summary) -> bool:
    """Whether every order ended, the totals agree and the books are sound."""
    figures = summary.as_json()["orders"]
    ended = sum(n for status, n in summary.by_status.items() if status not in _RUNNING)
    return (
        summary.sound
        and summary.agrees
        and figures["refused"] == 0
        and ended == summary.accepted + figures["already_there"]
    )


_RUNNING = frozenset({"pending", "confirmed"})


def read_recipients(folder: Path) -> Recipient:
    """Return the function that says to whom and where an order goes."""
    places, _ = addresses.read_addresses(folder)
    buyers, _ = customers.read_customers(folder, places)
    names = {buyer.customer_id: buyer.name for buyer in buyers}

    def recipient(order: sales.SalesOrder) -> dict[str, str] | None:
        place, name = places.get(order.ship_to_id), names.get(order.customer_id)
        return None if place is None or name is None else place.to(name)

    return recipient


async def _play(
    db: Database,
    shop: Shop,
    orders: Sequence[sales.SalesOrder],
    recipient: Recipient,
    wish: Wish,
    progress: Progress,
    console: Console,
) -> Summary:
    async with db.read() as connection:
        progress.by_status = await count_by_status(connection, list(progress.ids))
    summary = Summary(ended_before=progress.ended)
    started = time.monotonic()
    posted = asyncio.Event()

    async def post() -> None:
        await place_all(shop, orders, recipient, progress, wish.concurrency)
        summary.posting_seconds = time.monotonic() - started
        posted.set()

    async def watch() -> None:
        showing = asyncio.ensure_future(_show(progress, console, started))
        try:
            last = await follow(db, progress, posted, wish.patience)
            summary.completing_seconds = last - started
        finally:
            showing.cancel()
            await asyncio.gather(showing, return_exceptions=True)

    await together(post(), watch())
    summary.accepted = progress.accepted
    summary.by_status = progress.by_status
    summary.total_ours = await total_of(shop, list(progress.ids))
    summary.total_data = sum(order.total_cents for order in progress.ids.values())
    return summary


async def _show(progress: Progress, console: Console, started: float) -> None:
    """Show how far it is: one line that changes, or without a terminal a line now and then."""
    if not console.is_terminal:
        while True:
            await asyncio.sleep(_QUIET_REFRESH)
            console.print(_line(progress, started))
    with Live(console=console, refresh_per_second=4) as live:
        while True:
            live.update(_line(progress, started))
            await asyncio.sleep(_REFRESH)


def _line(progress: Progress, started: float) -> Text:
    seconds = max(time.monotonic() - started, 0.001)
    states = ", ".join(f"{count} {status}" for status, count in sorted(progress.by_status.items()))
    return Text(
        f"{progress.sent}/{progress.wanted} sent ({progress.sent / seconds:,.0f}/s)"
        f", {len(progress.refused)} refused; {states or 'none known yet'}; {seconds:,.0f} s"
    )


def _largest_difference(orders: Sequence[sales.SalesOrder]) -> str:
    """Return the largest difference of an order's rounded total to its recorded one, in dollars."""
    return str(max((abs(order.difference) for order in orders), default=Decimal(0)))
