"""Every path through the run of an order."""

import contextlib
from datetime import timedelta
from uuid import UUID

from temporalio.client import WorkflowFailureError

from domain.errors import IllegalMove
from domain.tasks import TaskKind
from tests.aging import DAYS, age
from tests.patience import eventually
from tests.workflows.money_stories import held_for
from tests.workflows.prepaid_stories import prepaid
from tests.workflows.stage import WINDOW, Stage
from tests.workflows.stories import booked, finished, placed, stopped
from tests.workflows.terms_stories import TOTAL, buyer, grant, held, on_terms
from tests.workflows.transfer_stories import by_transfer, paid_in
from tests.workflows.waiting_stories import arrive, waiting


async def delivered(stage: Stage) -> UUID:
    order, _ = await booked(stage)
    return await finished(stage, order)


async def delivered_in_two_shipments(stage: Stage) -> UUID:
    order = await placed(stage, AUS=2, RNO=1)
    for shipment in await stage.shipments(order, "booked", 2):
        await stage.travel(shipment, "delivered")
        await stage.result(stage.tracking(shipment))
    await stage.result(stage.run(order))
    return order


async def served_when_stock_comes(stage: Stage) -> UUID:
    mug = await stage.shop.backorderable(AUS=1)
    [order] = await waiting(stage, mug, 3)
    await stage.travel(await stage.shipment(order, "booked"), "delivered")
    await stage.shipment(order, "delivered")
    await arrive(stage, mug, 2)
    return await finished(stage, order)


async def paid_when_confirmed(stage: Stage) -> UUID:
    order = await prepaid(stage)
    return await finished(stage, order)


async def paid_when_confirmed_then_cancelled(stage: Stage) -> UUID:
    order = await prepaid(stage)
    await stage.shipment(order, "booked")
    await stage.cancel(order)
    await stage.result(stage.run(order))
    return order


async def refused_when_confirmed(stage: Stage) -> UUID:
    order = await prepaid(stage, "tok_capture_declined")
    first = await stage.task(TaskKind.CAPTURE_REFUSED, order)
    await stage.decide(TaskKind.CAPTURE_REFUSED, order, "retry")
    await stage.asked_again(TaskKind.CAPTURE_REFUSED, order, first)
    await stage.decide(TaskKind.CAPTURE_REFUSED, order, "write_off")
    return await finished(stage, order)


async def paid_by_transfer(stage: Stage) -> UUID:
    order = await by_transfer(stage)
    await paid_in(stage, order, 1000, "TX-1")
    await paid_in(stage, order, 2200, "TX-2")
    return await finished(stage, order)


async def held_for_credit_then_sent_on_terms(stage: Stage) -> UUID:
    customer = await buyer(stage, 0)
    order = await on_terms(stage, customer)
    await held(stage, order)
    await grant(stage, customer, TOTAL)
    return await finished(stage, order)


async def never_paid(stage: Stage) -> UUID:
    order = await placed(stage, None)
    await stage.pass_time(stage.run(order), WINDOW)
    await stage.result(stage.run(order))
    return order


async def declined_then_paid(stage: Stage) -> UUID:
    order = await placed(stage, "tok_declined")
    await stage.waits(order, "failed")
    await stage.pay(order, "tok_ok")
    return await finished(stage, order)


async def confirmed_by_customer(stage: Stage) -> UUID:
    order = await placed(stage, "tok_action_required")
    await stage.waits(order, "action_required")
    await stage.confirm(order)
    return await finished(stage, order)


async def confirmed_without_a_word(stage: Stage) -> UUID:
    order = await placed(stage, "tok_action_required")
    page = await stage.page(order)
    await stage.payments.fault("drop_webhooks")
    await stage.answer(page, "confirm")
    await stage.pass_time(stage.run(order), timedelta(minutes=2))
    return await finished(stage, order)


async def never_confirmed(stage: Stage) -> UUID:
    order = await placed(stage, "tok_action_required")
    await stage.page(order)
    await stage.pass_time(stage.run(order), WINDOW)
    await stage.result(stage.run(order))
    return order


async def paid_again(stage: Stage) -> UUID:
    await stage.carrier.fault("http_503", "book", times=100)
    order = await placed(stage)
    await stage.order(order, "confirmed")
    await age(stage, "payments", "authorization_expires_at", 8 * DAYS, order_id=order)
    await stage.carrier.forget_faults()
    await eventually(lambda: held_for(stage, order, "awaiting_payment"))
    await stage.wait_says(stage.run(order), "Waiting for a person")
    await stage.pay(order, "tok_ok")
    return await finished(stage, order)


async def held_while_pending(stage: Stage) -> UUID:
    order = await placed(stage, None)
    hold = await stage.hold(order)
    await stage.pay(order, "tok_ok")
    await stage.wait_says(stage.run(order), "on hold")
    await stage.release(order, hold)
    return await finished(stage, order)


async def held_before_booking(stage: Stage) -> UUID:
    await stage.carrier.fault("http_503", "book")
    order = await placed(stage)
    await stage.order(order, "confirmed")
    hold = await stage.hold(order)
    await stage.wait_says(stage.run(order), "Waiting for a person")
    await stage.release(order, hold)
    return await finished(stage, order)


async def booking_refused(stage: Stage) -> UUID:
    stage.refusals["book_shipment"] = False
    order = await placed(stage)
    with contextlib.suppress(WorkflowFailureError):
        await stage.result(stage.run(order))
    return order


async def cancelled_while_pending(stage: Stage) -> UUID:
    order = await placed(stage, None)
    await stage.cancel(order)
    await stage.result(stage.run(order))
    return order


async def cancelled_when_booked(stage: Stage) -> UUID:
    order, _ = await booked(stage)
    await stage.cancel(order)
    await stage.result(stage.run(order))
    return order


async def cancelled_too_late(stage: Stage) -> UUID:
    order, shipment = await booked(stage)
    await stage.carrier.fault("drop_webhooks")
    await stage.travel(shipment, "picked_up")
    with contextlib.suppress(IllegalMove):
        await stage.cancel(order)
    await stage.travel(shipment, "delivered")
    await stage.result(stage.run(order))
    return order


async def stopped_while_pending(stage: Stage) -> UUID:
    order = await placed(stage, "tok_declined")
    await stage.wait_says(stage.run(order), "payment until")
    return await stopped(stage, order)


async def stopped_when_booked(stage: Stage) -> UUID:
    order, _ = await booked(stage)
    return await stopped(stage, order)


async def stopped_too_late(stage: Stage) -> UUID:
    order = await placed(stage, AUS=2, RNO=1)
    gone, _ = await stage.shipments(order, "booked", 2)
    await stage.travel(gone, "delivered")
    await stage.result(stage.tracking(gone))
    await stage.run(order).cancel()
    await stage.shipment(order, "voided")
    return await finished(stage, order)


async def units_cancelled_when_booked(stage: Stage) -> UUID:
    order = await placed(stage, AUS=2)
    await stage.shipment(order, "booked")
    await stage.shop.cancel_units(order, 1)
    await stage.shipment(order, "voided")
    return await finished(stage, order)


async def undo_failed(stage: Stage) -> UUID:
    order, _ = await booked(stage)
    stage.refusals["recall_shipments"] = True
    return await stopped(stage, order)


async def remainder_voided(stage: Stage) -> UUID:
    order, shipment = await booked(stage, "tok_capture_declined")
    await stage.travel(shipment, "delivered")
    await stage.decide(TaskKind.CAPTURE_FAILED, shipment, "write_off")
    await stage.result(stage.run(order))
    return order


async def started_again_by_its_last_signal(stage: Stage) -> UUID:
    order, shipment = await booked(stage)
    await stage.run(order).terminate("lost")
    await stage.travel(shipment, "delivered")
    await stage.order(order, "completed")
    await stage.result(stage.run(order))
    return order


async def started_again_after_its_end(stage: Stage) -> UUID:
    order, _ = await booked(stage)
    await finished(stage, order)
    ended = stage.run(order)
    await stage.client.start_workflow(
        "OrderFulfillment", order, id=ended.id, task_queue=stage.task_queue
    )
    await stage.result(ended)
    return order
