"""Work orders by hand: released without their parts."""

from decimal import Decimal

from activities.work_orders.accepting import create_work_order
from activities.work_orders.releasing import release_work_order
from db.documents import WORK_ORDERS
from domain.ids import WorkOrderId, new_id
from domain.work_orders.requests import AddOperation, AddPart, CreateWorkOrder
from tests.activities.bench import Bench

ONLY_LOOKS = {"look_at_work_order"}
"""Steps that change nothing: they tell their run where its document is."""


async def to_supply(bench: Bench) -> WorkOrderId:
    """Release work that wants a part."""
    item, work = await bench.shop.item(), WorkOrderId(new_id())
    asked = CreateWorkOrder(
        site="AUS",
        item_id=item,
        title="Dull",
        operations=(AddOperation(name="Polish"),),
        parts=(AddPart(item_id=item, quantity=Decimal(1)),),
    )
    async with bench.shop.books.begin() as db:
        await create_work_order(db, work, asked, actor="planner")
        await release_work_order(db, await WORK_ORDERS.lock(db, work), actor="planner")
    return work
