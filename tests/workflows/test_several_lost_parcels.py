"""Replacements in several parcels of which some get lost: each is answered for by itself."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from domain.ids import OrderId, ShipmentId
from domain.policy import Policy
from domain.tasks import TaskKind
from tests.aging import sweep
from tests.patience import eventually
from tests.workflows.asking import calling
from tests.workflows.label_stories import label_is, number_of, parcel_is
from tests.workflows.refund_stories import usd
from tests.workflows.replacement_stories import (
    PRICE,
    arrives,
    in_advance,
    is_sent,
    lose,
    next_of,
    paid_back,
    replacement_of,
    replacements,
    to_replace,
)
from tests.workflows.return_stories import back_is, do, found, inspect, receive
from tests.workflows.stage import Stage

LOST = TaskKind.REPLACEMENT_LOST
DEADLINE = Policy().ship_back_window + timedelta(minutes=1)


async def parcels(stage: Stage, line: Any, back: Any) -> tuple[Any, list[ShipmentId]]:
    """Let the stock come that replaces two units, at two sites; returns the order's parcels."""
    # Its run has looked in vain: one that looks between the two arrivals is not woken by a sweep.
    await waiting(stage, back)
    for site in ("AUS", "RNO"):
        await arrives(stage, UUID(line["item_id"]), at=site)
    await sweep(stage, "replaceable_returns")
    placed = await replacement_of(stage, back)
    return placed, await stage.shipments(OrderId(UUID(placed["id"])), "booked", 2)


async def answered(stage: Stage, shipment: ShipmentId, choice: str) -> None:
    """Let the carrier lose a parcel, and support answer."""
    await stage.travel(shipment, "lost")
    await stage.decide(LOST, shipment, choice)


async def waiting(stage: Stage, back: Any) -> Any:
    """Wait until a return waits for stock."""

    async def waits() -> Any:
        async with calling(stage) as callers:
            shown = (await callers.get(f"/returns/{back['id']}", role="support")).json()
        return shown if shown["replacement_due_at"] else None

    return await eventually(waits)


async def test_of_two_lost_parcels_one_is_sent_once_more_and_one_paid_back(stage: Stage) -> None:
    """While the one waits for stock the return stays open; then both are the customer's."""
    order, line, back = await to_replace(stage, 2)
    placed, (first, second) = await parcels(stage, line, back)
    await answered(stage, first, "replace")
    await waiting(stage, back)
    await answered(stage, second, "refund")
    await eventually(lambda: _refunded(stage, back))
    shown = await back_is(stage, back, "inspected")
    assert (shown["resolution"], shown["refunded"]) == ("replacement", usd(PRICE))
    await arrives(stage, UUID(line["item_id"]))
    await sweep(stage, "replaceable_returns")
    await is_sent(stage, await next_of(stage, back, [placed["id"]]), "delivered")
    closed = await back_is(stage, back, "closed")
    assert (closed["resolution"], closed["refunded"]) == ("replacement", usd(PRICE))
    assert (await stage.moved(order))["refund"] == PRICE
    assert await stage.broken() == []


async def _refunded(stage: Stage, back: Any) -> Any:
    async with calling(stage) as callers:
        shown = (await callers.get(f"/returns/{back['id']}", role="support")).json()
    return shown["refunded"]["amount"]


async def test_the_money_for_one_lost_parcel_does_not_undo_the_answer_about_the_other(
    stage: Stage,
) -> None:
    """In advance: what was to be sent once more is sent, and the rest is paid for as it comes."""
    order, line, back = await in_advance(stage, 2, stock=0)
    placed, (first, second) = await parcels(stage, line, back)
    await answered(stage, first, "replace")
    await waiting(stage, back)
    await answered(stage, second, "refund")
    await arrives(stage, UUID(line["item_id"]))
    await sweep(stage, "replaceable_returns")
    await is_sent(stage, await next_of(stage, back, [placed["id"]]), "delivered")
    assert (await back_is(stage, back, "authorized"))["resolution_wanted"] == "replacement"
    await receive(stage, back, 2)
    await inspect(stage, back, found(back, 2, "scrap"))
    closed = await eventually(lambda: paid_back(stage, back))
    assert (closed["resolution"], closed["refunded"]) == ("replacement", usd(PRICE))
    assert (await stage.moved(order))["refund"] == PRICE
    assert await stage.broken() == []


async def test_what_was_settled_elsewhere_is_not_paid_back_with_another_lost_parcel(
    stage: Stage,
) -> None:
    order, line, back = await in_advance(stage, 2, stock=0)
    _, (first, second) = await parcels(stage, line, back)
    await answered(stage, first, "write_off")
    await answered(stage, second, "refund")
    await receive(stage, back, 2)
    await inspect(stage, back, found(back, 2, "scrap"))
    closed = await eventually(lambda: paid_back(stage, back))
    assert closed["refunded"] == usd(PRICE)
    assert (await stage.moved(order))["refund"] == PRICE
    assert await stage.broken() == []


async def test_two_lost_parcels_that_are_both_paid_back_leave_nothing_to_replace(
    stage: Stage,
) -> None:
    """In advance: then it is a return for money, of all that is accepted."""
    order, line, back = await in_advance(stage, 2, stock=0)
    _, (first, second) = await parcels(stage, line, back)
    await answered(stage, first, "refund")
    await answered(stage, second, "refund")
    assert (await back_is(stage, back, "authorized"))["resolution_wanted"] == "refund"
    await receive(stage, back, 2)
    await inspect(stage, back, found(back, 2, "scrap"))
    closed = await back_is(stage, back, "closed")
    assert (closed["resolution"], closed["refunded"]) == ("refund", usd(2 * PRICE))
    assert (await stage.moved(order))["refund"] == 2 * PRICE
    assert await stage.broken() == []


async def test_a_replacement_that_is_found_while_it_waits_for_stock_replaces_as_before(
    stage: Stage,
) -> None:
    """In advance: the goods that it replaced are still to come, or finance is asked about them."""
    _, _, back = await in_advance(stage)
    shipment = await lose(stage, await replacement_of(stage, back))
    await stage.decide(LOST, shipment, "replace")
    await waiting(stage, back)
    await stage.scan(shipment, "DL", signed_by="Ada")
    await eventually(lambda: _found(stage, back))
    refused = await do(stage, back, "cancel", "support", {"reason": "keeps it"}, status=409)
    assert refused["code"] == "illegal_move"
    await stage.pass_time(stage.returning(UUID(back["id"])), DEADLINE)
    task = await stage.task(TaskKind.KEPT_GOODS, UUID(back["id"]))
    assert task["facts"]["units"] == 1
    assert await replacements(stage, back) == 1
    assert await stage.broken() == []


async def _found(stage: Stage, back: Any) -> Any:
    query = "SELECT data FROM events WHERE subject_id = :id AND type = :type"
    found = "return.replacement_found.v1"
    return await stage.shop.rows(query, id=UUID(back["id"]), type=found)


async def test_kept_goods_end_no_return_of_which_a_parcel_is_to_be_sent_once_more(
    stage: Stage,
) -> None:
    _, line, back = await in_advance(stage, 2, stock=0)
    placed, (first, second) = await parcels(stage, line, back)
    await stage.travel(first, "delivered")
    await answered(stage, second, "replace")
    await waiting(stage, back)
    await stage.pass_time(stage.returning(UUID(back["id"])), DEADLINE)
    await stage.decide(TaskKind.KEPT_GOODS, UUID(back["id"]), "invoice")
    await back_is(stage, back, "inspected")
    await arrives(stage, UUID(line["item_id"]))
    await sweep(stage, "replaceable_returns")
    await is_sent(stage, await next_of(stage, back, [placed["id"]]), "delivered")
    closed = await back_is(stage, back, "closed")
    assert (closed["resolution"], closed["refunded"]) == ("replacement", usd(0))
    assert await stage.broken() == []


async def test_no_stock_is_waited_for_once_the_goods_are_paid_for(stage: Stage) -> None:
    """What was to be sent once more is paid for with the goods that got lost on their way to us."""
    order, line, back = await in_advance(stage, ship_back="label")
    shipment = await lose(stage, await replacement_of(stage, back))
    await stage.decide(LOST, shipment, "replace")
    await waiting(stage, back)
    await stage.advance(number_of(await label_is(stage, back, "booked")), "lost")
    await parcel_is(stage, back, "lost")
    await sweep(stage)
    await stage.decide(TaskKind.RETURN_PARCEL_LOST, UUID(back["id"]), "refund")
    closed = await eventually(lambda: paid_back(stage, back))
    assert (closed["resolution"], closed["refunded"]) == ("refund", usd(PRICE))
    await arrives(stage, UUID(line["item_id"]))
    await sweep(stage, "replaceable_returns")
    assert await replacements(stage, back) == 1
    assert (await stage.moved(order))["refund"] == PRICE
    assert await stage.broken() == []
