"""Claims on warranties: judged by rules, settled by a return of the goods, once."""

import asyncio
from datetime import timedelta
from uuid import UUID

from domain.tasks import TaskKind
from tests.workflows.asking import calling
from tests.workflows.claim_stories import (
    claim,
    claim_is,
    comes_in,
    do,
    let_pass,
    replaced,
    returned,
    returning,
    sold,
    warranties,
)
from tests.workflows.money_stories import until
from tests.workflows.stage import Stage

K = TaskKind


async def test_a_fault_is_approved_by_itself_and_replaced_with_what_is_left(stage: Stage) -> None:
    """Warranties R7, R9: both serials are on the claim; the old one is denied `replaced`."""
    order, [warranty] = await sold(stage)
    made = await claim(stage, warranty, role="customer")
    assert (made["status"], made["rule"], made["resolution"]) == (
        "approved",
        "within_limit",
        "replacement",
    )
    assert made["checks"] is None, "what is looked at is not for customers"
    back = await comes_in(stage, made)
    new, serial = await replaced(stage, made)
    settled = await claim_is(stage, made, "settled")
    assert settled["serial"] == warranty["serial"]
    assert [each["serials"] for each in settled["replaced_by"]] == [[serial]]
    await returned(stage, back)
    [old] = await warranties(stage, order)
    [fresh] = await warranties(stage, new)
    assert (old["status"], fresh["status"], fresh["source"]) == (
        "replaced",
        "active",
        "replacement",
    )
    assert (fresh["ends_on"], fresh["replaces_id"]) == (old["ends_on"], old["id"])
    again = await claim(stage, warranty)
    assert (again["status"], again["rule"]) == ("denied", "replaced")
    assert await stage.result(stage.claiming(UUID(made["id"]))) == "settled"


async def test_a_fresh_term_begins_with_what_replaces_and_a_minimum_is_kept(stage: Stage) -> None:
    """Warranties R9: `fresh` gives a full term, `remaining_or_minimum` the later end."""
    ends = {}
    for rule, minimum in (("fresh", None), ("remaining_or_minimum", 90)):
        _, [warranty] = await sold(stage, replacement_rule=rule, minimum_days=minimum)
        await let_pass(stage, warranty["id"], 720)
        made = await claim(stage, warranty)
        await comes_in(stage, made)
        new, _ = await replaced(stage, made)
        await claim_is(stage, made, "settled")
        [fresh] = await warranties(stage, new)
        ends[rule] = (fresh["ends_on"] - fresh["starts_on"]).days
    assert ends == {"fresh": ends["fresh"], "remaining_or_minimum": 90}
    assert ends["fresh"] in (730, 731)


async def test_support_gives_the_money_back_and_the_warranty_ends(stage: Stage) -> None:
    """Warranties R7: what was paid for the unit, without the postage, and nothing is kept."""
    order, [warranty] = await sold(stage, settle_by=["repair", "refund"], auto_limit=None)
    made = await claim(stage, warranty)
    assert (made["status"], made["rule"]) == ("under_review", "value_above_limit")
    [value] = [each for each in made["checks"] if each["check"] == "value_above_limit"]
    paid = value["inputs"]["paid"]["amount"]
    await stage.decide(K.CLAIM_REVIEW, UUID(made["id"]), "refund")
    approved = await claim_is(stage, made, "approved")
    await comes_in(stage, approved)
    settled = await claim_is(stage, made, "settled")
    assert (settled["resolution"], settled["goodwill"]) == ("refund", False)
    await until(stage, order, refunded=paid)
    [ended] = await warranties(stage, order)
    assert ended["status"] == "cancelled"


async def test_what_the_inspection_finds_no_fault_with_is_denied_and_goes_back(
    stage: Stage,
) -> None:
    """Warranties 2: approved, then denied; nothing is paid, and the warranty goes on."""
    order, [warranty] = await sold(stage)
    made = await claim(stage, warranty)
    back = await comes_in(stage, made, "return_to_customer")
    await stage.task(K.REJECTED_GOODS, UUID(back["id"]))
    await stage.decide(K.REJECTED_GOODS, UUID(back["id"]), "sent")
    denied = await claim_is(stage, made, "denied")
    assert denied["rule"] == "no_fault_found"
    [kept] = await warranties(stage, order)
    assert kept["status"] == "active"
    assert not await stage.shop.one("SELECT count(*) FROM refunds WHERE order_id = :id", id=order)
    appealed = await do(stage, denied, "appeal", {"reason": "It stops when hot."}, "customer")
    assert appealed["status"] == "under_review"
    await do(stage, appealed, "withdraw", {})


async def test_the_day_of_the_fault_decides_and_a_claim_may_be_filed_thirty_days_after_the_end(
    stage: Stage,
) -> None:
    """WAR-03: failed on the last day, filed 30 days later: covered; a day after that expired."""
    _, units = await sold(stage, 3, duration_months=3)
    for warranty, days in zip(units, (30, 31, 0), strict=True):
        since = (warranty["ends_on"] - warranty["starts_on"]).days + days
        await let_pass(stage, warranty["id"], since)
    rows = {row["id"]: row for row in await warranties(stage, units[0]["order_id"])}
    one, two, three = (rows[each["id"]] for each in units)
    in_time = await claim(stage, one, failed_on=str(one["ends_on"]))
    late = await claim(stage, two, failed_on=str(two["ends_on"]))
    after = three["ends_on"] + timedelta(days=1)
    assert (in_time["status"], late["status"], late["rule"]) == ("approved", "denied", "expired")
    refusal = await claim(stage, three, failed_on=str(after), status=422)
    assert refusal["errors"][0]["pointer"] == "/failed_on"
    before = await claim(stage, three, failed_on=str(three["starts_on"] - timedelta(days=1)))
    assert (before["status"], before["rule"]) == ("denied", "not_started")


async def test_two_approvals_at_once_are_one_return_and_one_replacement(stage: Stage) -> None:
    """Warranties R6, R9: the second sees the first result."""
    _, [warranty] = await sold(stage, settle_by=["repair", "replacement"], auto_limit=None, spare=2)
    made = await claim(stage, warranty)
    asked = {"resolution": "replacement"}
    both = await asyncio.gather(*(do(stage, made, "approve", asked) for _ in range(6)))
    assert {each["return_id"] for each in both} == {both[0]["return_id"]}
    await comes_in(stage, await claim_is(stage, made, "approved"))
    new, _ = await replaced(stage, made)
    await claim_is(stage, made, "settled")
    assert len(await warranties(stage, new)) == 1
    later = await do(stage, made, "approve", {"resolution": "refund"})
    assert later["resolution"] == "replacement"


async def test_a_unit_is_on_one_claim_at_a_time(stage: Stage) -> None:
    """Warranties R3: the second is told the first one's id; a withdrawn one makes room."""
    _, [warranty] = await sold(stage)
    made = await claim(stage, warranty)
    refusal = await claim(stage, warranty, status=409)
    assert (refusal["code"], refusal["id"]) == ("already_exists", made["id"])
    gone = await do(stage, made, "withdraw", {"reason": "It runs again."}, "customer")
    assert gone["status"] == "withdrawn"
    assert gone["return_status"] == "cancelled"
    other = await claim(stage, warranty)
    assert other["status"] == "approved"
    await do(stage, other, "withdraw", {})


async def test_a_fault_that_has_to_be_shown_waits_for_its_evidence_and_lapses_without(
    stage: Stage,
) -> None:
    """Warranties 4: denied after 14 days; shown in time it is judged again."""
    _, [one, two] = await sold(stage, 2, evidence_for=["Crack"])
    shown, bare = [await claim(stage, each, symptom="crack") for each in (one, two)]
    assert {(each["status"], each["rule"]) for each in (shown, bare)} == {
        ("under_review", "evidence")
    }
    after = await do(stage, shown, "evidence", {"evidence": ["https://p.example.com/1.jpg"]})
    assert (after["status"], after["evidence_due_at"]) == ("approved", None)
    await stage.pass_time(stage.claiming(UUID(bare["id"])), timedelta(days=14, hours=1))
    denied = await claim_is(stage, bare, "denied")
    assert denied["rule"] == "no_evidence"
    await do(stage, after, "withdraw", {})


async def test_a_denied_claim_is_appealed_once_and_goodwill_has_a_reason(stage: Stage) -> None:
    """Warranties R12: counted apart, with a reason; the appeal starts the run again."""
    _, [warranty] = await sold(stage, excluded_symptoms=["Wear"])
    made = await claim(stage, warranty, symptom="  WEAR ")
    assert (made["status"], made["rule"]) == ("denied", "excluded")
    appealed = await do(stage, made, "appeal", {"reason": "It is a seam."}, "customer")
    assert appealed["status"] == "under_review"
    denied = await do(stage, made, "deny", {"reason": "It is wear."})
    refusal = await do(stage, denied, "appeal", {"reason": "No!"}, "customer", status=409)
    assert refusal["code"] == "illegal_move"
    wordless = await do(stage, denied, "approve", {"resolution": "refund"}, status=422)
    assert wordless["errors"][0]["pointer"] == "/note"
    kind = await do(stage, denied, "approve", {"resolution": "refund", "note": "Ten years."})
    assert (kind["status"], kind["goodwill"]) == ("approved", True)
    await comes_in(stage, kind)
    assert (await claim_is(stage, made, "settled"))["goodwill"] is True
    async with calling(stage) as callers:
        for kept, wanted in (("true", [made["id"]]), ("false", [])):
            path = f"/warranties/claims?warranty_id={warranty['id']}&goodwill={kept}"
            found = (await callers.get(path, role="support")).json()["items"]
            assert [each["id"] for each in found] == wanted


async def test_after_as_many_claims_as_the_term_allows_there_are_no_more(stage: Stage) -> None:
    """Warranties R4: settled ones count, withdrawn and denied ones do not."""
    _, [warranty] = await sold(stage, max_claims=1, settle_by=["repair"], auto_limit=None)
    first = await claim(stage, warranty)
    await do(stage, first, "withdraw", {})
    second = await claim(stage, warranty)
    await stage.decide(K.CLAIM_REVIEW, UUID(second["id"]), "settled_otherwise")
    await claim_is(stage, second, "settled")
    third = await claim(stage, warranty)
    assert (third["status"], third["rule"]) == ("denied", "claim_limit")


async def test_a_void_warranty_is_claimed_in_vain_and_says_so(stage: Stage) -> None:
    """Warranties R11: nothing is deleted; the claim is there to be seen."""
    _, [warranty] = await sold(stage)
    async with calling(stage) as callers:
        path = f"/warranties/{warranty['id']}/void"
        voided = await callers.post(path, {"reason": "Opened."}, role="support")
    assert voided.status_code == 200, voided.text
    made = await claim(stage, warranty, serial=warranty["serial"].lower())
    assert (made["status"], made["rule"]) == ("denied", "void")
    assert made["checks"][-1]["inputs"]["status"] == "void"


async def test_goods_that_do_not_come_in_end_the_claim_without_anything(stage: Stage) -> None:
    """Warranties 4: the return expires, the claim is withdrawn, and the unit may be claimed."""
    _, [warranty] = await sold(stage)
    made = await claim(stage, warranty)
    await stage.pass_time(await returning(stage, made), timedelta(days=31))
    ended = await claim_is(stage, made, "withdrawn")
    assert ended["return_status"] == "expired"
    again = await claim(stage, warranty)
    assert again["status"] == "approved"
    await do(stage, again, "withdraw", {})
