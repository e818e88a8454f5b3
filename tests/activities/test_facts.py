"""Facts that are applied together end as if each had come alone, in whatever order they came."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any
from uuid import UUID

from activities.facts import FactIntake
from db.facts import Fact, record_facts
from domain.ids import new_id
from gateways.carriers.sandbox import SANDBOX_CARRIER
from tests.activities.bench import Bench

JOURNEY = ("DP", "OD", "DL")
"""What a carrier scans after the departure."""


async def reports(bench: Bench, shipment: UUID, codes: Sequence[str]) -> list[dict[str, Any]]:
    """Let the carrier scan a parcel, an hour apart; return what it tells of that."""
    number = await bench.shop.one(
        "SELECT tracking_number FROM parcels WHERE shipment_id = :id", id=shipment
    )
    told = []
    for hour, code in enumerate(codes):
        at = (datetime.now(UTC) + timedelta(hours=hour)).isoformat()
        request = {"code": code, "occurred_at": at}
        scanned = await bench.carrier.ask("POST", f"/sandbox/parcels/{number}/scans", request)
        told.append({"id": scanned.pop("event_id"), "type": "tracking.scan", "data": scanned})
    return told


async def keep(bench: Bench, facts: Sequence[dict[str, Any]]) -> list[UUID]:
    """Keep facts as they came; return their ids."""
    kept = [
        Fact(new_id(), SANDBOX_CARRIER.webhooks, f"{fact['id']}/{at}", fact)
        for at, fact in enumerate(facts)
    ]
    async with bench.shop.books.begin() as db:
        assert len(await record_facts(db, kept)) == len(kept)
    return [fact.id for fact in kept]


async def story(bench: Bench, shipment: UUID) -> tuple[Any, ...]:
    """Return where a shipment stands, what was announced of it, and what its run was told."""
    [row] = await bench.shop.rows(
        "SELECT s.status, s.exception_reason, s.signed_by, s.version, p.status AS parcel,"
        " (SELECT array_agg(e.type ORDER BY e.sequence) FROM events e WHERE subject_id = s.id)"
        "   AS events,"
        " (SELECT count(*) FROM tracking_events t WHERE t.parcel_id = p.id) AS scans,"
        " (SELECT array_agg(o.kind ORDER BY o.id) FROM outbox o WHERE o.document_id = s.id)"
        "   AS messages"
        " FROM shipments s JOIN parcels p ON p.shipment_id = s.id WHERE s.id = :id",
        id=shipment,
    )
    return tuple(row.values())


async def test_facts_applied_together_end_as_if_each_had_come_alone(bench: Bench) -> None:
    intake = FactIntake(bench.shop.books)
    alone, together = [], []
    facts: list[list[dict[str, Any]]] = []
    for order in permutations(range(len(JOURNEY))):
        for shipments in (alone, together):
            _, shipment = await bench.sent()
            shipments.append(shipment)
            told = await reports(bench, shipment, JOURNEY)
            facts.append([told[at] for at in order])
    for fact_id in await keep(bench, [fact for each in facts[::2] for fact in each]):
        assert await intake.apply([fact_id]) == set()
    assert await intake.apply(await keep(bench, [f for each in facts[1::2] for f in each])) == set()
    for one, other in zip(alone, together, strict=True):
        found = await story(bench, other)
        assert found == await story(bench, one)
        assert found[0] == found[4] == "delivered"


async def test_a_carriers_problem_and_its_end_are_both_announced_though_they_come_together(
    bench: Bench,
) -> None:
    _, shipment = await bench.sent()
    told = await reports(bench, shipment, ("DP", "X1", "OD"))
    await FactIntake(bench.shop.books).apply(await keep(bench, told))
    status, exception, *_, events, scans, _messages = await story(bench, shipment)
    assert (status, exception, scans) == ("out_for_delivery", None, 4)
    assert [each.split(".")[1] for each in events[-4:]] == [
        "in_transit",
        "exception",
        "out_for_delivery",
        "exception_cleared",
    ]
    [task] = await bench.shop.rows("SELECT status FROM tasks WHERE document_id = :id", id=shipment)
    assert task["status"] == "cancelled"


async def test_facts_of_one_moment_that_say_the_same_count_once(bench: Bench) -> None:
    _, shipment = await bench.sent()
    told = await reports(bench, shipment, ("DP",))
    before = await story(bench, shipment)
    intake = FactIntake(bench.shop.books)
    facts = await keep(bench, [*told, *told, *told])
    assert await intake.apply(facts) == set()
    once = await story(bench, shipment)
    assert once[3] == before[3] + 1
    assert once[6] == before[6] + 1
    assert await intake.apply(facts) == set()
    assert await story(bench, shipment) == once


async def test_a_fact_about_nothing_known_waits_and_the_others_are_applied(bench: Bench) -> None:
    _, shipment = await bench.sent()
    told = await reports(bench, shipment, ("DP", "OD"))
    stray = {**told[0], "data": {**told[0]["data"], "tracking_number": "SBX000000000"}}
    nonsense = {"id": "evt", "type": "weather.rain"}
    facts = await keep(bench, [stray, told[0], nonsense, told[1]])
    intake = FactIntake(bench.shop.books)
    assert await intake.apply(facts) == {facts[0]}
    assert (await story(bench, shipment))[0] == "out_for_delivery"
    assert await states(bench, facts) == ["waiting", "applied", "task", "applied"]

    assert await intake.apply(facts[:1], give_up=facts[:1]) == set()
    assert await states(bench, facts[:1]) == ["task"]
    [task] = await bench.shop.rows("SELECT kind FROM tasks WHERE document_id = :id", id=facts[0])
    assert task["kind"] == "unknown_document"


async def states(bench: Bench, facts: Sequence[UUID]) -> list[str]:
    return [
        await bench.shop.one("SELECT state FROM inbound_facts WHERE id = :id", id=fact_id)
        for fact_id in facts
    ]
