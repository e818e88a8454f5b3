"""What is left when everything has settled: what was lost, what happened twice, what is stuck."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx2

from db.engine import Database, open_engine
from db.runs import Unfinished, find_unfinished
from domain.documents import PROCESSES
from gateways.carriers.sandbox import SANDBOX_CARRIER
from gateways.payments.sandbox import SANDBOX_PAYMENTS
from runtime.commands.chaos.asking import LOOK, Asking
from runtime.commands.chaos.trade import Trade
from runtime.commands.connection import Target
from runtime.settings import Settings


@dataclass
class Judgement:
    """Findings, each in words; all empty when all is well."""

    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    stuck: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    """What customers were refused or waited for in vain."""
    asked: int = 0
    """Documents that wait for a person, who was asked by a task."""

    @property
    def sound(self) -> bool:
        """Whether nothing was found."""
        return not (self.lost or self.doubled or self.stuck or self.refused)


async def settle(target: Target, patience: float) -> list[Unfinished]:
    """Wait until every document has ended; return those that have not."""
    db = Database(open_engine(target.database_url, application="stateset-chaos", pool=1))
    try:
        async with asyncio.timeout(patience):
            while True:
                async with db.read() as connection:
                    left = list(await find_unfinished(connection))
                if not left:
                    return []
                await asyncio.sleep(LOOK)
    except TimeoutError:
        return left
    finally:
        await db.close()


async def judge(
    trade: Trade, left: list[Unfinished], target: Target, settings: Settings
) -> Judgement:
    """Compare what customers were told with what there is, here and at the partners."""
    found = Judgement()
    found.refused = [f"{life.wish}: {life.trouble}" for life in trade.lives if life.trouble]
    orders = await trade.staff.all("/orders", sku=trade.sku)
    _compare_orders(trade, {order["id"]: order for order in orders}, found)
    await _compare_documents(trade, found)
    ledger = await _rows(target.payments_url, "/ledger", settings.of(SANDBOX_PAYMENTS))
    bookings = await _rows(target.carrier_url, "/bookings", settings.of(SANDBOX_CARRIER))
    found.doubled += _twice_at_partners(orders, ledger, bookings)
    for one in left:
        await _ask_about(trade.staff, one, found)
    return found


def _compare_orders(
    trade: Trade, orders: Mapping[str, Mapping[str, Any]], found: Judgement
) -> None:
    known = {life.order_id for life in trade.lives if life.order_id}
    found.lost += [f"order {each} was accepted" for each in sorted(known - orders.keys())]
    unknown = sorted(orders.keys() - known)
    # Without an answer it is unknown of which key an order is.
    unanswered = sum(not life.order_id for life in trade.lives)
    found.doubled += [f"order {orders[each]['number']} has no key" for each in unknown[unanswered:]]


async def _compare_documents(trade: Trade, found: Judgement) -> None:
    """Look for what was accepted beside orders, and for what there is too much of."""
    for life in trade.lives:
        if not life.order_id:
            continue
        for path, ours in (
            ("/returns", life.returns),
            ("/refunds", life.refunds),
            ("/warranties/claims", life.claims),
        ):
            if ours:
                there = [each["id"] for each in await trade.staff.all(path, order_id=life.order_id)]
                found.lost += [f"{path}/{each} was accepted" for each in set(ours) - set(there)]
                if path != "/refunds" and len(there) > len(ours):
                    found.doubled.append(f"{len(there)} of {path} for one of order {life.order_id}")


def _twice_at_partners(
    orders: list[Mapping[str, Any]],
    ledger: list[Mapping[str, Any]],
    bookings: list[Mapping[str, Any]],
) -> list[str]:
    payments = {payment["id"]: order for order in orders for payment in order["payments"]}
    found = [f"{row['key']} moved money twice" for row in ledger if row["executed"] > 1]
    captures = Counter(
        row["key"].split("/")[1]
        for row in ledger
        if row["kind"] == "capture" and row["outcome"] == "succeeded"
    )
    found += [
        f"{order['number']} was captured {captures[name]} times, with {len(order['shipments'])}"
        " shipments"
        for name, order in payments.items()
        if captures[name] > len(order["shipments"])
    ]
    labels = Counter(row["reference"] for row in bookings if not row["voided"])
    return found + [f"{name} has {number} labels" for name, number in labels.items() if number > 1]


async def _ask_about(staff: Asking, one: Unfinished, found: Judgement) -> None:
    path = f"/{PROCESSES[one.kind].path}/{one.document.id}"
    process = await staff.get(f"{path}/process")
    if any(wait["who"].startswith("a person") for wait in process["waiting_for"]):
        found.asked += 1
    else:
        found.stuck.append(process["summary"])


async def _rows(url: str | None, path: str, ours: Any) -> list[Mapping[str, Any]]:
    headers = {"Authorization": f"Bearer {ours.api_key.get_secret_value()}"}
    async with httpx2.AsyncClient(base_url=url or "", headers=headers, timeout=60) as http:
        found: list[Mapping[str, Any]] = []
        while True:
            after = found[-1]["sequence"] if found else 0
            answer = await http.get(path, params={"after": after, "limit": 10_000})
            answer.raise_for_status()
            rows = answer.json()["data"]
            found += rows
            if len(rows) < 10_000:
                return found
