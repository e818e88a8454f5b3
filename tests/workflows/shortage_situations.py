"""Situations in which a picker finds fewer units than are planned, as those of `situations`."""

from uuid import UUID

from activities.shipments.picking import pick_shipment
from domain.shipments.missing import MissingUnits
from domain.shipments.picking import PickShipment
from domain.tasks import TaskKind
from tests.units import lines_of
from tests.workflows.arising import Asked
from tests.workflows.situations import Situation
from tests.workflows.stage import Stage
from tests.workflows.waiting_situations import stock_comes


async def miss(stage: Stage, shipment: UUID, units: int) -> None:
    """Say that so many units of a shipment's first line are not there."""
    [line, *_] = await lines_of(stage.shop, shipment)
    asked = PickShipment(shortages=(MissingUnits(line_id=line, quantity=units),))
    async with stage.books.begin() as db:
        await pick_shipment(db, shipment, asked, actor="picker")


async def there_is_more(stage: Stage) -> Asked:
    """A label was bought for three; two are there, and another site has one."""
    mug = await stage.shop.item(AUS=3, RNO=1)
    order = await stage.shop.place((mug, 3))
    shipment = await stage.shipment(order, "booked")
    await miss(stage, shipment, 1)
    return Asked(shipment, order)


async def there_is_no_more(stage: Stage) -> Asked:
    mug = await stage.shop.item(AUS=2)
    order = await stage.shop.place((mug, 2))
    shipment = await stage.shipment(order, "booked")
    await miss(stage, shipment, 1)
    await stage.task(TaskKind.PICK_SHORTAGE, shipment)
    await stage.decide(TaskKind.PICK_SHORTAGE, shipment, "counted")
    return Asked(order, order)


SHORTAGES = (
    Situation(TaskKind.PICK_SHORTAGE, "elsewhere", there_is_more, "counted"),
    Situation(TaskKind.SHORTAGE_REVIEW, "it comes", there_is_no_more, "wait", then=stock_comes),
    Situation(TaskKind.SHORTAGE_REVIEW, "it is not wanted", there_is_no_more, "cancel"),
)
