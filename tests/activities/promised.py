"""Goods that are sold with a warranty term, delivered on a day that a test chooses."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import httpx2
from sqlalchemy import text
from temporalio.client import Client

from activities.warranties.defining import define_term
from api.app import create_app
from api.services import Services
from db.inventory.receiving import Arrival, open_stock
from db.inventory.units import UnitStep, move_units
from db.warranties.terms import set_item_term
from domain.errors import PartnerUnavailable
from domain.ids import ItemId, OrderId, ReturnId, ShipmentId, new_id
from domain.units import UnitEventKind, UnitStatus
from domain.warranties.terms import Cover, DefineTerm
from runtime.settings import Settings
from tests.activities.bench import Bench
from tests.api.callers import Callers
from tests.units import pick, serials, stock_saws, unit


async def _away() -> Client:
    raise PartnerUnavailable("no test here needs Temporal")


@asynccontextmanager
async def calling(bench: Bench) -> AsyncIterator[Callers]:
    """Yield callers of every role, who ask for what is in the books of the bench."""
    app = create_app(Services(Settings(), bench.shop.books, _away))
    transport = httpx2.ASGITransport(app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://stateset") as client:
        yield Callers(client, bench.shop.books)


async def term(bench: Bench, months: int | None = 24, code: str = "", **rest: Any) -> str:
    """Define a term, or the next version of one; return its code."""
    code = code or f"T-{uuid4().hex[:12].upper()}"
    asked = DefineTerm(code=code, duration_months=months, covers=(Cover.PARTS,), **rest)
    async with bench.shop.books.begin() as db:
        await define_term(db, new_id(), asked, actor="tests")
    return code


async def sell_with(bench: Bench, item: ItemId, code: str | None) -> None:
    """Let an item be sold with a term from now on."""
    async with bench.shop.books.begin() as db:
        await set_item_term(db, item, code)


async def placed(bench: Bench, code: str | None, **stock: int) -> tuple[OrderId, ItemId]:
    """Have an order of one item paid for that is sold with a term."""
    item = await bench.shop.item(**(stock or {"AUS": 1}))
    await sell_with(bench, item, code)
    order = await bench.shop.place((item, sum(stock.values()) or 1))
    await bench.take("authorize_payment", order)
    return order, item


async def arrive(bench: Bench, shipment: ShipmentId, on: str = "") -> None:
    """Bring one of its shipments to the customer, on a day if one is given, and settle it."""
    await bench.take("book_shipment", shipment)
    await bench.scan(shipment, "PU")
    await bench.take("hand_over_shipment", shipment)
    await bench.scan(shipment, "DL")
    if on:
        moment = datetime.combine(date.fromisoformat(on), datetime.min.time(), UTC)
        async with bench.shop.books.begin() as db:
            delivered = text("UPDATE shipments SET delivered_at = :moment WHERE id = :id")
            await db.execute(delivered, {"moment": moment, "id": shipment})
    await bench.take("settle_shipment", shipment)


async def delivered(
    bench: Bench, code: str | None, on: str = "", **stock: int
) -> tuple[OrderId, list[ShipmentId]]:
    """Deliver an order of one item that is sold with a term."""
    order, _ = await placed(bench, code, **stock)
    shipments = await bench.shipments(order)
    for shipment in shipments:
        await arrive(bench, shipment, on)
    return order, shipments


async def line_of(bench: Bench, order: UUID) -> UUID:
    """Return the only line of an order."""
    found = await bench.shop.one("SELECT id FROM order_lines WHERE order_id = :id", id=order)
    return UUID(str(found))


async def warranties(bench: Bench, order: UUID) -> Sequence[Mapping[str, Any]]:
    """Return the warranties on what an order brought, those that end first before."""
    return await bench.shop.rows(
        "SELECT * FROM warranties WHERE order_id = :id ORDER BY ends_on, number", id=order
    )


async def told(bench: Bench, warranty: UUID) -> list[Any]:
    """Return what the events of a warranty say, without its prefix and version."""
    rows = await bench.shop.rows(
        "SELECT type, data, actor FROM events WHERE subject_id = :id ORDER BY sequence", id=warranty
    )
    return [(row["type"].split(".")[1], row["data"], row["actor"]) for row in rows]


async def settle(bench: Bench, back: ReturnId) -> None:
    """Let the runs of a return and of its refunds take their steps, more than once."""
    for _ in range(2):
        await bench.take("settle_return", back)
        for row in await bench.shop.rows("SELECT id FROM refunds WHERE return_id = :id", id=back):
            await bench.take("submit_refund", row["id"])
    await bench.take("settle_return", back)


def days(rows: Iterable[Mapping[str, Any]]) -> list[Any]:
    """Return how many units warranties are on, and their first and last days."""
    return [(row["quantity"], row["starts_on"], row["ends_on"]) for row in rows]


async def sold(bench: Bench, item: ItemId, named: list[str], on: str = "2031-03-10") -> OrderId:
    """Deliver these units of an item."""
    order = await bench.shop.place((item, len(named)))
    await bench.take("authorize_payment", order)
    [shipment] = await bench.shipments(order)
    await pick(bench.shop, shipment, *named)
    await arrive(bench, shipment, on)
    return order


async def sent(bench: Bench, code: str, units: int) -> tuple[OrderId, ItemId, list[str]]:
    """Deliver units of a new item that is sold with a term; return their serials."""
    named = serials(units)
    item = await stock_saws(bench.shop, *named)
    await sell_with(bench, item, code)
    return await sold(bench, item, named), item, named


async def comes_again(bench: Bench, item: ItemId, serial: str) -> None:
    """Take a unit that was sold back into stock."""
    shelf = bench.shop.shelves["AUS"]
    back = UnitStep(UnitEventKind.RETURNED, UnitStatus.IN_STOCK, "tests", location_id=shelf)
    async with bench.shop.books.begin() as db:
        await move_units(db, [(await unit(bench.shop, serial))["id"]], back)
        arrival = Arrival(f"back/{item}", item, shelf, Decimal(1))
        await open_stock(db, [arrival], actor="tests")


async def sold_by(bench: Bench, order: OrderId, shop: str) -> None:
    """Let an order be an integration's."""
    given: dict[str, Any] = {"shop": shop, "id": order}
    async with bench.shop.books.begin() as db:
        await db.execute(text("UPDATE orders SET source = :shop WHERE id = :id"), given)
