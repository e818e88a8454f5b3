"""How questions to people arise: stories up to the moment at which somebody is asked."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import text

from activities.facts import FactIntake
from db.facts import Fact, record_facts
from domain.ids import ItemId, OrderId, ShipmentId, new_id
from domain.orders.attempts import PAUSE, REVIEW_FROM
from domain.shipments.booking import AnswerDetails, OwnLabel
from domain.tasks import TaskKind
from gateways.carriers.sandbox import SANDBOX_CARRIER
from tests.aging import DAYS, age, age_declines, silent, sweep
from tests.shop import address
from tests.workflows.stage import Stage

LONG_AGO = (datetime.now(UTC) - timedelta(hours=20)).isoformat()


class Asked(NamedTuple):
    """What a question is about, and the order that waits for its answer or goes on regardless."""

    about: UUID
    order: OrderId | None = None


# Orders on their way.


async def booked(stage: Stage, token: str = "tok_ok") -> tuple[OrderId, ShipmentId]:
    mug = await stage.shop.item(AUS=1)
    order = await stage.shop.place((mug, 1), token=token)
    return order, await stage.shipment(order, "booked")


def travelled(to: str, token: str = "tok_ok") -> Callable[[Stage], Awaitable[Asked]]:
    async def arise(stage: Stage) -> Asked:
        order, shipment = await booked(stage, token)
        await stage.travel(shipment, to)
        return Asked(shipment, order)

    return arise


def refused(end: str, kind: TaskKind) -> Callable[[Stage], Awaitable[Asked]]:
    """The provider has refused to give the money of goods back that never arrived."""

    async def arise(stage: Stage) -> Asked:
        asked = await travelled(end, "tok_refund_declined")(stage)
        await stage.decide(kind, asked.about, "refund")
        assert asked.order is not None
        return Asked(await stage.refund(asked.order, "failed"), asked.order)

    return arise


async def lost_unpaid(stage: Stage) -> Asked:
    asked = await travelled("lost", "tok_capture_declined")(stage)
    await stage.task(TaskKind.CAPTURE_FAILED, asked.about)
    return asked


# Facts of the carrier's.


def scanned(code: str) -> Callable[[Stage], Awaitable[Asked]]:
    async def arise(stage: Stage) -> Asked:
        asked = await travelled("in_transit")(stage)
        await stage.scan(asked.about, code)
        return asked

    return arise


async def turned_up(stage: Stage) -> Asked:
    asked = await travelled("lost")(stage)
    await stage.decide(TaskKind.PARCEL_LOST, asked.about, "refund")
    await stage.result(stage.tracking(asked.about))
    await stage.scan(asked.about, "DL", occurred_at=LONG_AGO)
    return asked


async def without_label(stage: Stage) -> Asked:
    """The carrier scans a parcel whose label was given back, by a number that it kept."""
    order, shipment = await booked(stage)
    number = await stage.number(shipment)
    await stage.cancel(order)
    await stage.result(stage.run(order))
    await hear(stage, number, "PU")
    return Asked(shipment)


async def hear(stage: Stage, number: str, code: str, *, give_up: bool = False) -> UUID:
    """Hear a scan of a parcel; ``give_up`` looking for it at once."""
    scan = {
        "tracking_number": number,
        "reference": "",
        "code": code,
        "occurred_at": LONG_AGO,
        "place": "",
        "message": "",
        "signed_by": "",
    }
    event = f"evt_{new_id()}"
    payload = {"id": event, "type": "tracking.scan", "data": scan}
    fact = Fact(new_id(), SANDBOX_CARRIER.webhooks, event, payload)
    async with stage.books.begin() as db:
        await record_facts(db, [fact])
    await FactIntake(stage.books).apply([fact.id], give_up=[fact.id] if give_up else [])
    return fact.id


async def unknown_parcel(stage: Stage) -> Asked:
    return Asked(await hear(stage, f"SBX{new_id().int}", "PU", give_up=True))


async def unreadable(stage: Stage) -> Asked:
    return Asked(await hear(stage, f"SBX{new_id().int}", ""))


# Labels that the carrier refuses.


def no_label(
    postal_code: str, units: int = 1, grams: int = 400
) -> Callable[[Stage], Awaitable[Asked]]:
    async def arise(stage: Stage) -> Asked:
        order = await weighing(stage, units, grams, postal_code)
        return Asked(await stage.shipment(order, "pending"), order)

    return arise


async def weighing(stage: Stage, units: int, grams: int, postal_code: str) -> OrderId:
    item: ItemId = await stage.shop.item(AUS=units)
    async with stage.books.begin() as db:
        weigh = text("UPDATE items SET weight_grams = :grams WHERE id = :id")
        await db.execute(weigh, {"grams": grams, "id": item})
    return await stage.shop.place((item, units), postal_code=postal_code)


async def site_without_address(stage: Stage) -> Asked:
    mug = await stage.shop.item(AUS=1)
    await set_sites(stage, "{}")
    order = await stage.shop.place((mug, 1))
    shipment = await stage.shipment(order, "pending")
    await stage.task(TaskKind.BOOKING_REFUSED, shipment)
    await set_sites(stage, address().model_dump_json())
    return Asked(shipment, order)


async def set_sites(stage: Stage, given: str) -> None:
    async with stage.books.begin() as db:
        change = text("UPDATE sites SET address = CAST(:address AS jsonb)")
        await db.execute(change, {"address": given})


async def from_the_counter(stage: Stage) -> AnswerDetails:
    home = address().model_dump()
    booking = await stage.carrier.ask(
        "POST",
        "/bookings",
        {
            "reference": f"counter/{new_id()}",
            "service": "ground",
            "ship_from": home,
            "ship_to": home,
            "parcels": [{"weight_grams": 400}],
        },
    )
    number = booking["parcels"][0]["tracking_number"]
    return AnswerDetails(label=OwnLabel(tracking_numbers=(number,)))


# Undos, amounts, and what is late.


async def undo_refused(stage: Stage) -> Asked:
    order, _ = await booked(stage)
    stage.refusals["recall_shipments"] = True
    await stage.run(order).cancel()
    await stage.order(order, "cancelled")
    return Asked(order)


async def own_label_cancelled(stage: Stage) -> Asked:
    asked = await no_label("00000")(stage)
    details = await from_the_counter(stage)
    await stage.decide(TaskKind.BOOKING_REFUSED, asked.about, "own_label", details)
    assert asked.order is not None
    await stage.shipment(asked.order, "booked")
    await stage.cancel(asked.order)
    return asked


def other_amount(operation: str) -> Callable[[Stage], Awaitable[Asked]]:
    async def arise(stage: Stage) -> Asked:
        mug = await stage.shop.item(AUS=1)
        if operation == "authorize":
            await stage.payments.fault("wrong_amount", operation, amount=9999)
        order = await stage.shop.place((mug, 1))
        if operation == "authorize":
            return Asked(order, order)
        shipment = await stage.shipment(order, "booked")
        await stage.payments.fault("wrong_amount", operation, amount=3000)
        await stage.travel(shipment, "lost" if operation == "refund" else "in_transit")
        if operation == "refund":
            await stage.decide(TaskKind.PARCEL_LOST, shipment, "refund")
            return Asked(await stage.refund(order, "submitted"), order)
        return Asked(shipment, order)

    return arise


async def held(stage: Stage) -> Asked:
    mug = await stage.shop.item(AUS=1)
    order = await stage.shop.place((mug, 1))
    await stage.shipment(order, "booked")
    hold = await stage.hold(order)
    await age(stage, "holds", "placed_at", 2 * DAYS, id=hold)
    await sweep(stage)
    return Asked(hold, order)


async def release(stage: Stage, asked: Asked) -> None:
    assert asked.order is not None
    await stage.release(asked.order, asked.about)


async def not_picked(stage: Stage) -> Asked:
    await stage.carrier.fault("http_503", "book", times=100)
    mug = await stage.shop.item(AUS=1)
    order = await stage.shop.place((mug, 1))
    shipment = await stage.shipment(order, "pending")
    await age(stage, "shipments", "created_at", 2 * DAYS, id=shipment)
    await sweep(stage)
    return Asked(shipment, order)


async def carrier_is_back(stage: Stage, asked: Asked) -> None:
    del asked
    await stage.carrier.forget_faults()


async def not_handed_over(stage: Stage) -> Asked:
    order, shipment = await booked(stage)
    await age(stage, "shipments", "booked_at", 2 * DAYS, id=shipment)
    await sweep(stage)
    return Asked(shipment, order)


async def not_scanned(stage: Stage) -> Asked:
    asked = await not_handed_over(stage)
    await stage.decide(TaskKind.HANDOVER_LATE, asked.about, "handed_over")
    await age(stage, "tasks", "closed_at", 3 * DAYS, document_id=asked.about)
    await sweep(stage)
    return asked


async def stalled(stage: Stage) -> Asked:
    asked = await travelled("in_transit")(stage)
    assert asked.order is not None
    await stage.shipment(asked.order, "in_transit")
    await silent(stage, asked.about, 6 * DAYS)
    await sweep(stage)
    return asked


async def card_after_card(stage: Stage) -> Asked:
    """So many cards are declined for one order that somebody looks at it."""
    mug = await stage.shop.item(AUS=1)
    order = await stage.shop.place((mug, 1), token="tok_declined")
    for attempt in range(2, REVIEW_FROM + 1):
        await stage.declined(order, attempt - 1)
        await age_declines(stage, order, PAUSE)
        await stage.pay(order, "tok_declined")
    return Asked(order, order)


async def paid_after_all(stage: Stage, asked: Asked) -> None:
    """The released order is paid with a good card."""
    assert asked.order is not None
    await age_declines(stage, asked.order, PAUSE)
    await stage.pay(asked.order, "tok_ok")
    await stage.shipment(asked.order, "booked")
