"""The carrier gateway against the sandbox carrier, over real HTTP."""

import asyncio
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest
from httpx2 import AsyncClient, Response

from domain.addresses import Address
from gateways.carriers.port import BookingRequest, Carrier, ParcelRequest
from gateways.carriers.sandbox import SANDBOX_CARRIER, SandboxCarrier
from gateways.failures import PartnerFailure, PartnerRefused
from simulators.carrier.scenarios import CODES
from tests.partners import Simulator


def place(postal_code: str = "10115") -> Address:
    return Address(
        name="Ada (Œuvre)", line1="Chausseestraße 1", city="Berlin", postal_code=postal_code,
        country="DE",
    )  # fmt: skip


def label_order(postal_code: str = "10115", parcels: int = 1, **changes: Any) -> BookingRequest:
    facts: dict[str, Any] = {
        "reference": uuid4(),
        "service": "ground",
        "ship_from": place(),
        "ship_to": place(postal_code),
        "parcels": tuple(ParcelRequest(weight_grams=1200) for _ in range(parcels)),
    }
    return BookingRequest(**{**facts, **changes})


def test_the_gateway_is_a_carrier_and_knows_every_code(carrier: SandboxCarrier) -> None:
    port: Carrier = carrier
    assert port.name == "sandbox"
    assert set(SANDBOX_CARRIER.codes) == set(CODES)


async def test_books_once_per_reference_even_in_parallel(
    carrier: SandboxCarrier, carrier_server: Simulator
) -> None:
    order = label_order(parcels=3)
    bookings = await asyncio.gather(*(carrier.book(order) for _ in range(20)))
    assert len({booking.booking_id for booking in bookings}) == 1
    assert len({parcel.tracking_number for parcel in bookings[0].parcels}) == 3
    listed = await carrier_server.ask("GET", f"/bookings?reference={order.reference}")
    assert [row["requests"] for row in listed["data"]] == [20]


@pytest.mark.parametrize(("service", "days"), [("ground", 5), ("express", 2)])
async def test_a_label_promises_the_day_of_arrival_by_its_service(
    carrier: SandboxCarrier, carrier_server: Simulator, service: str, days: int
) -> None:
    order = label_order(service=service)
    booking = await carrier.book(order)
    [row] = (await carrier_server.ask("GET", f"/bookings?reference={order.reference}"))["data"]
    booked_on = datetime.fromisoformat(row["created_at"]).date()
    assert booking.arrives_on == booked_on + timedelta(days=days)


async def test_a_carrier_that_promises_no_day_sells_a_label_all_the_same(
    carrier_server: Simulator,
) -> None:
    async def forget(answer: Response) -> None:
        body = orjson.loads(await answer.aread())
        del body["arrives_on"]
        answer._content = orjson.dumps(body)

    async with AsyncClient(event_hooks={"response": [forget]}) as client:
        carrier = SandboxCarrier(carrier_server.base_url, carrier_server.api_key, client)
        assert (await carrier.book(label_order())).arrives_on is None


async def test_another_booking_under_the_same_reference_is_refused(
    carrier: SandboxCarrier,
) -> None:
    order = label_order()
    await carrier.book(order)
    with pytest.raises(PartnerRefused) as refused:
        await carrier.book(label_order(reference=order.reference, parcels=2))
    assert refused.value.code == "reference_reused"


async def test_a_lost_answer_leaves_one_label_that_is_found_by_reference(
    carrier: SandboxCarrier, carrier_server: Simulator
) -> None:
    order = label_order()
    await carrier_server.fault("timeout_after_success", "book")
    with pytest.raises(PartnerFailure):
        await carrier.book(order)
    found = await carrier.find_booking(order.reference)
    assert found is not None
    assert found == await carrier.book(order)


async def test_a_reference_that_the_carrier_never_saw_is_none(
    carrier: SandboxCarrier, carrier_server: Simulator
) -> None:
    order = label_order()
    await carrier_server.fault("timeout_before", "book")
    with pytest.raises(PartnerFailure):
        await carrier.book(order)
    assert await carrier.find_booking(order.reference) is None


async def test_the_label_is_a_pdf_that_names_the_parcel(carrier: SandboxCarrier) -> None:
    parcel = (await carrier.book(label_order())).parcels[0]
    async with AsyncClient() as client:
        label = await client.get(parcel.label_url)
    assert label.headers["content-type"] == "application/pdf"
    assert label.content.startswith(b"%PDF-1.4")
    assert parcel.tracking_number.encode() in label.content
    start = int(label.content.split(b"startxref\n")[1].split()[0])
    assert label.content[start : start + 4] == b"xref"


@pytest.mark.parametrize(
    ("changes", "code"),
    [({"postal_code": "00000"}, "unserviceable"), ({"service": "teleport"}, "unknown_service")],
)
async def test_what_the_carrier_does_not_do_is_refused(
    carrier: SandboxCarrier, changes: dict[str, Any], code: str
) -> None:
    with pytest.raises(PartnerRefused) as refused:
        await carrier.book(label_order(**changes))
    assert refused.value.code == code


async def test_a_label_is_voided_twice_but_not_after_the_first_scan(
    carrier: SandboxCarrier, carrier_server: Simulator
) -> None:
    unused, used = await carrier.book(label_order()), await carrier.book(label_order())
    await carrier.void(unused.booking_id)
    await carrier.void(unused.booking_id)
    await _advance(carrier_server, used.parcels[0].tracking_number, "picked_up")
    with pytest.raises(PartnerRefused) as refused:
        await carrier.void(used.booking_id)
    assert refused.value.code == "already_scanned"
    found = [
        await carrier.find_booking(booking)
        for booking in await _references(carrier_server, unused.booking_id, used.booking_id)
    ]
    assert [booking and booking.voided for booking in found] == [True, False]


async def test_tells_the_scans_oldest_first_however_they_came_in(
    carrier: SandboxCarrier, carrier_server: Simulator
) -> None:
    number = (await carrier.book(label_order())).parcels[0].tracking_number
    for code, at in (("OD", "2026-03-02T08:00:00+01:00"), ("PU", "2026-03-01T09:00:00Z")):
        scan = {"code": code, "occurred_at": at, "place": "Köln"}
        await carrier_server.ask("POST", f"/sandbox/parcels/{number}/scans", scan)
    await _advance(carrier_server, number, "delivered")
    scans = await carrier.track(number)
    assert [scan.code for scan in scans] == ["PU", "OD", "DP", "AR", "DL"]
    assert scans[-1].signed_by == "Ada (Œuvre)"
    assert scans[1].occurred_at.isoformat() == "2026-03-02T07:00:00+00:00"


async def test_an_unknown_parcel_is_refused(carrier: SandboxCarrier) -> None:
    with pytest.raises(PartnerRefused) as refused:
        await carrier.track("SBX/../0")
    assert refused.value.code == "not_found"


async def _advance(server: Simulator, number: str, to: str) -> None:
    await server.ask("POST", f"/sandbox/parcels/{number}/advance", {"to": to})


async def _references(server: Simulator, *bookings: str) -> list[Any]:
    return [
        UUID((await server.ask("GET", f"/bookings/{booking}"))["reference"]) for booking in bookings
    ]
