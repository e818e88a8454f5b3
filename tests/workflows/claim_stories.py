"""Stories of goods under warranty that fail, and are claimed."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import text

from activities.warranties.defining import define_term
from db.warranties.terms import set_item_term
from domain.ids import ItemId, OrderId, new_id
from domain.warranties.terms import Cover, DefineTerm
from tests.patience import eventually
from tests.units import pick, serials, stock_saws
from tests.workflows.asking import calling
from tests.workflows.return_stories import back_is, found, inspect
from tests.workflows.return_stories import do as do_return
from tests.workflows.stage import Stage

LIMIT = {"amount": 100_000, "currency": "USD"}
PHOTO = "https://photos.example.com/crack.jpg"


def today() -> date:
    return datetime.now(UTC).date()


async def promise(stage: Stage, item: ItemId, **rest: Any) -> str:
    """Let an item be sold with a new term: two years, replaced before refunded, by itself."""
    given = {"settle_by": ["replacement", "refund"], "auto_limit": LIMIT, **rest}
    given.setdefault("duration_months", 24)
    code = f"T-{uuid4().hex[:12].upper()}"
    term = DefineTerm.model_validate({"code": code, "covers": [Cover.PARTS], **given})
    async with stage.books.begin() as db:
        await define_term(db, new_id(), term, actor="tests")
        await set_item_term(db, item, code)
    return code


async def sold(stage: Stage, units: int = 1, *, spare: int = 1, **term: Any) -> tuple[UUID, Any]:
    """Deliver units with serials that have a warranty; returns the order and its warranties."""
    named = serials(units)
    item = await stock_saws(stage.shop, *named)
    if spare:
        await stock_saws(stage.shop, *serials(spare), item=item)
    await promise(stage, item, **term)
    order = await stage.shop.place((item, units))
    await send(stage, order, *named)
    return order, await warranties(stage, order)


async def send(stage: Stage, order: OrderId, *named: str) -> None:
    """Pick units of an order by their serials, and deliver them."""
    shipment = await stage.shipment(order, "pending")
    await pick(stage.shop, shipment, *named)
    await stage.shipment(order, "booked")
    await stage.travel(shipment, "delivered")
    await stage.order(order, "completed")


async def warranties(stage: Stage, order: UUID) -> list[Mapping[str, Any]]:
    """Return the warranties on what an order brought, with their serials, the oldest first."""
    return await stage.shop.rows(
        "SELECT w.*, u.serial FROM warranties w LEFT JOIN units u ON u.id = w.unit_id"
        " WHERE w.order_id = :id ORDER BY w.id",
        id=order,
    )


async def let_pass(stage: Stage, warranty: UUID, days: int) -> None:
    """Have a warranty begin and end so many days earlier."""
    async with stage.books.begin() as db:
        earlier = text(
            "UPDATE warranties SET starts_on = starts_on - CAST(:days AS int),"
            " ends_on = (starts_on - CAST(:days AS int)"
            " + make_interval(months => duration_months))::date WHERE id = :id"
        )
        await db.execute(earlier, {"days": days, "id": warranty})


async def claim(
    stage: Stage, warranty: Any, *, role: str = "support", status: int = 201, **body: Any
) -> Any:
    """Claim that goods under a warranty failed today; returns the claim, or the refusal."""
    given = {"failed_on": str(today()), "symptom": "motor", **body}
    if "serial" not in given:
        given["warranty_id"] = str(warranty["id"])
    who = {"customer_id": warranty["customer_id"]} if role == "customer" else {}
    async with calling(stage) as callers:
        answer = await callers.post("/warranties/claims", given, role=role, **who)
    assert answer.status_code == status, answer.text
    made = answer.json()
    if status == 201:
        stage.shop.numbers[UUID(made["id"])] = made["number"]
    return made


async def do(
    stage: Stage, made: Any, verb: str, body: Any, role: str = "support", *, status: int = 200
) -> Any:
    """Ask something of a claim; returns the answer."""
    async with calling(stage) as callers:
        who = {"customer_id": made["customer_id"]} if role == "customer" else {}
        path = f"/warranties/claims/{made['id']}/{verb}"
        answer = await callers.post(path, body, role=role, **who)
    assert answer.status_code == status, answer.text
    return answer.json()


async def claim_is(stage: Stage, made: Any, status: str, role: str = "support") -> Any:
    """Wait until a claim is in this state, and return it."""

    async def there() -> Any:
        async with calling(stage) as callers:
            answer = await callers.get(f"/warranties/claims/{made['id']}", role=role)
        return answer.json() if answer.json()["status"] == status else None

    return await eventually(there)


async def comes_in(stage: Stage, made: Any, disposition: str = "scrap", **how: Any) -> Any:
    """Receive and inspect the faulty goods of an approved claim; returns their return."""
    async with calling(stage) as callers:
        back = (await callers.get(f"/returns/{made['return_id']}", role="support")).json()
    stage.shop.numbers[UUID(back["id"])] = back["number"]
    named = [made["serial"]] if made["serial"] else []
    lines = [
        {
            "return_line_id": back["lines"][0]["id"],
            "quantity": made["quantity"],
            "serials": named,
        }
    ]
    await do_return(stage, back, "receive", "warehouse", {"lines": lines})
    serials_of = {"serials": named} if named else {}
    await inspect(stage, back, found(back, made["quantity"], disposition, **serials_of, **how))
    return back


async def replacing(stage: Stage, made: Any) -> Any:
    """Wait for the first order that replaces a claim's goods, and return it."""

    async def there() -> Any:
        async with calling(stage) as callers:
            seen = (await callers.get(f"/warranties/claims/{made['id']}", role="support")).json()
        return seen["replaced_by"]

    order = (await eventually(there))[0]
    stage.shop.numbers[UUID(order["id"])] = order["number"]
    return order


async def replaced(stage: Stage, made: Any) -> tuple[OrderId, str]:
    """Deliver the goods that replace a claim's; returns their order and the unit's serial."""
    order = OrderId(UUID((await replacing(stage, made))["id"]))
    serial = await spare(stage, made)
    await send(stage, order, serial)
    return order, serial


async def spare(stage: Stage, made: Any) -> str:
    """Return the serial of a unit in stock of a claim's item."""
    query = "SELECT serial FROM units WHERE item_id = :item AND status = 'in_stock' LIMIT 1"
    return str(await stage.shop.one(query, item=made["item_id"]))


async def returned(stage: Stage, back: Any) -> Any:
    """Wait until the return of a claim's goods is closed."""
    return await back_is(stage, back, "closed")


async def returning(stage: Stage, made: Any) -> Any:
    """Return the run of the return under which a claim's goods come in."""
    async with calling(stage) as callers:
        back = (await callers.get(f"/returns/{made['return_id']}", role="support")).json()
    stage.shop.numbers[UUID(back["id"])] = back["number"]
    run = stage.returning(UUID(back["id"]))
    await eventually(lambda: stage.exists(run))
    return run
