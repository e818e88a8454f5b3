"""Stories of parcels that their carrier brings back undelivered."""

from typing import Any
from uuid import UUID

from domain.ids import OrderId, ShipmentId
from domain.shipments.booking import AnswerDetails
from domain.tasks import TaskKind
from tests.patience import eventually
from tests.workflows.asking import calling
from tests.workflows.return_stories import back_is, found, inspect, receive
from tests.workflows.stage import Stage

POSTAGE = 500
MUG = 2700


async def returns_of(stage: Stage, **query: Any) -> list[Any]:
    """Return the returns of parcels that came back, as support sees them."""
    async with calling(stage) as callers:
        asked = "&".join(f"{name}={value}" for name, value in query.items())
        answer = await callers.get(f"/returns?kind=undeliverable&{asked}", role="support")
    assert answer.status_code == 200, answer.text
    return list(answer.json()["items"])


async def opened_by(stage: Stage, shipment: ShipmentId, order: OrderId) -> Any:
    """Return the return that a shipment of an order has opened, as soon as it is there."""

    async def there() -> Any:
        found = await returns_of(stage, order_id=order)
        return next((one for one in found if one["shipment_id"] == str(shipment)), None)

    back = await eventually(there)
    stage.shop.numbers[UUID(back["id"])] = back["number"]
    return back


async def brought_back(
    stage: Stage, units: int = 1, *, stock: int = 0, token: str = "tok_ok"
) -> tuple[OrderId, ShipmentId, Any]:
    """Let all of an order come back; returns it with its shipment and the return.

    ``stock`` is there beside what was sent.
    """
    mug = await stage.shop.item(AUS=units + stock)
    order = await stage.shop.place((mug, units), token=token)
    shipment = await stage.shipment(order, "booked")
    await stage.travel(shipment, "returned")
    return order, shipment, await opened_by(stage, shipment, order)


async def answer(stage: Stage, back: Any, choice: str, **details: Any) -> None:
    """Say what the customer gets for what comes back."""
    how = AnswerDetails(**details)
    await stage.decide(TaskKind.UNDELIVERABLE, UUID(back["id"]), choice, how)


async def is_here(stage: Stage, back: Any, disposition: str = "restock") -> None:
    """Receive and inspect all that comes back."""
    units = [line["quantity"] for line in back["lines"]]
    await receive(stage, back, *units)
    parts = [found(back, count, disposition, line=position) for position, count in enumerate(units)]
    await inspect(stage, back, *parts)


async def ends(stage: Stage, back: Any, choice: str) -> Any:
    """Answer, receive and inspect; returns the closed return."""
    await answer(stage, back, choice)
    await is_here(stage, back)
    return await back_is(stage, back, "closed")
