"""What repairs and replacements cost: parts, time, labels and goods at the value they had then."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from tests.patience import eventually
from tests.workflows.asking import calling
from tests.workflows.claim_stories import claim, claim_is, comes_in, replaced, returned, sold
from tests.workflows.label_stories import leaves
from tests.workflows.stage import Stage
from tests.workflows.work_stories import ask, begun, do, finish, repairing, see, staff, technician

REPAIRED = {"settle_by": ["repair", "replacement", "refund"]}


async def test_what_a_repair_cost_stands_on_its_claim_as_it_was_when_it_arose(
    stage: Stage,
) -> None:
    """Neither a new value of the part nor a new rate of the technician rewrites what was."""
    screws = await stage.shop.item(AUS=10)
    await worth(stage, screws, 333)
    _, [warranty] = await sold(stage, **REPAIRED)
    made = await claim(stage, warranty)
    back = await comes_in(stage, made, "repair", accepted=False)
    work = await repairing(stage, made)
    work = await do(stage, work, "parts", {"item_id": str(screws), "quantity": 3}, "planner")
    code = await technician(stage, hourly_rate=usd(5000))
    await staff(stage, work, code)
    await do(stage, work, "release", role="planner")
    await do(stage, work, "start")
    part = work["parts"][0]["id"]
    await do(stage, work, "parts/issue", {"parts": [{"part_id": part, "quantity": 3}]})
    await do(stage, work, "parts/return", {"parts": [{"part_id": part, "quantity": 1}]})
    await worked(stage, work, code, minutes=10)
    await worth(stage, screws, 999)
    await rated(stage, code, usd(90000))
    # 2 x 3.33, and 10 minutes at 50.00 an hour.
    spent = {"currency": "USD", "parts": 666, "labour": 833, "total": 1499}
    assert (await see(stage, work))["cost"] == {"sums": [spent], "unknown": []}
    await finish(stage, work)
    await leaves(stage, back)
    await returned(stage, back)
    settled, labels = await settled_with_labels(stage, made, back)
    assert settled["cost"] == {
        "sums": [{**spent, "labels": labels, "goods": 0, "refund": 0, "total": 1499 + labels}],
        "unknown": [],
    }
    assert labels > 0
    assert (await claim_is(stage, made, "settled", role="warehouse"))["cost"] is None


async def test_a_corrected_entry_costs_what_the_time_cost_then(stage: Stage) -> None:
    code = await technician(stage, hourly_rate=usd(6000))
    work = await begun(stage)
    wrong = await worked(stage, work, code, minutes=30)
    await rated(stage, code, usd(60000))
    await worked(stage, work, code, minutes=20, corrects_id=wrong)
    [spent] = (await see(stage, work))["cost"]["sums"]
    assert spent == {"currency": "USD", "parts": 0, "labour": 2000, "total": 2000}


async def test_each_entry_of_time_is_rounded_by_itself_and_half_up(stage: Stage) -> None:
    """Three times 45 seconds at 2.00 an hour are three times 3 cents, not 8."""
    code = await technician(stage, hourly_rate=usd(200))
    work = await begun(stage)
    for ago in (10, 20, 30):
        await worked(stage, work, code, minutes=0.75, ago=ago)
    assert (await see(stage, work))["cost"]["sums"][0]["labour"] == 9


async def test_what_has_no_value_is_named_and_not_taken_for_nothing(stage: Stage) -> None:
    """Parts whose item has no value, and time of a technician without a rate."""
    screws = await stage.shop.item(AUS=10)
    code = await technician(stage)
    work = await begun(stage, parts=[{"item_id": str(screws), "quantity": 2}])
    part = work["parts"][0]
    moved = {"parts": [{"part_id": part["id"], "quantity": 2}]}
    await do(stage, work, "parts/issue", moved)
    await worked(stage, work, code, minutes=5)
    await worth(stage, screws, 100)
    unknown = [{"kind": "labour", "name": code}, {"kind": "parts", "name": part["sku"]}]
    assert (await see(stage, work))["cost"] == {"sums": [], "unknown": unknown}
    await do(stage, work, "parts/return", moved)
    assert (await see(stage, work))["cost"]["unknown"] == unknown[:1]


async def test_goods_that_replace_others_cost_their_value_and_their_way(stage: Stage) -> None:
    order, [warranty] = await sold(stage)
    item = await stage.shop.one("SELECT item_id FROM order_lines WHERE order_id = :id", id=order)
    await worth(stage, item, 7000)
    made = await claim(stage, warranty)
    back = await comes_in(stage, made)
    await replaced(stage, made)
    await returned(stage, back)
    settled, labels = await settled_with_labels(stage, made, back)
    sent = await stage.shop.one(
        "SELECT s.label_amount FROM shipments s WHERE s.order_id = :id",
        id=UUID(settled["replaced_by"][0]["id"]),
    )
    labels += sent
    [spent] = settled["cost"]["sums"]
    assert (spent["goods"], spent["labels"], spent["total"]) == (7000, labels, 7000 + labels)
    since = datetime.now(UTC) - timedelta(hours=1)
    by_item = await summed(stage, "item", since)
    [group] = [each for each in by_item if each["item_id"] == str(item)]
    assert (group["claims"], group["sums"], group["unknown"]) == (1, [spent], 0)
    [of_term] = [
        each for each in await summed(stage, "term", since) if each["name"] == warranty["term_code"]
    ]
    assert (of_term["claims"], of_term["item_id"], of_term["sums"]) == (1, None, [spent])
    assert await summed(stage, "item", datetime.now(UTC) + timedelta(days=1)) == []


def usd(amount: int) -> dict[str, Any]:
    return {"amount": amount, "currency": "USD"}


async def worth(stage: Stage, item: UUID, amount: int) -> None:
    """Give an item this value per unit."""
    async with calling(stage) as callers:
        answer = await callers.ask(
            "PATCH", f"/items/{item}", json={"standard_cost": usd(amount)}, role="admin"
        )
    assert answer.json()["standard_cost"] == usd(amount), answer.text


async def rated(stage: Stage, code: str, rate: Any) -> None:
    """Give a technician this rate."""
    known = await stage.shop.one("SELECT id FROM technicians WHERE code = :code", code=code)
    path = f"/work_orders/technicians/{known}"
    async with calling(stage) as callers:
        answer = await callers.ask("PATCH", path, json={"hourly_rate": rate}, role="planner")
    assert answer.json()["hourly_rate"] == rate, answer.text


async def worked(
    stage: Stage, work: Any, code: str, *, minutes: float, ago: int = 0, **rest: Any
) -> str:
    """Write down time of a technician that ended so many minutes ago; returns its entry's id."""
    until = datetime.now(UTC) - timedelta(minutes=ago)
    given = {"since": str(until - timedelta(minutes=minutes)), "until": str(until), **rest}
    path = f"/{work['id']}/time"
    return str((await ask(stage, path, {"technician": code, **given}, status=201))["id"])


async def labels_of(stage: Stage, back: Any) -> int:
    """Return what the carrier takes for the labels of a return, both ways."""
    query = """SELECT coalesce(sum(label_amount), 0) FROM return_labels
        WHERE return_id = :id AND status IN ('booked', 'used')"""
    return int(await stage.shop.one(query, id=UUID(back["id"])))


async def settled_with_labels(stage: Stage, made: Any, back: Any) -> tuple[Any, int]:
    """Return a claim once it is settled, and what its labels cost then: unused ones go back."""

    async def both() -> Any:
        before = await labels_of(stage, back)
        seen = await claim_is(stage, made, "settled")
        return (seen, before) if before == await labels_of(stage, back) else None

    found: tuple[Any, int] = await eventually(both)
    return found


async def summed(stage: Stage, by: str, since: datetime) -> list[Any]:
    """Return what claims cost that were filed since then."""
    path = f"/warranties/claims/costs?by={by}&created_from={since:%Y-%m-%dT%H:%M:%SZ}"
    async with calling(stage) as callers:
        answer = await callers.get(path, role="finance")
    assert answer.status_code == 200, answer.text
    groups: list[Any] = answer.json()["groups"]
    return groups
