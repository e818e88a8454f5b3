"""Situations in which goods have been waiting for stock for long, as those of `situations`."""

from datetime import timedelta

from domain.tasks import TaskKind
from tests.aging import age, sweep
from tests.workflows.arising import Asked
from tests.workflows.situations import Situation
from tests.workflows.stage import Stage
from tests.workflows.waiting_stories import arrive, waiting

REVIEW = TaskKind.BACKORDER_REVIEW
MONTH = timedelta(days=31)


async def waited_long(stage: Stage) -> Asked:
    mug = await stage.shop.backorderable(AUS=1)
    [order] = await waiting(stage, mug, 2)
    await stage.shipment(order, "booked")
    await age(stage, "order_lines", "short_since", MONTH, order_id=order)
    await sweep(stage, "backorder_review")
    return Asked(order, order)


async def stock_comes(stage: Stage, asked: Asked) -> None:
    item = await stage.shop.one(
        "SELECT item_id FROM order_lines WHERE order_id = :id", id=asked.order
    )
    await arrive(stage, item, 1)


WAITING = (
    Situation(REVIEW, "it comes after all", waited_long, "wait", then=stock_comes),
    Situation(REVIEW, "it does not come", waited_long, "cancel"),
)
