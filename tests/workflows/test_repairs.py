"""Claims that are settled by a repair: the goods are mended by a work order, and go back."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from domain.tasks import TaskKind
from tests.patience import eventually
from tests.units import unit
from tests.workflows.claim_stories import (
    claim,
    claim_is,
    comes_in,
    let_pass,
    replaced,
    returned,
    sold,
    warranties,
)
from tests.workflows.label_stories import leaves
from tests.workflows.stage import Stage
from tests.workflows.work_stories import do, finish, repairing, staff

K = TaskKind
REPAIRED = {"settle_by": ["repair", "replacement", "refund"]}


async def test_a_fault_is_repaired_and_the_same_unit_goes_back_with_a_warranty_of_its_repair(
    stage: Stage,
) -> None:
    """Warranties R7, WAR-03: customer-owned and unvalued while it is here; 90 days from then on."""
    order, [warranty] = await sold(stage, **REPAIRED)
    await let_pass(stage, warranty["id"], 728)
    made = await claim(stage, warranty, role="customer")
    assert (made["status"], made["resolution"], made["work_orders"]) == ("approved", "repair", None)
    back = await comes_in(stage, made, "repair", accepted=False)
    work = await repairing(stage, made)
    assert (work["kind"], work["status"], work["claim_id"]) == ("repair", "planned", made["id"])
    here = await unit(stage.shop, warranty["serial"])
    assert (here["status"], here["ownership"]) == ("in_repair", "customer")
    await begin(stage, work)
    await finish(stage, work, remedy="new motor")
    await leaves(stage, back)
    await returned(stage, back)
    settled = await claim_is(stage, made, "settled")
    assert [each["remedy"] for each in settled["work_orders"]] == ["new motor"]
    mended = await unit(stage.shop, warranty["serial"])
    assert (mended["status"], mended["holder_customer_id"]) == ("sold", warranty["customer_id"])
    [longer] = await warranties(stage, order)
    assert longer["status"] == "active"
    assert longer["ends_on"] == datetime.now(UTC).date() + timedelta(days=90)
    again = await claim(stage, warranty)
    assert again["status"] == "approved", [c for c in again["checks"] if not c["passed"]]


async def test_what_cannot_be_repaired_is_replaced_as_support_answers(stage: Stage) -> None:
    """Warranties R10: the next way to settle it is support's to choose."""
    order, [warranty] = await sold(stage, **REPAIRED)
    made = await claim(stage, warranty)
    back = await comes_in(stage, made, "repair", accepted=False)
    work = await begin(stage, await repairing(stage, made))
    await finish(stage, work, outcome="unrepairable", cause="the board is burnt")
    task = await stage.task(K.REPAIR_FAILED, UUID(back["id"]))
    assert "the board is burnt" in task["question"]
    await stage.decide(K.REPAIR_FAILED, UUID(back["id"]), "replace")
    new, serial = await replaced(stage, made)
    settled = await claim_is(stage, made, "settled")
    assert (settled["resolution"], settled["replaced_by"][0]["serials"]) == (
        "replacement",
        [serial],
    )
    await returned(stage, back)
    assert (await unit(stage.shop, warranty["serial"]))["status"] == "scrapped"
    [old] = await warranties(stage, order)
    [fresh] = await warranties(stage, new)
    assert (old["status"], fresh["ends_on"]) == ("replaced", old["ends_on"])


async def test_what_cannot_be_repaired_is_refunded_or_sent_back(stage: Stage) -> None:
    """Warranties R10: each answer ends the question, and the claim."""
    ends = {"refund": ("cancelled", "scrapped"), "send_back": ("active", "sold")}
    for answer, (status, kept) in ends.items():
        order, [warranty] = await sold(stage, **REPAIRED)
        made = await claim(stage, warranty)
        back = await comes_in(stage, made, "repair", accepted=False)
        work = await repairing(stage, made)
        await do(stage, work, "cancel", {"reason": "no spare parts any more"}, "planner")
        await stage.decide(K.REPAIR_FAILED, UUID(back["id"]), answer)
        if answer == "send_back":
            await leaves(stage, back)
        await claim_is(stage, made, "settled")
        await returned(stage, back)
        [over] = await warranties(stage, order)
        assert over["status"] == status
        assert (await unit(stage.shop, warranty["serial"]))["status"] == kept


async def test_a_unit_without_a_fault_goes_back_and_its_claim_is_denied(stage: Stage) -> None:
    """Warranties 2: no fault was found at the bench."""
    order, [warranty] = await sold(stage, **REPAIRED)
    made = await claim(stage, warranty)
    back = await comes_in(stage, made, "repair", accepted=False)
    work = await begin(stage, await repairing(stage, made))
    await finish(stage, work, outcome="no_fault_found")
    await leaves(stage, back)
    denied = await claim_is(stage, made, "denied")
    assert denied["rule"] == "no_fault_found"
    await returned(stage, back)
    [kept] = await warranties(stage, order)
    assert (kept["status"], kept["ends_on"]) == ("active", warranty["ends_on"])


async def test_what_the_inspection_does_not_take_for_repair_goes_back_unrepaired(
    stage: Stage,
) -> None:
    """Warranties 2: a refused inspection sends the unit back and denies the claim."""
    _, [warranty] = await sold(stage, **REPAIRED)
    made = await claim(stage, warranty)
    back = await comes_in(stage, made, "return_to_customer", accepted=False)
    await stage.decide(K.REJECTED_GOODS, UUID(back["id"]), "sent")
    denied = await claim_is(stage, made, "denied")
    assert (denied["rule"], denied["work_orders"]) == ("no_fault_found", [])


async def test_refurbished_goods_come_back_to_stock_when_their_work_is_signed_off(
    stage: Stage,
) -> None:
    """Work orders R11: a return disposed `refurbish` opens a work order on the unit."""
    _, [warranty] = await sold(stage, settle_by=["refund"])
    made = await claim(stage, warranty)
    back = await comes_in(stage, made, "refurbish")
    await returned(stage, back)
    work = await repairing(stage, made)
    assert (work["kind"], work["customer_id"]) == ("refurbish", None)
    await begin(stage, work)
    await finish(stage, work)

    async def in_stock() -> bool:
        return bool((await unit(stage.shop, warranty["serial"]))["status"] == "in_stock")

    await eventually(in_stock)


async def begin(stage: Stage, work: Any) -> Any:
    """Staff, release and start a work order."""
    await staff(stage, work)
    await do(stage, work, "release", role="planner")
    return await do(stage, work, "start")
