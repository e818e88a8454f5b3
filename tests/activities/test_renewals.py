"""Authorizations that end before the goods leave are renewed in time."""

import pytest

from domain.documents import Document, Kind
from domain.holds import HoldPlacement, HoldReason
from domain.ids import new_id
from domain.orders.requests import Cancellation
from domain.orders.status import CancelReason
from gateways.failures import PartnerFailure
from tests.activities.bench import Bench
from tests.activities.renewal import (
    DECLINED,
    SIX_DAYS,
    at_provider,
    ending,
    found,
    half_sent,
    payments_of,
    total_of,
)
from tests.aging import HOURS, age


async def test_what_ends_within_a_day_is_reserved_anew_and_then_dropped(bench: Bench) -> None:
    """Payments R4: for a week more, on the same card, whose token is long erased."""
    order = await ending(bench)
    total = await total_of(bench, order)
    progress = await bench.take("authorize_payment", order)
    assert (progress.held, progress.authorized_amount) == (False, total)
    assert await at_provider(bench, order) == [(0, total, 0), (0, 0, total)]
    first, second = await payments_of(bench, order)
    assert (second["renews"], second["amount"], second["token"]) == (first["id"], total, None)
    assert second["lasts"] > 6 * 24 * HOURS
    moved = await bench.moved(order)
    assert (moved["authorization"], moved["void"]) == ((2, 2 * total), (1, total))

    [shipment] = await bench.shipments(order)
    assert await bench.take("book_shipment", shipment) == "booked"
    await bench.scan(shipment, "PU")
    await bench.take("hand_over_shipment", shipment)
    assert await at_provider(bench, order) == [(0, total, 0), (total, 0, 0)]


async def test_a_renewal_is_renewed_in_its_turn(bench: Bench) -> None:
    order = await ending(bench)
    total = await total_of(bench, order)
    await bench.take("authorize_payment", order)
    await age(bench, "payments", "authorization_expires_at", SIX_DAYS, order_id=order)
    await bench.take("authorize_payment", order)
    assert await at_provider(bench, order) == [(0, total, 0), (0, total, 0), (0, 0, total)]


async def test_of_an_order_that_left_in_part_only_the_rest_is_reserved_anew(bench: Bench) -> None:
    """Payments R4: the parcel that left was paid from the card's first reservation."""
    order, first, second = await half_sent(bench)
    await bench.take("hand_over_shipment", first)
    [(taken, _, rest)] = await at_provider(bench, order)
    assert taken + rest == await total_of(bench, order)
    await age(bench, "payments", "authorization_expires_at", SIX_DAYS, order_id=order)
    await bench.take("authorize_payment", order)
    assert await at_provider(bench, order) == [(taken, rest, 0), (0, 0, rest)]
    assert await bench.take("book_shipment", second) == "booked"


async def test_a_capture_that_crosses_a_renewal_stays_where_it_was_asked_for(bench: Bench) -> None:
    """Its answer was lost: it is found by its key, and not asked of the new authorization."""
    order, first, _ = await half_sent(bench)
    await bench.payments.fault("timeout_after_success", "capture", delay_seconds=0.01)
    with pytest.raises(PartnerFailure):
        await bench.take("hand_over_shipment", first)
    await age(bench, "payments", "authorization_expires_at", SIX_DAYS, order_id=order)
    await bench.take("authorize_payment", order)
    journey = await bench.take("hand_over_shipment", first, attempt=2)
    assert not journey.owed
    (taken, dropped, left), (nothing, _, rest) = await at_provider(bench, order)
    assert (taken + rest, dropped, left, nothing) == (await total_of(bench, order), rest, 0, 0)
    assert (await bench.moved(order))["capture"] == (1, taken)


@pytest.mark.parametrize("why", ["a week is left", "cancelled", "all has left"])
async def test_nothing_is_renewed_that_is_not_needed_for_longer(bench: Bench, why: str) -> None:
    order, [shipment] = await bench.booked("tok_capture_declined")
    if why == "all has left":
        await bench.scan(shipment, "PU")
        await bench.take("hand_over_shipment", shipment)
    if why == "cancelled":
        reason = CancelReason.CUSTOMER_REQUEST
        cancellation = Cancellation(order_id=order, reason=reason, actor="support")
        await bench.take("request_cancellation", cancellation)
    if why != "a week is left":
        await age(bench, "payments", "authorization_expires_at", SIX_DAYS, order_id=order)
    assert order not in await found(bench)
    await bench.take("authorize_payment", order)
    assert len(await payments_of(bench, order)) == 1


async def test_the_sweep_finds_each_order_until_its_run_has_begun_to_renew_it(
    bench: Bench,
) -> None:
    order, declined = await ending(bench), await ending(bench, DECLINED)
    lasting = await bench.confirmed()
    assert {order, declined, lasting} & set(await found(bench)) == {order, declined}
    for each in (order, declined):
        await bench.take("authorize_payment", each)
    assert {order, declined} & set(await found(bench)) == set()


@pytest.mark.parametrize("operation", ["renew", "void"])
@pytest.mark.parametrize("crash", ["http_503", "timeout_before", "timeout_after_success"])
async def test_a_renewal_that_broke_off_ends_as_if_it_had_not(
    bench: Bench, operation: str, crash: str
) -> None:
    """No label is bought before the provider has said that the money stays reserved."""
    order = await ending(bench)
    total, [shipment] = await total_of(bench, order), await bench.shipments(order)
    await bench.payments.fault(crash, operation, delay_seconds=0.01)
    with pytest.raises(PartnerFailure):
        await bench.take("authorize_payment", order)
    if operation == "renew":
        assert await bench.take("book_shipment", shipment) == "held"
    await bench.take("authorize_payment", order, attempt=2)
    assert await at_provider(bench, order) == [(0, total, 0), (0, 0, total)]
    assert await bench.take("book_shipment", shipment) == "booked"
    assert await bench.broken() == []


async def test_a_label_waits_for_the_renewal_that_is_due_and_has_the_run_make_it(
    bench: Bench,
) -> None:
    order = await ending(bench)
    [shipment] = await bench.shipments(order)
    assert await bench.take("book_shipment", shipment) == "held"
    told = "SELECT payload->>'signal' FROM outbox WHERE document_id = :id AND kind = 'signal'"
    assert await bench.shop.one(told, id=order) == "payment_reported"
    await bench.take("authorize_payment", order)
    assert await bench.take("book_shipment", shipment) == "booked"


@pytest.mark.parametrize("crash", ["timeout_before", "timeout_after_success"])
async def test_a_renewal_of_unknown_outcome_is_dropped_with_its_order(
    bench: Bench, crash: str
) -> None:
    order = await ending(bench)
    await bench.payments.fault(crash, "renew", delay_seconds=0.01)
    with pytest.raises(PartnerFailure):
        await bench.take("authorize_payment", order)
    reason = CancelReason.CUSTOMER_REQUEST
    cancellation = Cancellation(order_id=order, reason=reason, actor="support")
    await bench.take("request_cancellation", cancellation)
    await bench.take("authorize_payment", order, attempt=2)
    await bench.take("cancel_order", cancellation)
    await bench.take("void_payment", order)
    assert {left for _, _, left in await at_provider(bench, order)} == {0}
    assert await bench.broken() == []


async def test_an_order_that_is_paid_and_on_hold_is_renewed_too(bench: Bench) -> None:
    """It is not confirmed yet: a person looks at it for a week."""
    order = await bench.placed()
    document = Document(Kind.ORDER, order)
    placement = HoldPlacement(
        document=document, hold_id=new_id(), reason=HoldReason.MANUAL, note="", actor="support"
    )
    await bench.take("place_hold", placement)
    await bench.take("authorize_payment", order)
    await age(bench, "payments", "authorization_expires_at", SIX_DAYS, order_id=order)
    assert order in await found(bench)
    total = await total_of(bench, order)
    progress = await bench.take("authorize_payment", order)
    assert (progress.status, progress.standing) == ("pending", "secured")
    assert await at_provider(bench, order) == [(0, total, 0), (0, 0, total)]
