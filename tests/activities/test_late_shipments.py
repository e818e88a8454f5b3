"""Goods that do not leave, do not move or do not arrive: who is asked, and when no longer."""

import pytest
from sqlalchemy import text

from db.tasks import open_task
from domain.documents import Document, Kind
from domain.orders.requests import Cancellation
from domain.orders.status import CancelReason
from domain.tasks import TaskKind
from tests.activities.bench import Bench
from tests.activities.lateness import (
    answer,
    events,
    hold,
    labelled,
    planned,
    release,
    task,
    tasks,
)
from tests.aging import (
    DAYS,
    HOURS,
    age,
    silent,
    sweep,
)

# Goods that are still here.


async def test_goods_without_a_label_a_day_after_planning_are_asked_about_once(
    bench: Bench,
) -> None:
    _, shipment = await planned(bench)
    await age(bench, "shipments", "created_at", 23 * HOURS, id=shipment)
    await sweep(bench)
    assert await tasks(bench, shipment) == []
    await age(bench, "shipments", "created_at", HOURS, id=shipment)
    await sweep(bench)
    assert (await task(bench, TaskKind.PICKING_LATE, shipment))["role"] == "warehouse"
    await answer(bench, TaskKind.PICKING_LATE, shipment)
    await sweep(bench)
    assert await tasks(bench, shipment) == [("picking_late", "done")]


async def test_the_question_about_a_missing_label_goes_with_its_booking(bench: Bench) -> None:
    _, shipment = await planned(bench)
    await age(bench, "shipments", "created_at", 30 * DAYS, id=shipment)
    await sweep(bench)
    await bench.take("book_shipment", shipment)
    await sweep(bench)
    assert await tasks(bench, shipment) == [("picking_late", "cancelled")]


@pytest.mark.parametrize("state", ["planned", "labelled"])
async def test_held_goods_are_late_a_day_after_the_release(bench: Bench, state: str) -> None:
    kind = "picking_late" if state == "planned" else "handover_late"
    order, shipment = await (planned(bench) if state == "planned" else labelled(bench))
    await age(bench, "shipments", "created_at", 30 * DAYS, id=shipment)
    if state == "labelled":
        await age(bench, "shipments", "booked_at", 30 * DAYS, id=shipment)
    await sweep(bench)
    held = await hold(bench, order)
    await sweep(bench)
    assert await tasks(bench, shipment) == [(kind, "cancelled")]
    await release(bench, order, held)
    await sweep(bench)
    assert await tasks(bench, shipment) == [(kind, "cancelled")]
    await age(bench, "holds", "released_at", 24 * HOURS, id=held)
    await sweep(bench)
    assert await tasks(bench, shipment) == [(kind, "cancelled"), (kind, "open")]


async def test_goods_of_a_refused_booking_or_a_cancelled_order_are_not_asked_about(
    bench: Bench,
) -> None:
    order, refused = await planned(bench)
    going, unwanted = await planned(bench)
    asker = Document(Kind.ORDER, order)
    async with bench.shop.books.begin() as db:
        await open_task(db, TaskKind.BOOKING_REFUSED, "shipment", refused, {}, asker=asker)
    asked = Cancellation(order_id=going, reason=CancelReason.STAFF, actor="support")
    await bench.take("request_cancellation", asked)
    for each in (refused, unwanted):
        await age(bench, "shipments", "created_at", 2 * DAYS, id=each)
    await sweep(bench)
    assert await tasks(bench, refused) == [("booking_refused", "open")]
    assert await tasks(bench, unwanted) == []


async def test_a_question_that_another_one_replaced_is_asked_again_after_its_answer(
    bench: Bench,
) -> None:
    order, shipment = await planned(bench)
    await age(bench, "shipments", "created_at", 2 * DAYS, id=shipment)
    await sweep(bench)
    async with bench.shop.books.begin() as db:
        asker = Document(Kind.ORDER, order)
        await open_task(db, TaskKind.BOOKING_REFUSED, "shipment", shipment, {}, asker=asker)
    await sweep(bench)
    late, refused = "picking_late", "booking_refused"
    assert await tasks(bench, shipment) == [(late, "cancelled"), (refused, "open")]
    await answer(bench, TaskKind.BOOKING_REFUSED, shipment, "retry")
    await sweep(bench)
    assert await tasks(bench, shipment) == [(late, "cancelled"), (refused, "done"), (late, "open")]


async def test_a_label_without_a_scan_is_asked_about_and_two_days_after_the_answer_once_more(
    bench: Bench,
) -> None:
    _, shipment = await labelled(bench)
    await age(bench, "shipments", "booked_at", 24 * HOURS, id=shipment)
    await sweep(bench)
    await sweep(bench)
    assert await tasks(bench, shipment) == [("handover_late", "open")]
    # However long it stays without an answer, it stays one question.
    await age(bench, "shipments", "booked_at", 7 * DAYS, id=shipment)
    await sweep(bench)
    assert await tasks(bench, shipment) == [("handover_late", "open")]


@pytest.mark.parametrize("choice", ["handed_over", "still_here"])
async def test_a_label_that_stays_unscanned_is_asked_about_again_two_days_after_the_answer(
    bench: Bench, choice: str
) -> None:
    _, shipment = await labelled(bench)
    await age(bench, "shipments", "booked_at", 24 * HOURS, id=shipment)
    await sweep(bench)
    answered = await answer(bench, TaskKind.HANDOVER_LATE, shipment, choice)
    await age(bench, "tasks", "closed_at", 47 * HOURS, id=answered)
    await sweep(bench)
    assert await tasks(bench, shipment) == [("handover_late", "done")]
    await age(bench, "tasks", "closed_at", HOURS, id=answered)
    await sweep(bench)
    asked = await task(bench, TaskKind.NOT_SCANNED, shipment)
    assert (asked["role"], asked["facts"]["answered"]) == ("warehouse", choice)
    await answer(bench, TaskKind.NOT_SCANNED, shipment)
    await sweep(bench)
    assert await tasks(bench, shipment) == [("handover_late", "done"), ("not_scanned", "done")]


async def test_an_answer_from_before_a_hold_is_not_asked_about_after_it(bench: Bench) -> None:
    order, shipment = await labelled(bench)
    await age(bench, "shipments", "booked_at", 30 * DAYS, id=shipment)
    await sweep(bench)
    answered = await answer(bench, TaskKind.HANDOVER_LATE, shipment)
    await age(bench, "tasks", "closed_at", 20 * DAYS, id=answered)
    held = await hold(bench, order)
    await release(bench, order, held)
    await sweep(bench)
    assert await tasks(bench, shipment) == [("handover_late", "done")]
    await age(bench, "holds", "released_at", 24 * HOURS, id=held)
    await sweep(bench)
    assert await tasks(bench, shipment) == [("handover_late", "done"), ("handover_late", "open")]


@pytest.mark.parametrize("kind", ["handover_late", "not_scanned"])
async def test_the_question_about_a_missing_scan_goes_with_the_scan(
    bench: Bench, kind: str
) -> None:
    _, shipment = await labelled(bench)
    await age(bench, "shipments", "booked_at", 24 * HOURS, id=shipment)
    await sweep(bench)
    if kind == "not_scanned":
        answered = await answer(bench, TaskKind.HANDOVER_LATE, shipment)
        await age(bench, "tasks", "closed_at", 48 * HOURS, id=answered)
        await sweep(bench)
    assert await task(bench, TaskKind(kind), shipment)
    await bench.scan(shipment, "PU")
    await sweep(bench)
    assert (await tasks(bench, shipment))[-1] == (kind, "cancelled")
    await bench.take("hand_over_shipment", shipment)


# Goods under way.


@pytest.mark.parametrize(("country", "days"), [("US", 5), ("CA", 10)])
async def test_a_silent_carrier_is_noticed_at_home_after_5_days_and_abroad_after_10(
    bench: Bench, country: str, days: int
) -> None:
    _, shipment = await bench.sent()
    async with bench.shop.books.begin() as db:
        await db.execute(
            text(
                "UPDATE shipments SET ship_to = jsonb_set(ship_to, '{country}', to_jsonb(:to))"
                " WHERE id = :id"
            ).bindparams(to=country, id=shipment)
        )
    await silent(bench, shipment, days * DAYS - HOURS)
    await sweep(bench)
    assert await events(bench, shipment, "shipment.stalled") == []
    await silent(bench, shipment, HOURS)
    await sweep(bench)
    await sweep(bench)
    [said] = await events(bench, shipment, "shipment.stalled")
    assert (said["last_code"], said["shipment"]) == (
        "PU",
        await bench.shop.one("SELECT number FROM shipments WHERE id = :id", id=shipment),
    )
    assert (await task(bench, TaskKind.STALLED, shipment))["role"] == "support"
    await answer(bench, TaskKind.STALLED, shipment)
    await sweep(bench)
    assert await tasks(bench, shipment) == [("stalled", "done")]
    assert len(await events(bench, shipment, "shipment.stalled")) == 1


async def test_news_ends_the_question_about_silence_and_the_next_silence_is_another(
    bench: Bench,
) -> None:
    _, shipment = await bench.sent()
    await silent(bench, shipment, 6 * DAYS)
    await sweep(bench)
    await bench.scan(shipment, "DP")
    await sweep(bench)
    assert await tasks(bench, shipment) == [("stalled", "cancelled")]
    await silent(bench, shipment, 5 * DAYS)
    await sweep(bench)
    assert await tasks(bench, shipment) == [("stalled", "cancelled"), ("stalled", "open")]
    assert len(await events(bench, shipment, "shipment.stalled")) == 2
    await bench.scan(shipment, "DL")
    await sweep(bench)
    assert (await tasks(bench, shipment))[-1] == ("stalled", "cancelled")


async def test_a_shipment_past_its_promised_day_is_overdue_once_unless_it_arrived(
    bench: Bench,
) -> None:
    late, arrived = [(await bench.sent())[1] for _ in range(2)]
    await bench.scan(arrived, "DL")
    promise = "SELECT promised_on - (booked_at AT TIME ZONE 'UTC')::date FROM shipments"
    assert await bench.shop.one(f"{promise} WHERE id = :id", id=late) == 5
    # Promised for the day before yesterday: a whole day has passed since that day was over.
    today = "(now() AT TIME ZONE 'UTC')::date"
    for back, said in ((1, 0), (2, 1), (2, 1)):
        async with bench.shop.books.begin() as db:
            await db.execute(
                text(f"UPDATE shipments SET promised_on = {today} - {back} WHERE id = ANY(:ids)"),
                {"ids": [late, arrived]},
            )
        await sweep(bench)
        assert len(await events(bench, late, "shipment.overdue")) == said
    assert await events(bench, arrived, "shipment.overdue") == []
    assert await tasks(bench, late) == []
