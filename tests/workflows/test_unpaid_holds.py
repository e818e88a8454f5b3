"""Orders on hold that are not paid: a hold keeps them, for a time, and ends with them."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import text
from temporalio.client import WorkflowExecutionStatus

from activities.holds import HoldActivities
from domain.documents import Document, Kind
from domain.holds import HoldPlacement, HoldReason
from domain.ids import OrderId, new_id
from domain.orders.requests import HELD_FOR
from domain.policy import Policy
from tests.patience import eventually
from tests.workflows.asking import calling
from tests.workflows.stage import WINDOW, Stage


async def _held_too(stage: Stage, order: OrderId) -> UUID:
    """Place a second hold, of another reason."""
    async with calling(stage) as callers:
        made = await callers.post(f"/orders/{order}/holds", {"reason": "credit_limit"})
    assert made.status_code == 201, made.text
    return UUID(next(hold["id"] for hold in made.json()["holds"] if hold["reason"] != "manual"))


async def _unpaid(stage: Stage, seconds: float) -> OrderId:
    """Place an order without a card, whose payment window ends soon."""
    mug = await stage.shop.item(AUS=1)
    order = await stage.shop.place((mug, 1), token=None)
    async with stage.books.begin() as db:
        await db.execute(
            text(
                "UPDATE orders SET payment_due_at = now() + make_interval(secs => :seconds)"
                " WHERE id = :id"
            ),
            {"id": order, "seconds": seconds},
        )
    return order


async def _is_past_due(stage: Stage, order: OrderId) -> bool:
    return bool(
        await stage.shop.one("SELECT payment_due_at < now() FROM orders WHERE id = :id", id=order)
    )


async def _open_holds(stage: Stage, order: OrderId) -> int:
    query = "SELECT count(*)::int FROM holds WHERE document_id = :id AND released_at IS NULL"
    return int(await stage.shop.one(query, id=order))


async def _releases(stage: Stage, order: OrderId) -> list[tuple[str, str]]:
    rows = await stage.shop.rows(
        "SELECT actor, data ->> 'hold_id' AS hold FROM events WHERE subject_id = :id"
        " AND type = 'order.hold_released.v1' ORDER BY sequence",
        id=order,
    )
    return [(row["actor"], row["hold"]) for row in rows]


async def test_a_hold_keeps_an_unpaid_order_and_its_window_starts_again_at_the_release(
    stage: Stage,
) -> None:
    """B10: the payment window stands still while a hold is open."""
    order = await _unpaid(stage, 1.5)
    first, second = await stage.hold(order), await _held_too(stage, order)
    await eventually(lambda: _is_past_due(stage, order))
    await stage.release(order, first)
    await stage.wait_says(stage.run(order), "on hold")
    assert (await stage.order(order, "pending"))["payment_due_at"] < datetime.now(UTC)
    await stage.release(order, second)
    due = (await stage.order(order, "pending"))["payment_due_at"] - datetime.now(UTC)
    assert timedelta(minutes=29) < due <= Policy().payment_window

    await stage.wait_says(stage.run(order), "payment until")
    await stage.pass_time(stage.run(order), WINDOW)
    assert await stage.result(stage.run(order)) == "cancelled"
    assert (await stage.order(order, "cancelled"))["cancel_reason"] == "payment_expired"


async def test_a_hold_keeps_an_unpaid_order_for_thirty_days_and_ends_with_it(stage: Stage) -> None:
    """B10: after 30 days the order is cancelled, and has no open hold."""
    order = await _unpaid(stage, 1800)
    hold = await stage.hold(order)
    await stage.wait_says(stage.run(order), "on hold")
    await stage.pass_time(stage.run(order), HELD_FOR - timedelta(hours=1))
    assert await stage.status(stage.run(order)) == WorkflowExecutionStatus.RUNNING
    await stage.pass_time(stage.run(order), timedelta(hours=2))
    assert await stage.result(stage.run(order)) == "cancelled"
    assert (await stage.order(order, "cancelled"))["cancel_reason"] == "payment_expired"
    assert await _open_holds(stage, order) == 0
    assert await _releases(stage, order) == [("system", str(hold))]


async def test_a_window_that_passes_just_when_a_hold_is_placed_is_kept_open(stage: Stage) -> None:
    """B10: the step that cancels sees the hold of which the run has not heard."""
    order = await _unpaid(stage, 2)
    await stage.wait_says(stage.run(order), "payment until")
    placement = HoldPlacement(
        document=Document(Kind.ORDER, order),
        hold_id=new_id(),
        reason=HoldReason.MANUAL,
        note="",
        actor="support",
    )
    await HoldActivities(stage.books, Policy()).place_hold(placement)
    await stage.wait_says(stage.run(order), "on hold")
    await stage.order(order, "pending")
    await stage.cancel(order)
    assert await stage.result(stage.run(order)) == "cancelled"


async def test_cancelling_releases_the_holds_of_the_order(stage: Stage) -> None:
    """B10: in one transaction, with an event for each."""
    order = await _unpaid(stage, 1800)
    holds = [await stage.hold(order), await _held_too(stage, order)]
    await stage.cancel(order)
    assert await stage.result(stage.run(order)) == "cancelled"
    assert await _open_holds(stage, order) == 0
    released = await _releases(stage, order)
    assert sorted(released) == sorted(("customer", str(hold)) for hold in holds)
    at_once = "SELECT count(DISTINCT at) FROM (SELECT released_at AS at FROM holds WHERE"
    moment = f"{at_once} document_id = :id UNION SELECT cancelled_at FROM orders WHERE id = :id) m"
    assert await stage.shop.one(moment, id=order) == 1
