"""Orders whose money is reserved for half a day more, and what the provider has of them."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from activities.payments.accepting import pay_order
from db.outbox import drop_done, take_due
from db.renewals import find_ending
from domain.documents import Document, Kind
from domain.holds import HoldRelease
from domain.ids import OrderId, ShipmentId, new_id
from tests.activities.bench import Bench
from tests.aging import HOURS, age

SIX_DAYS = timedelta(days=6, hours=12)
DECLINED = "tok_renewal_declined"


async def ending(bench: Bench, token: str = "tok_ok", **stock: int) -> OrderId:
    """Bring an order so far that it waits for labels, its money reserved for half a day more."""
    order = await bench.confirmed(token, **stock)
    await age(bench, "payments", "authorization_expires_at", SIX_DAYS, order_id=order)
    return order


async def half_sent(bench: Bench, token: str = "tok_ok") -> tuple[OrderId, ShipmentId, ShipmentId]:
    """Let the first of two parcels leave, and the second one wait until the money ends soon."""
    order = await bench.confirmed(token, AUS=1, RNO=1)
    first, second = await bench.shipments(order)
    await bench.take("book_shipment", first)
    await bench.scan(first, "PU")
    return order, first, second


async def payments_of(bench: Bench, order: OrderId) -> list[Any]:
    return await bench.shop.rows(
        "SELECT *, authorization_expires_at - now() AS lasts FROM payments WHERE order_id = :id"
        " ORDER BY created_at",
        id=order,
    )


async def at_provider(bench: Bench, order: OrderId) -> list[tuple[int, int, int]]:
    """Return what each authorization has captured, voided, and left, oldest first."""
    found = []
    for payment in await payments_of(bench, order):
        key = f"authorize/{payment['id']}"
        for operation in (await bench.payments.ask("GET", f"/operations?key={key}"))["data"]:
            path = f"/authorizations/{operation['authorization']}"
            shown = await bench.payments.ask("GET", path)
            if shown["outcome"] == "succeeded":
                found.append((shown["captured"], shown["voided"], shown["capturable"]))
    return found


async def total_of(bench: Bench, order: OrderId) -> int:
    return int(await bench.shop.one("SELECT total_amount FROM orders WHERE id = :id", id=order))


async def held(bench: Bench, order: OrderId) -> list[str]:
    rows = await bench.shop.rows(
        "SELECT reason FROM holds WHERE document_id = :id AND released_at IS NULL", id=order
    )
    return [row["reason"] for row in rows]


async def asked(bench: Bench, about: UUID) -> list[Any]:
    return await bench.shop.rows(
        "SELECT * FROM tasks WHERE document_id = :id AND status = 'open'", id=about
    )


async def release(bench: Bench, order: OrderId) -> None:
    [hold] = await bench.shop.rows(
        "SELECT id FROM holds WHERE document_id = :id AND released_at IS NULL", id=order
    )
    document = Document(Kind.ORDER, order)
    await bench.take(
        "release_hold", HoldRelease(document=document, hold_id=hold["id"], actor="finance")
    )


async def pay(bench: Bench, order: OrderId, token: str = "tok_ok") -> None:
    async with bench.shop.books.begin() as db:
        await pay_order(db, new_id(), order, token=token, actor="customer")


async def found(bench: Bench) -> list[UUID]:
    """Return the orders whose runs the sweep has look at their money, all others being told."""
    async with bench.shop.books.begin() as db:
        due = await take_due(db, 1000, HOURS)
        await drop_done(db, [one.id for one in due])
        return list(await find_ending(db, 1000))
