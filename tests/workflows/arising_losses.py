"""How questions arise about goods that are lost or set aside while somebody waits for them."""

from uuid import UUID

from activities.inventory.setting_aside import set_aside
from domain.lots import LotStatus
from domain.tasks import TaskKind
from tests.aging import DAYS
from tests.lots import a_milk, lot_id
from tests.workflows.arising import Asked
from tests.workflows.replacement_stories import lost
from tests.workflows.stage import Stage


async def nothing_to_send_again(stage: Stage) -> Asked:
    """A lost replacement is to be sent once more, and there is no stock for as long as we wait."""
    order, back, shipment = await lost(stage)
    await stage.decide(TaskKind.REPLACEMENT_LOST, shipment, "replace")
    run = stage.returning(UUID(back["id"]))
    await stage.wait_says(run, "the replacement")
    await stage.pass_time(run, 8 * DAYS)
    return Asked(UUID(back["id"]), order)


async def set_aside_lot(stage: Stage) -> Asked:
    """The only lot that an order is promised is recalled while its label is not bought yet."""
    milk = await a_milk(stage.shop, a=(2, 30))
    await stage.carrier.fault("http_503", "book", times=100)
    order = await stage.shop.place((milk, 2))
    await stage.shipment(order, "pending")
    lot = await lot_id(stage.shop, milk, "a")
    async with stage.books.begin() as db:
        await set_aside(db, lot, LotStatus.RECALLED, "bad", actor="inspector")
    return Asked(order, order)


async def is_not_wanted(stage: Stage, asked: Asked) -> None:
    """The customer does not wait for other stock."""
    assert asked.order is not None
    await stage.cancel(asked.order)
