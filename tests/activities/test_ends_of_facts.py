"""What becomes of a partner's fact: applied, of no interest, waiting, or a person's task."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from activities.facts import FactIntake
from db.facts import Fact, record_facts
from domain.ids import new_id
from gateways.carriers.sandbox import SANDBOX_CARRIER
from gateways.payments.sandbox import SANDBOX_PAYMENTS
from telemetry.metrics import REGISTRY
from tests.activities.bench import Bench


async def a_scan(bench: Bench, shipment: UUID, scanned: str, **data: Any) -> dict[str, Any]:
    """Return what a carrier tells of a parcel; ``data`` replaces, and None stays null."""
    number = await bench.shop.one(
        "SELECT tracking_number FROM parcels WHERE shipment_id = :id", id=shipment
    )
    told = {
        "tracking_number": number,
        "code": scanned,
        "occurred_at": datetime.now(UTC).isoformat(),
        "place": "Reno",
        "message": "",
        "signed_by": "",
    }
    return {"id": uuid4().hex, "type": "tracking.scan", "data": {**told, **data}}


async def told(bench: Bench, fact: Mapping[str, Any], partner: str | None = None) -> Any:
    """Let a partner tell a fact and apply it; return its state, note and task."""
    kept = Fact(new_id(), partner or SANDBOX_CARRIER.webhooks, uuid4().hex, dict(fact))
    async with bench.shop.books.begin() as db:
        await record_facts(db, [kept])
    await FactIntake(bench.shop.books).apply([kept.id])
    [row] = await bench.shop.rows(
        "SELECT f.id, f.state, f.note, t.kind, t.facts FROM inbound_facts f"
        " LEFT JOIN tasks t ON t.document_id = f.id WHERE f.id = :id",
        id=kept.id,
    )
    return row


async def stands(bench: Bench, shipment: UUID) -> Any:
    [row] = await bench.shop.rows(
        "SELECT status, exception_reason, signed_by, delivered_at, order_id FROM shipments"
        " WHERE id = :id",
        id=shipment,
    )
    return row


WITHOUT_WORDS: list[dict[str, Any]] = [
    {"place": None},
    {"place": ["Reno"]},
    {"signed_by": None},
    {"message": "x" * 1001},
    {"message": 7},
]


@pytest.mark.parametrize("odd", WITHOUT_WORDS, ids=lambda odd: str(odd)[:24])
async def test_a_scan_is_applied_whatever_its_words_for_people_look_like(
    odd: dict[str, Any], bench: Bench
) -> None:
    """T09: the code, the number and the moment count; the rest is tolerated and cut."""
    _, shipment = await bench.sent()
    row = await told(bench, await a_scan(bench, shipment, "DL", **odd))
    assert (row["state"], row["kind"]) == ("applied", None)
    assert row["note"].endswith(": DL")
    assert (await stands(bench, shipment))["status"] == "delivered"


async def test_a_scan_that_leaves_its_place_out_is_applied(bench: Bench) -> None:
    """T09: what a carrier does not say is not said."""
    _, shipment = await bench.sent()
    fact = await a_scan(bench, shipment, "OD")
    del fact["data"]["place"], fact["data"]["signed_by"]
    assert (await told(bench, fact))["state"] == "applied"
    assert (await stands(bench, shipment))["status"] == "out_for_delivery"


UNREADABLE: list[tuple[dict[str, Any], str]] = [
    ({"occurred_at": "2026-01-01T00:00:00"}, "data.occurred_at"),
    ({"occurred_at": "9999-12-31T23:59:59-05:00"}, "beyond the calendar"),
    ({"occurred_at": "yesterday"}, "data.occurred_at"),
    ({"code": None}, "data.code"),
    ({"tracking_number": 7}, "data.tracking_number"),
]


@pytest.mark.parametrize(("odd", "problem"), UNREADABLE, ids=lambda odd: str(odd)[:40])
async def test_what_matters_and_cannot_be_read_is_a_task_with_the_raw_fact(
    odd: dict[str, Any], problem: str, bench: Bench
) -> None:
    """T09, T10: a moment without a zone or beyond the calendar is put to a person."""
    _, shipment = await bench.sent()
    before = await stands(bench, shipment)
    fact = await a_scan(bench, shipment, "DL", **odd)
    row = await told(bench, fact)
    assert (row["state"], row["kind"]) == ("task", "unapplied_fact")
    assert problem in row["facts"]["problem"]
    assert fact["id"] in row["facts"]["raw"]
    assert await stands(bench, shipment) == before


async def test_a_kind_of_event_that_nobody_knows_is_a_task(bench: Bench) -> None:
    """T09: `tracking.delivered` was ignored in silence."""
    _, shipment = await bench.sent()
    row = await told(bench, {**await a_scan(bench, shipment, "DL"), "type": "tracking.delivered"})
    assert (row["state"], row["kind"]) == ("task", "unapplied_fact")


async def test_a_body_that_was_no_object_is_a_task_with_its_text(bench: Bench) -> None:
    """D20: what a genuine body held stands in the task."""
    row = await told(bench, {"unreadable": "[[[["})
    assert (row["state"], row["kind"]) == ("task", "unapplied_fact")
    assert "[[[[" in row["facts"]["raw"]


@pytest.mark.parametrize(
    ("kind", "partner"),
    [
        ("webhook.test", SANDBOX_CARRIER.webhooks),
        ("webhook.test", SANDBOX_PAYMENTS.webhooks),
        ("operation.pending", SANDBOX_PAYMENTS.webhooks),
        ("operation.action_required", SANDBOX_PAYMENTS.webhooks),
    ],
)
async def test_what_is_of_no_interest_has_a_name(kind: str, partner: str, bench: Bench) -> None:
    """Kind 1: only named kinds are of no interest."""
    row = await told(bench, {"id": "e", "type": kind, "data": {}}, partner)
    assert (row["state"], row["note"], row["kind"]) == (
        "ignored",
        f"{kind} is of no interest",
        None,
    )


async def test_every_end_of_a_fact_is_counted(bench: Bench) -> None:
    """Kind 1: each end has a metric."""
    _, shipment = await bench.sent()
    scan = await a_scan(bench, shipment, "DP")
    stray = await a_scan(bench, shipment, "DP", tracking_number="SBX000000000")

    def counted() -> dict[str, float]:
        labels = {"provider": SANDBOX_CARRIER.webhooks}
        name = "stateset_fact_ends_total"
        return {
            end: REGISTRY.get_sample_value(name, {**labels, "end": end}) or 0.0
            for end in ("applied", "ignored", "waiting", "task")
        }

    before = counted()
    ids = [(await told(bench, fact))["id"] for fact in (scan, scan, stray, {"type": "rain"})]
    after = counted()
    await FactIntake(bench.shop.books).apply(ids, give_up=ids)
    assert {end: after[end] - before[end] for end in after} == {
        "applied": 1,
        "ignored": 1,
        "waiting": 1,
        "task": 1,
    }


LONG_BEFORE = (datetime.now(UTC) - timedelta(days=200)).isoformat()
A_YEAR_AHEAD = (datetime.now(UTC) + timedelta(days=365)).isoformat()


async def test_a_delivery_dated_before_the_booking_is_kept_and_not_applied(bench: Bench) -> None:
    """T11: `DL` of 200 days ago completed the order before it was placed."""
    _, shipment = await bench.sent()
    before = await stands(bench, shipment)
    row = await told(bench, await a_scan(bench, shipment, "DL", occurred_at=LONG_BEFORE))
    assert (row["state"], row["kind"]) == ("ignored", None)
    assert "before the parcel was booked" in row["note"]
    assert await stands(bench, shipment) == before
    kept = "SELECT count(*)::int FROM tracking_events t JOIN parcels p ON p.id = t.parcel_id"
    assert await bench.shop.one(f"{kept} WHERE shipment_id = :id AND code = 'DL'", id=shipment) == 1


async def test_a_way_back_dated_before_the_booking_turns_no_delivery_into_a_return(
    bench: Bench,
) -> None:
    """T11: a true delivery stays one."""
    _, shipment = await bench.sent()
    await told(bench, await a_scan(bench, shipment, "RS", occurred_at=LONG_BEFORE))
    await told(bench, await a_scan(bench, shipment, "DL"))
    row = await stands(bench, shipment)
    assert (row["status"], row["exception_reason"]) == ("delivered", None)


async def test_an_exception_dated_a_year_ahead_gives_way_to_the_delivery(bench: Bench) -> None:
    """T11: an outside clock alone never wins."""
    _, shipment = await bench.sent()
    await told(bench, await a_scan(bench, shipment, "X2", occurred_at=A_YEAR_AHEAD))
    assert (await stands(bench, shipment))["exception_reason"] is not None
    await told(bench, await a_scan(bench, shipment, "DL"))
    row = await stands(bench, shipment)
    assert (row["status"], row["exception_reason"]) == ("delivered", None)


async def test_a_delivery_dated_a_year_ahead_was_made_when_it_was_told(bench: Bench) -> None:
    """T11: the date of delivery is the one we know."""
    _, shipment = await bench.sent()
    await told(bench, await a_scan(bench, shipment, "DL", occurred_at=A_YEAR_AHEAD))
    row = await stands(bench, shipment)
    assert row["status"] == "delivered"
    assert row["delivered_at"] <= datetime.now(UTC)
