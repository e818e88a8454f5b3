"""The sandbox carrier, as a client of its HTTP interface sees it."""

from typing import Any

import pytest

from simulators.carrier.numbers import check_digit
from tests.partners import Simulator
from tests.patience import eventually
from tests.simulators.orders import book, codes, label_order

DELIVERED = ["PU", "DP", "AR", "OD", "DL"]


async def scanned(carrier: Simulator, number: str, expected: list[str]) -> bool:
    return await codes(carrier, number) == expected


async def test_tracking_numbers_carry_a_check_digit_that_finds_a_wrong_digit(
    carrier: Simulator,
) -> None:
    number = await book(carrier)
    digits, check = number[3:-1], int(number[-1])
    assert (number[:3], len(digits), check_digit(digits)) == ("SBX", 12, check)
    wrong = str((int(digits[0]) + 1) % 10) + digits[1:]
    assert check_digit(wrong) != check


@pytest.mark.parametrize(
    "changes",
    [
        {"parcels": []},
        {"parcels": [{"weight_grams": 0}]},
        {"parcels": [{"weight_grams": 1.5}]},
        {"ship_to": {"name": "nobody"}},
        {"surprise": 1},
        {"reference": ""},
    ],
)
async def test_a_malformed_booking_is_refused(carrier: Simulator, changes: dict[str, Any]) -> None:
    answer = await carrier.http.post("/bookings", json=label_order(**changes))
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "invalid_request")


@pytest.mark.parametrize(
    ("postal_code", "expected"),
    [
        ("89501", DELIVERED),
        ("00001", ["PU", "DP", "LO"]),
        ("00002", ["PU", "DP", "AR", "X1", "OD", "DL"]),
        ("00003", ["PU", "DP", "AR", "OD", "A1", "RS", "RT"]),
    ],
)
async def test_on_autopilot_the_postal_code_chooses_how_a_journey_ends(
    carrier: Simulator, postal_code: str, expected: list[str]
) -> None:
    await carrier.ask("POST", "/sandbox/autopilot", {"enabled": True, "seconds_per_scan": 0.01})
    number = await book(carrier, postal_code)
    await eventually(lambda: scanned(carrier, number, expected))
    await carrier.ask("POST", "/sandbox/autopilot", {"enabled": False})


async def test_the_autopilot_takes_up_parcels_booked_before_and_leaves_voided_ones(
    carrier: Simulator,
) -> None:
    order = label_order()
    voided = await carrier.ask("POST", "/bookings", order)
    await carrier.ask("POST", f"/bookings/{voided['id']}/void")
    number = await book(carrier)
    settings = {"enabled": True, "seconds_per_scan": 0, "outcomes": {}}
    await carrier.ask("POST", "/sandbox/autopilot", settings)
    await eventually(lambda: scanned(carrier, number, DELIVERED))
    await carrier.ask("POST", "/sandbox/autopilot", {"enabled": False})
    assert await codes(carrier, voided["parcels"][0]["tracking_number"]) == []


async def test_outcomes_by_weight_are_the_autopilots_to_choose(carrier: Simulator) -> None:
    settings = {"enabled": True, "seconds_per_scan": 0, "outcomes": {"lost": 1}}
    await carrier.ask("POST", "/sandbox/autopilot", settings)
    number = await book(carrier)
    await eventually(lambda: scanned(carrier, number, ["PU", "DP", "LO"]))
    unknown = {"enabled": True, "outcomes": {"vanished": 1}}
    assert (await carrier.http.post("/sandbox/autopilot", json=unknown)).status_code == 422
    await carrier.ask("POST", "/sandbox/autopilot", {"enabled": False})


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+10:00", "9999-12-31T23:59:59Z", "now"])
async def test_a_scan_at_an_impossible_time_is_refused(carrier: Simulator, at: str) -> None:
    number = await book(carrier)
    path = f"/sandbox/parcels/{number}/scans"
    answer = await carrier.http.post(path, json={"code": "PU", "occurred_at": at})
    assert answer.status_code == 422


async def test_advancing_adds_only_what_is_missing(carrier: Simulator) -> None:
    number = await book(carrier)
    for to in ("in_transit", "in_transit", "delivered", "delivered"):
        await carrier.ask("POST", f"/sandbox/parcels/{number}/advance", {"to": to})
    assert await codes(carrier, number) == DELIVERED
    nowhere = await carrier.http.post(f"/sandbox/parcels/{number}/advance", json={"to": "the moon"})
    assert nowhere.status_code == 422


async def test_a_delay_notice_before_the_first_scan_does_not_forbid_voiding(
    carrier: Simulator,
) -> None:
    booking = await carrier.ask("POST", "/bookings", label_order())
    number = booking["parcels"][0]["tracking_number"]
    await carrier.ask("POST", f"/sandbox/parcels/{number}/scans", {"code": "DY"})
    voided = await carrier.ask("POST", f"/bookings/{booking['id']}/void")
    assert voided["voided"] is True
    late = await carrier.http.post(f"/sandbox/parcels/{number}/scans", json={"code": "PU"})
    assert (late.status_code, late.json()["error"]["code"]) == (409, "voided")


@pytest.mark.parametrize("path", ["/bookings/none", "/parcels/none", "/labels/none/none.pdf"])
async def test_unknown_ids_are_not_found(carrier: Simulator, path: str) -> None:
    answer = await carrier.http.get(path)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


async def test_the_list_of_bookings_comes_in_pages(carrier: Simulator) -> None:
    await book(carrier)
    await book(carrier)
    everything = (await carrier.ask("GET", "/bookings?limit=10000"))["data"]
    page = await carrier.ask("GET", f"/bookings?limit=1&after={everything[-2]['sequence']}")
    assert page["data"] == everything[-1:]


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("address_problem", ["PU", "DP", "AR", "X1"]),
        ("delayed", ["PU", "DP", "DY"]),
        ("customs", ["PU", "DP", "X3"]),
        ("address_clarified", ["PU", "DP", "AR", "X1", "OD", "DL"]),
    ],
)
async def test_a_parcel_that_is_taken_to_a_state_stops_there(
    carrier: Simulator, state: str, expected: list[str]
) -> None:
    """B9: an exception is a place to stop, not a stop on the way to the customer."""
    number = await book(carrier)
    await carrier.ask("POST", f"/sandbox/parcels/{number}/advance", {"to": state})
    assert await codes(carrier, number) == expected


@pytest.mark.parametrize(
    ("postal_code", "changes", "code"),
    [
        ("00000", {}, "unserviceable"),
        ("00004", {"service": "ground"}, "service_not_offered"),
        ("00005", {"parcels": [{"weight_grams": 10_001}]}, "parcel_too_heavy"),
        ("00006", {"parcels": [{"weight_grams": 1}] * 2}, "too_many_parcels"),
        ("89501", {"parcels": [{"weight_grams": 70_001}]}, "parcel_too_heavy"),
        ("89501", {"parcels": [{"weight_grams": 1}] * 51}, "too_many_parcels"),
        ("89501", {"service": "teleport"}, "unknown_service"),
    ],
)
async def test_a_label_is_refused_by_address_service_size_and_number(
    carrier: Simulator, postal_code: str, changes: dict[str, Any], code: str
) -> None:
    order = label_order(postal_code, **changes)
    answer = await carrier.http.post("/bookings", json=order)
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, code), answer.text


async def test_what_is_taken_to_a_postal_code_can_be_changed_and_is_remembered(
    carrier: Simulator,
) -> None:
    closed = {"serviced": False, "services": None, "heaviest_grams": None, "most_parcels": None}
    await carrier.ask("PUT", "/sandbox/areas/12345", closed)
    assert await carrier.ask("GET", "/sandbox/areas/12345") == closed
    refused = await carrier.http.post("/bookings", json=label_order("12345"))
    assert refused.json()["error"]["code"] == "unserviceable"
    await carrier.ask("PUT", "/sandbox/areas/12345", {"services": ["ground"]})
    sold = await carrier.http.post("/bookings", json=label_order("12345", service="ground"))
    assert sold.status_code == 201, sold.text


async def test_a_used_number_is_that_of_the_parcel_sold_last_and_the_label_is_given_back(
    carrier: Simulator,
) -> None:
    first = await book(carrier)
    await carrier.fault("used_number", "book")
    again = await carrier.ask("POST", "/bookings", label_order())
    assert again["parcels"][0]["tracking_number"] == first
    assert again == {**await carrier.ask("POST", f"/bookings/{again['id']}/void"), "voided": False}
    assert await book(carrier) != first
    refused = await carrier.http.post(
        "/sandbox/faults", json={"kind": "used_number", "operation": "void"}
    )
    assert refused.status_code == 422
