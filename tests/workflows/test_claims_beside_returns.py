"""Claims on goods that are counted, and goods of a claim that are later exchanged like others."""

from typing import Any
from uuid import UUID

from domain.ids import OrderId
from domain.tasks import TaskKind
from tests.workflows.claim_stories import (
    claim,
    claim_is,
    comes_in,
    promise,
    replaced,
    replacing,
    send,
    sold,
    spare,
    warranties,
)
from tests.workflows.replacement_stories import arrives, replacement_of
from tests.workflows.return_stories import ask_back, do, found, inspect
from tests.workflows.stage import Stage


async def line_of(stage: Stage, order: UUID) -> Any:
    """Return the only line of an order, as a return names it."""
    return {"id": str((await warranties(stage, order))[0]["order_line_id"])}


async def test_what_is_exchanged_after_its_claim_is_sold_like_other_goods(stage: Stage) -> None:
    """The customer sends the replacement back for another one: no part of the claim any more."""
    _, [warranty] = await sold(stage, spare=2)
    made = await claim(stage, warranty)
    await comes_in(stage, made)
    second, serial = await replaced(stage, made)
    await claim_is(stage, made, "settled")
    back = await ask_back(
        stage,
        second,
        await line_of(stage, second),
        1,
        "wrong_size",
        resolution_wanted="replacement",
    )
    lines = [{"return_line_id": back["lines"][0]["id"], "quantity": 1, "serials": [serial]}]
    await do(stage, back, "receive", "warehouse", {"lines": lines})
    await inspect(stage, back, found(back, 1, "scrap", serials=[serial]))
    third = OrderId(UUID((await replacement_of(stage, back))["id"]))
    await send(stage, third, await spare(stage, made))
    [anew] = await warranties(stage, third)
    assert (anew["source"], anew["replaces_id"]) == ("delivery", None)
    settled = await claim_is(stage, made, "settled")
    assert [each["id"] for each in settled["replaced_by"]] == [str(second)]


async def test_of_counted_goods_as_many_are_under_warranty_no_more_as_were_replaced(
    stage: Stage,
) -> None:
    """R9: two of three, sent in advance in two parcels; the third keeps its warranty."""
    mug = await stage.shop.item(AUS=3)
    await promise(stage, mug, settle_by=["repair"], auto_limit=None)
    order = await stage.shop.place((mug, 3))
    await stage.travel(await stage.shipment(order, "booked"), "delivered")
    await stage.order(order, "completed")
    [warranty] = await warranties(stage, order)
    for site in ("AUS", "RNO"):
        await arrives(stage, mug, at=site)
    made = await claim(stage, warranty, quantity=2)
    await stage.decide(TaskKind.CLAIM_REVIEW, UUID(made["id"]), "replace_in_advance")
    approved = await claim_is(stage, made, "approved")
    new = OrderId(UUID((await replacing(stage, approved))["id"]))
    for parcel in await stage.shipments(new, "booked", 2):
        await stage.travel(parcel, "delivered")
    await stage.order(new, "completed")
    [left] = await warranties(stage, order)
    assert (left["status"], left["cancelled"]) == ("active", 2)
    assert [each["quantity"] for each in await warranties(stage, new)] == [1, 1]
    back = await comes_in(stage, approved)
    await claim_is(stage, made, "settled")
    [left] = await warranties(stage, order)
    assert (left["status"], left["cancelled"]) == ("active", 2), back["number"]
