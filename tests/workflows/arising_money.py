"""How questions arise from what the provider does by itself, and takes back."""

from collections.abc import Awaitable, Callable
from uuid import UUID

from domain.tasks import TaskKind
from tests.aging import DAYS, HOURS, age, sweep
from tests.workflows.arising import Asked, booked, travelled
from tests.workflows.hand_stories import let_go, taken
from tests.workflows.money_stories import until
from tests.workflows.prepaid_stories import prepaid
from tests.workflows.refund_stories import LIMIT, ask, dear, delivered, is_now, usd
from tests.workflows.stage import Stage
from tests.workflows.transfer_stories import by_transfer, paid_in


async def refund_came_back(stage: Stage) -> Asked:
    asked = await travelled("lost")(stage)
    await stage.decide(TaskKind.PARCEL_LOST, asked.about, "refund")
    assert asked.order is not None
    refund = await stage.refund(asked.order)
    await stage.fails_late(asked.order, "refund")
    return Asked(refund, asked.order)


def moved_by_the_provider(what: str) -> Callable[[Stage], Awaitable[Asked]]:
    async def arise(stage: Stage) -> Asked:
        asked = await travelled("in_transit")(stage)
        assert asked.order is not None
        await stage.captured(asked.order)
        await stage.by_itself(asked.order, what, 1000)
        return Asked(asked.order, asked.order)

    return arise


async def captured_too_late(stage: Stage) -> Asked:
    """The money was no longer reserved when the goods left with a label bought before."""
    order, shipment = await booked(stage)
    await stage.by_itself(order, "expire")
    await stage.travel(shipment, "in_transit")
    return Asked(shipment, order)


async def capture_came_back(stage: Stage) -> Asked:
    asked = await travelled("in_transit")(stage)
    assert asked.order is not None
    await stage.captured(asked.order)
    await stage.fails_late(asked.order, "capture")
    return asked


async def refused_at_once(stage: Stage) -> Asked:
    """The bank declines what was to be paid when the order was confirmed."""
    order = await prepaid(stage, "tok_capture_declined")
    return Asked(order, order)


async def all_came_back(stage: Stage) -> Asked:
    """What was paid when the order was confirmed fails after all."""
    order = await prepaid(stage)
    await stage.shipment(order, "booked")
    await stage.fails_late(order, "capture")
    return Asked(order, order)


async def too_much(stage: Stage) -> Asked:
    """More came by bank transfer than the order owes."""
    order = await by_transfer(stage)
    await paid_in(stage, order, 5000, "TX-1")
    return Asked(order, order)


async def sent_back(stage: Stage, asked: Asked) -> None:
    assert asked.order is not None
    await stage.decide(TaskKind.PAY_OUT, await stage.refund(asked.order, "approved"), "paid")
    await stage.refund(asked.order)


async def cancelled_transfer(stage: Stage) -> Asked:
    """An order that is cancelled was paid by bank transfer."""
    order = await by_transfer(stage)
    await paid_in(stage, order, 3200, "TX-1")
    await stage.shipment(order, "booked")
    await stage.cancel(order)
    return Asked(await stage.refund(order, "approved"), order)


async def void_came_back(stage: Stage) -> Asked:
    order, _ = await booked(stage)
    await stage.cancel(order)
    await stage.result(stage.run(order))
    await stage.fails_late(order, "void")
    return Asked(order, order)


async def hand_void_refused(stage: Stage) -> Asked:
    """Finance lets money go that the bank keeps reserved."""
    order, _ = await booked(stage, "tok_void_declined")
    await let_go(stage, order, although_needed=True)
    return Asked(order, order)


async def hand_capture_refused(stage: Stage) -> Asked:
    order, _ = await booked(stage, "tok_capture_declined")
    await taken(stage, order, 500)
    return Asked(order, order)


async def hand_capture_came_back(stage: Stage) -> Asked:
    order, _ = await booked(stage)
    await taken(stage, order, 500)
    await until(stage, order, captured=500, in_flight=0)
    await stage.fails_late(order, "capture")
    return Asked(order, order)


async def given_up(stage: Stage, asked: Asked) -> None:
    assert asked.order is not None
    await stage.cancel(asked.order)


async def refund_to_approve(stage: Stage) -> Asked:
    order, _ = await dear(stage)
    asked = await ask(stage, order_id=str(order), goodwill=usd(LIMIT + 1))
    return Asked(UUID(asked["id"]), order)


async def refund_declined(stage: Stage) -> Asked:
    order, _ = await delivered(stage, token="tok_refund_declined")
    asked = await ask(stage, order_id=str(order), goodwill=usd(100))
    return Asked(UUID(asked["id"]), order)


async def refund_pending(stage: Stage) -> Asked:
    order, _ = await delivered(stage, token="tok_refund_pending")
    asked = await ask(stage, order_id=str(order), goodwill=usd(100))
    await is_now(stage, asked, "submitted")
    await age(stage, "refunds", "submitted_at", 11 * DAYS, id=UUID(asked["id"]))
    await sweep(stage)
    return Asked(UUID(asked["id"]), order)


async def refund_settled(stage: Stage, asked: Asked) -> None:
    """The provider says at last that the money went back."""
    settlement = {"key": f"refund/{asked.about}/1", "outcome": "succeeded"}
    await stage.payments.ask("POST", "/sandbox/operations/settle", settlement)
    assert asked.order is not None
    await until(stage, asked.order, refunded=100)


async def refund_failed_late(stage: Stage) -> Asked:
    order, _ = await delivered(stage)
    asked = await ask(stage, order_id=str(order), goodwill=usd(100))
    await is_now(stage, asked, "succeeded")
    await stage.fails_late(order, "refund")
    return Asked(UUID(asked["id"]), order)


async def ends_soon(stage: Stage) -> Asked:
    """The card declines the renewal of an order that waits for the carrier."""
    await stage.carrier.fault("http_503", "book", times=1000)
    mug = await stage.shop.item(AUS=1)
    order = await stage.shop.place((mug, 1), token="tok_renewal_declined")
    await stage.order(order, "confirmed")
    until = 6 * DAYS + 12 * HOURS
    await age(stage, "payments", "authorization_expires_at", until, order_id=order)
    await stage.task(TaskKind.RENEWAL_FAILED, order)
    await stage.carrier.forget_faults()
    return Asked(order, order)


async def paid_with_another_card(stage: Stage, asked: Asked) -> None:
    assert asked.order is not None
    await stage.pay(asked.order, "tok_ok")
    await stage.shipment(asked.order, "booked")
