"""The partners' webhooks as our own endpoint receives them."""

import json
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from gateways.carriers.sandbox import parse_carrier_event
from gateways.payments.sandbox import parse_payment_event
from gateways.webhooks import BadSignature, verify
from tests.partners import Delivery, Inbox, Simulator, carrier_simulator, webhook_inbox
from tests.simulators.orders import book, reserve


def about(deliveries: list[Delivery], subject: str) -> list[Delivery]:
    return [delivery for delivery in deliveries if subject.encode() in delivery.body]


async def test_a_scan_is_announced_once_signed_and_with_the_id_that_polling_shows(
    carrier: Simulator, inbox: Inbox
) -> None:
    number = await book(carrier)
    asked = {"code": "DL", "place": "Köln", "signed_by": "Ada"}
    scan = await carrier.ask("POST", f"/sandbox/parcels/{number}/scans", asked)
    [delivery] = about(await inbox.until(lambda all_: bool(about(all_, number))), number)
    now = datetime.now(UTC)
    event_id = verify(carrier.webhook_secret, delivery.headers, delivery.body, now)
    event = parse_carrier_event(delivery.body)
    assert event_id == event.event_id == scan["event_id"]
    assert (event.tracking_number, event.code, event.place) == (number, "DL", "Köln")
    with pytest.raises(BadSignature):
        verify(carrier.webhook_secret, delivery.headers, delivery.body + b" ", now)


async def test_an_operation_is_announced_when_its_outcome_is_known(
    payments: Simulator, inbox: Inbox
) -> None:
    operation = await reserve(payments, "tok_action_required", key=f"waiting/{uuid4()}")
    await reserve(payments, "tok_declined", key=f"declined/{uuid4()}")
    await inbox.until(lambda all_: bool(about(all_, "declined/")))
    assert not about(inbox.deliveries, operation["key"])
    await payments.ask("POST", f"/authorizations/{operation['authorization']}/confirm")
    deliveries = await inbox.until(lambda all_: bool(about(all_, operation["key"])))
    [delivery] = about(deliveries, operation["key"])
    verify(payments.webhook_secret, delivery.headers, delivery.body, datetime.now(UTC))
    event = parse_payment_event(delivery.body)
    assert event.authorization == event.result.reference == operation["authorization"]
    assert (event.result.outcome, event.result.amount.amount) == ("succeeded", 1000)


async def test_an_event_is_sent_again_under_its_id_until_it_is_taken(
    carrier: Simulator, inbox: Inbox
) -> None:
    number = await book(carrier)
    inbox.answers = [500, 302, 429]
    await carrier.ask("POST", f"/sandbox/parcels/{number}/scans", {"code": "PU"})
    deliveries = about(await inbox.until(lambda all_: len(about(all_, number)) == 4), number)
    assert len({delivery.event_id for delivery in deliveries}) == 1
    assert len({delivery.body for delivery in deliveries}) == 1


async def test_duplicates_come_with_one_id(carrier: Simulator, inbox: Inbox) -> None:
    number = await book(carrier)
    await carrier.fault("duplicate_webhooks")
    await carrier.ask("POST", f"/sandbox/parcels/{number}/scans", {"code": "PU"})
    twice = about(await inbox.until(lambda all_: len(about(all_, number)) == 2), number)
    assert len({delivery.event_id for delivery in twice}) == 1


async def test_a_held_back_event_is_overtaken_by_the_next(carrier: Simulator, inbox: Inbox) -> None:
    number = await book(carrier)
    await carrier.fault("reorder_webhooks", delay_seconds=2)
    for code in ("PU", "DP"):
        await carrier.ask("POST", f"/sandbox/parcels/{number}/scans", {"code": code})
    both = about(await inbox.until(lambda all_: len(about(all_, number)) == 2), number)
    assert [parse_carrier_event(delivery.body).code for delivery in both] == ["DP", "PU"]


async def test_a_dropped_event_can_be_polled_and_sent_again_on_request(
    carrier: Simulator, inbox: Inbox
) -> None:
    number, other = await book(carrier), await book(carrier)
    await carrier.fault("drop_webhooks")
    dropped = await carrier.ask("POST", f"/sandbox/parcels/{number}/scans", {"code": "PU"})
    await carrier.ask("POST", f"/sandbox/parcels/{other}/scans", {"code": "PU"})
    await inbox.until(lambda all_: bool(about(all_, other)))
    assert not about(inbox.deliveries, number)
    parcel = await carrier.ask("GET", f"/parcels/{number}")
    assert [scan["event_id"] for scan in parcel["scans"]] == [dropped["event_id"]]
    await carrier.ask("POST", f"/webhooks/{dropped['event_id']}/resend")
    await inbox.until(lambda all_: bool(about(all_, number)))


async def test_a_thousand_events_all_arrive_while_the_endpoint_fails_now_and_then() -> None:
    async with webhook_inbox() as inbox, carrier_simulator(inbox.url) as carrier:
        inbox.answers = [503 if i % 7 == 0 else 204 for i in range(700)]
        numbers = [await book(carrier) for _ in range(200)]
        for number in numbers:
            await carrier.ask("POST", f"/sandbox/parcels/{number}/advance", {"to": "delivered"})
        # 100 of the first 700 attempts fail, so 1,100 attempts bring 1,000 events.
        deliveries = await inbox.until(lambda all_: len(all_) >= 1100, seconds=180)
    assert len({delivery.event_id for delivery in deliveries}) == 1000
    facts = [json.loads(delivery.body)["data"] for delivery in deliveries]
    assert len({(fact["tracking_number"], fact["code"]) for fact in facts}) == 1000
