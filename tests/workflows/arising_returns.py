"""How questions about returns arise, and what happens after their answers."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from domain.ids import OrderId
from domain.tasks import TaskKind as K
from tests.aging import DAYS, age, sweep
from tests.patience import eventually
from tests.workflows.arising import Asked, hear
from tests.workflows.asking import calling
from tests.workflows.label_stories import (
    back_number,
    labelled,
    number_of,
    parcel_is,
    scanned_before,
    send_back_is,
    without_label,
)
from tests.workflows.money_stories import until
from tests.workflows.refund_stories import delivered
from tests.workflows.replacement_stories import (
    arrives,
    in_advance,
    is_sent,
    lost,
    replacement_of,
    seen,
    to_replace,
)
from tests.workflows.return_stories import ask_back, back_is, found, inspect, receive
from tests.workflows.stage import Stage
from tests.workflows.undelivered_stories import answer, brought_back, is_here
from tests.workflows.work_stories import give_up_mending


async def _asked(stage: Stage, units: int) -> tuple[Asked, Any]:
    order, line = await delivered(stage, units)
    back = await ask_back(stage, order, line, units)
    return Asked(UUID(back["id"]), order), back


async def _of(stage: Stage, asked: Asked) -> Any:
    async with calling(stage) as callers:
        return (await callers.get(f"/returns/{asked.about}")).json()


async def dear_return(stage: Stage) -> Asked:
    return (await _asked(stage, 10))[0]


async def kettle_came(stage: Stage) -> Asked:
    asked, back = await _asked(stage, 1)
    await receive(stage, back, 0, unexpected=[{"description": "a kettle"}])
    return asked


async def half_came(stage: Stage) -> Asked:
    asked, back = await _asked(stage, 2)
    await receive(stage, back, 1)
    await age(stage, "returns", "last_received_at", 15 * DAYS, id=asked.about)
    await sweep(stage)
    return asked


async def uninspected(stage: Stage) -> Asked:
    asked, back = await _asked(stage, 1)
    await receive(stage, back, 1)
    await age(stage, "returns", "received_at", 3 * DAYS, id=asked.about)
    await sweep(stage)
    return asked


async def unresolved(stage: Stage) -> Asked:
    order, line = await delivered(stage)
    back = await ask_back(stage, order, line, 1, None, kind="withdrawal")
    asked = Asked(UUID(back["id"]), order)
    await age(stage, "returns", "created_at", 11 * DAYS, id=asked.about)
    await sweep(stage)
    return asked


def rejected(disposition: str) -> Callable[[Stage], Awaitable[Asked]]:
    async def arise(stage: Stage) -> Asked:
        asked, back = await _asked(stage, 1)
        await receive(stage, back, 1)
        await inspect(stage, back, found(back, 1, disposition))
        if disposition == "refurbish":
            await give_up_mending(stage, back)
        return asked

    return arise


async def _sent_back(stage: Stage) -> tuple[Asked, Any]:
    asked = await rejected("return_to_customer")(stage)
    await stage.decide(K.REJECTED_GOODS, asked.about, "send")
    return asked, await send_back_is(stage, {"id": asked.about}, "booked")


async def lost_again(stage: Stage) -> Asked:
    """The carrier loses goods on their way back to the customer."""
    asked, back = await _sent_back(stage)
    await stage.advance(back_number(back), "lost")
    await back_is(stage, back, "closed")
    await sweep(stage)
    return asked


async def not_sent_back(stage: Stage) -> Asked:
    """Two days after its purchase the carrier has not scanned the label to the customer."""
    asked, _ = await _sent_back(stage)
    await age(stage, "return_labels", "booked_at", 3 * DAYS, return_id=asked.about)
    await sweep(stage)
    return asked


async def goes_back(stage: Stage, asked: Asked) -> None:
    """The carrier brings what was not accepted to the customer."""
    back = await send_back_is(stage, {"id": asked.about}, "booked")
    await stage.advance(back_number(back), "delivered")
    await back_is(stage, back, "closed")
    await sweep(stage)


async def unserved(stage: Stage) -> Asked:
    """Finance does not approve the refund of a dear return."""
    order, line = await delivered(stage, 40)
    back = await ask_back(stage, order, line, 40)
    asked = Asked(UUID(back["id"]), order)
    await stage.decide(K.RETURN_REVIEW, asked.about, "authorize")
    await receive(stage, back, 40)
    await inspect(stage, back, found(back, 40))
    refund = await _refund(stage, asked, 0)
    await stage.decide(K.REFUND_APPROVAL, refund, "reject")
    return asked


async def charged_back(stage: Stage) -> Asked:
    """The cardholder's bank takes half of the money while the goods are inspected."""
    order, line = await delivered(stage, 2)
    back = await ask_back(stage, order, line)
    await receive(stage, back, 1)
    await stage.by_itself(order, "chargebacks", 1000)
    await until(stage, order, charged_back=1000)
    await inspect(stage, back, found(back))
    return Asked(UUID(back["id"]), order)


async def loss_accepted(stage: Stage, asked: Asked) -> None:
    assert asked.order is not None
    await stage.decide(K.CHARGEBACK, asked.order, "accepted")


async def no_label_back(stage: Stage) -> Asked:
    order, back = await without_label(stage)
    return Asked(UUID(back["id"]), OrderId(order))


async def damaged_on_its_way_back(stage: Stage) -> Asked:
    order, _, back = await labelled(stage)
    await hear(stage, number_of(back), "X2")
    return Asked(UUID(back["id"]), OrderId(order))


def ended_on_its_way_back(to: str) -> Callable[[Stage], Awaitable[Asked]]:
    async def arise(stage: Stage) -> Asked:
        order, line, back = await labelled(stage)
        await arrives(stage, UUID(line["item_id"]))
        await stage.advance(number_of(back), to)
        await parcel_is(stage, back, to)
        await sweep(stage)
        return Asked(UUID(back["id"]), OrderId(order))

    return arise


async def not_received(stage: Stage) -> Asked:
    asked = await ended_on_its_way_back("delivered")(stage)
    await scanned_before(stage, asked.about, 3)
    await sweep(stage)
    return asked


async def replacement_leaves(stage: Stage, asked: Asked) -> None:
    await is_sent(stage, await replacement_of(stage, await _of(stage, asked)))


async def replacement_lost(stage: Stage) -> Asked:
    order, _, shipment = await lost(stage, stock=2)
    return Asked(shipment, order)


async def another_leaves(stage: Stage, asked: Asked) -> None:
    """The carrier takes along what is sent in the place of a lost shipment."""
    query = "SELECT id FROM orders WHERE replaces_shipment_id = :id"
    [again] = await eventually(lambda: stage.shop.rows(query, id=asked.about))
    await is_sent(stage, {"id": str(again["id"])})


async def _refund(stage: Stage, asked: Asked, nth: int) -> UUID:
    """Return the nth refund of a return, as soon as it is there."""

    async def there() -> Any:
        refunds = (await _of(stage, asked))["refunds"]
        return UUID(refunds[nth]["id"]) if len(refunds) > nth else None

    return UUID(str(await eventually(there)))


async def approved(stage: Stage, asked: Asked) -> None:
    await stage.decide(K.REFUND_APPROVAL, await _refund(stage, asked, 1), "approve")


async def comes_whole(stage: Stage, asked: Asked) -> None:
    back = await _of(stage, asked)
    await receive(stage, back, back["lines"][0]["quantity"])
    await is_restocked(stage, asked)


async def is_restocked(stage: Stage, asked: Asked) -> None:
    back = await back_is(stage, {"id": asked.about}, "received")
    await inspect(stage, back, found(back, back["lines"][0]["received"]))


async def replacement_cancelled(stage: Stage) -> Asked:
    order, _, back = await to_replace(stage, stock=1)
    placed = OrderId(UUID((await replacement_of(stage, back))["id"]))
    await stage.shipment(placed, "booked")
    await stage.cancel(placed)
    return Asked(UUID(back["id"]), order)


async def not_in_stock(stage: Stage) -> Asked:
    order, _, back = await to_replace(stage)
    run = stage.returning(UUID(back["id"]))
    await stage.wait_says(run, "the replacement")
    await stage.pass_time(run, 8 * DAYS)
    return Asked(UUID(back["id"]), order)


async def not_in_stock_in_advance(stage: Stage) -> Asked:
    order, _, back = await in_advance(stage, stock=0)
    run = stage.returning(UUID(back["id"]))
    await stage.wait_says(run, "Waiting for the goods")
    await stage.pass_time(run, 8 * DAYS)
    return Asked(UUID(back["id"]), order)


async def is_replaced_and_comes(stage: Stage, asked: Asked) -> None:
    await is_replaced(stage, asked)
    await comes_whole(stage, asked)


async def is_replaced(stage: Stage, asked: Asked) -> None:
    back = await _of(stage, asked)
    [line] = (await seen(stage, UUID(back["order_id"])))["lines"]
    await arrives(stage, UUID(line["item_id"]))
    await sweep(stage, "replaceable_returns")
    await is_sent(stage, await replacement_of(stage, back))


async def kept(stage: Stage) -> Asked:
    """Goods that were replaced in advance do not come in time."""
    order, _, back = await in_advance(stage)
    await is_sent(stage, await replacement_of(stage, back))
    await stage.pass_time(stage.returning(UUID(back["id"])), 31 * DAYS)
    return Asked(UUID(back["id"]), order)


# Parcels that come back undelivered.


async def undelivered(stage: Stage) -> Asked:
    order, _, back = await brought_back(stage)
    return Asked(UUID(back["id"]), order)


async def nothing_came_back(stage: Stage) -> Asked:
    """Two weeks after the carrier's word the warehouse has not seen the parcel."""
    asked = await undelivered(stage)
    await stage.decide(K.UNDELIVERABLE, asked.about, "refund")
    await age(stage, "returns", "authorized_at", 15 * DAYS, id=asked.about)
    await sweep(stage)
    return asked


async def is_sent_anew(stage: Stage, asked: Asked) -> None:
    await comes_whole(stage, asked)
    await is_sent(stage, await replacement_of(stage, {"id": asked.about}))


async def refused_of_one_back(stage: Stage) -> Asked:
    """The provider has refused to give the money of goods back that came back undelivered."""
    order, _, back = await brought_back(stage, token="tok_refund_declined")
    await answer(stage, back, "refund")
    await is_here(stage, back)
    return Asked(await stage.refund(order, "failed"), order)
