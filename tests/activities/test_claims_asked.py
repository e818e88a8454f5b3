"""Claims over HTTP: who may file, see and decide them, and what is said of a bad one."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from tests.activities.bench import Bench
from tests.activities.claimed import LIMIT, under_warranty
from tests.activities.promised import calling, sent, sold_by, term, warranties
from tests.api.callers import Callers, new_key

PATH = "/warranties/claims"
TODAY = datetime.now(UTC).date()
PHOTO = "https://photos.example.com/crack.jpg"


def body(warranty: Mapping[str, Any], **rest: Any) -> dict[str, Any]:
    return {"warranty_id": str(warranty["id"]), "failed_on": str(TODAY), "symptom": "motor", **rest}


def owner(warranty: Mapping[str, Any]) -> dict[str, Any]:
    return {"role": "customer", "customer_id": warranty["customer_id"]}


async def filed(callers: Callers, warranty: Mapping[str, Any], **who: Any) -> Any:
    answer = await callers.post(PATH, body(warranty), **who)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_a_customer_claims_what_it_owns_and_nothing_of_others(bench: Bench) -> None:
    """R3: another customer's warranty, and a claim on it, are as if they were not there."""
    warranty = await under_warranty(bench)
    async with calling(bench) as callers:
        other = (await callers.post("/customers", {"name": "Grace"})).json()
        mine, theirs = owner(warranty), {"role": "customer", "customer_id": other["id"]}
        refused = await callers.post(PATH, body(warranty), **theirs)
        assert (refused.status_code, refused.json()["code"]) == (404, "not_found")
        made = await filed(callers, warranty, **mine)
        one = f"{PATH}/{made['id']}"
        for path in (one, f"{one}/timeline"):
            assert (await callers.get(path, **mine)).status_code == 200, path
        for path in (one, f"{one}/timeline", f"{one}/process"):
            assert (await callers.get(path, **theirs)).status_code == 404, path
        for who, listed in ((mine, [made["id"]]), (theirs, [])):
            found = await callers.get(f"{PATH}?warranty_id={warranty['id']}", **who)
            assert [each["id"] for each in found.json()["items"]] == listed
        for verb, asked in (
            ("evidence", {"evidence": [PHOTO]}),
            ("appeal", {"reason": "look again"}),
            ("withdraw", {}),
        ):
            assert (await callers.post(f"{one}/{verb}", asked, **theirs)).status_code == 404, verb
        withdrawn = await callers.post(f"{one}/withdraw", {}, **mine)
        assert (withdrawn.status_code, withdrawn.json()["status"]) == (200, "withdrawn")


async def test_an_integration_claims_for_orders_of_its_own_source(bench: Bench) -> None:
    warranty = await under_warranty(bench)
    shop, rival = (f"shop-{uuid4().hex[:8]}" for _ in range(2))
    await sold_by(bench, warranty["order_id"], shop)
    async with calling(bench) as callers:
        keys = [await new_key(bench.shop.books, "integration", name=one) for one in (rival, shop)]
        stranger, seller = ({"headers": {"Authorization": f"Bearer {key}"}} for key in keys)
        assert (await callers.post(PATH, body(warranty), **stranger)).status_code == 404
        made = await filed(callers, warranty, **seller)
        one = f"{PATH}/{made['id']}"
        assert (await callers.get(one, **stranger)).status_code == 404
        assert (await callers.get(one, **seller)).json()["order_id"] == str(warranty["order_id"])
        for who, verbs in ((stranger, []), (seller, ["claim.filed.v1", "claim.under_review.v1"])):
            said = await callers.get(f"/events?subject_id={made['id']}", **who)
            assert [event["type"] for event in said.json()["items"]] == verbs
        assert (await callers.post(f"{one}/withdraw", {}, **stranger)).status_code == 404
        assert (await callers.post(f"{one}/withdraw", {}, **seller)).status_code == 200


@pytest.mark.parametrize(
    ("verb", "asked"), [("approve", {"resolution": "refund"}), ("deny", {"reason": "it was cut"})]
)
async def test_only_support_and_admins_decide(bench: Bench, verb: str, asked: Any) -> None:
    warranty = await under_warranty(bench)
    async with calling(bench) as callers:
        made = await filed(callers, warranty, role="support")
        path = f"{PATH}/{made['id']}/{verb}"
        for role in ("integration", "warehouse", "inspector", "finance", "planner"):
            assert (await callers.post(path, asked, role=role)).status_code == 403, role
        assert (await callers.post(path, asked, **owner(warranty))).status_code == 403
        for role in ("warehouse", "inspector", "finance", "planner"):
            refused = await callers.post(PATH, body(warranty), role=role)
            assert refused.status_code == 403, role
        for role in ("support", "admin"):
            # The first decision counts, and the second one sees it.
            decided = await callers.post(path, asked, role=role)
            assert decided.status_code == 200, decided.text
            assert decided.json()["status"] == {"approve": "approved", "deny": "denied"}[verb]
            assert decided.json()["decided_by"] == "key:support"


async def test_a_customer_is_not_shown_how_its_claim_was_judged(bench: Bench) -> None:
    """The checks tell limits and flags; the note is support's own."""
    warranty = await under_warranty(bench, auto_limit={"amount": 1, "currency": "USD"})
    async with calling(bench) as callers:
        made = await filed(callers, warranty, **owner(warranty))
        assert (made["checks"], made["note"]) == (None, None)
        assert (made["status"], made["rule"]) == ("under_review", "value_above_limit")
        one = f"{PATH}/{made['id']}"
        asked = {"resolution": "refund", "note": "a customer for ten years"}
        decided = (await callers.post(f"{one}/approve", asked, role="support")).json()
        assert decided["note"] == asked["note"]
        checks = [(each["check"], each["passed"]) for each in decided["checks"]]
        assert checks[-1] == ("value_above_limit", False)
        assert decided["checks"][-1]["inputs"]["limit"] == {"amount": 1, "currency": "USD"}
        told = (await callers.get(one, **owner(warranty))).json()
        assert (told["checks"], told["note"], told["decided_by"]) == (None, None, "company")
        listed = (await callers.get(PATH, **owner(warranty))).json()["items"]
        assert {(each["checks"], each["note"]) for each in listed} == {(None, None)}


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"failed_on": str(TODAY + timedelta(days=1))}, "/failed_on"),
        ({"failed_on": "2031-02-30"}, "/failed_on"),
        ({"symptom": " "}, "/symptom"),
        ({"quantity": 0}, "/quantity"),
        ({"quantity": "1"}, "/quantity"),
        ({"evidence": ["javascript:alert(1)"]}, "/evidence/0"),
        ({"evidence": [PHOTO] * 11}, "/evidence"),
        ({"resolution_wanted": "voucher"}, "/resolution_wanted"),
        ({"warranty_id": "WTY-1001"}, "/warranty_id"),
        ({"serial": "SN-1"}, ""),
        ({"warranty_id": None}, ""),
        ({"item_id": str(uuid4())}, ""),
        ({"note": "for staff"}, "/note"),
    ],
)
async def test_a_bad_claim_is_refused_where_it_is_wrong(
    bench: Bench, wrong: dict[str, Any], pointer: str
) -> None:
    async with calling(bench) as callers:
        asked = body({"id": uuid4()}) | wrong
        refused = await callers.post(PATH, asked, role="support")
        assert (refused.status_code, refused.json()["code"]) == (422, "malformed"), refused.text
        assert [each["pointer"] for each in refused.json()["errors"]] == [pointer]


@pytest.mark.parametrize(
    ("verb", "asked", "pointer"),
    [
        ("approve", {"resolution": "praise"}, "/resolution"),
        ("approve", {"resolution": "refund", "replacement_timing": "in_advance"}, ""),
        ("deny", {"reason": ""}, "/reason"),
        ("evidence", {"evidence": []}, "/evidence"),
        ("appeal", {}, "/reason"),
        ("withdraw", {"reason": 7}, "/reason"),
    ],
)
async def test_a_bad_decision_is_refused_where_it_is_wrong(
    bench: Bench, verb: str, asked: Any, pointer: str
) -> None:
    async with calling(bench) as callers:
        refused = await callers.post(f"{PATH}/{uuid4()}/{verb}", asked, role="support")
        assert (refused.status_code, refused.json()["code"]) == (422, "malformed"), refused.text
        assert [each["pointer"] for each in refused.json()["errors"]] == [pointer]


async def test_filing_again_under_its_key_is_the_same_claim(bench: Bench) -> None:
    warranty = await under_warranty(bench, settle_by=("refund",), auto_limit=LIMIT)
    key = uuid4().hex
    async with calling(bench) as callers:
        first = await callers.post(PATH, body(warranty), key=key, **owner(warranty))
        again = await callers.post(PATH, body(warranty), key=key, **owner(warranty))
        assert (first.status_code, again.status_code) == (201, 201)
        assert again.json() == first.json()
        assert first.headers["Location"] == f"{PATH}/{first.json()['id']}"
        other = await callers.post(PATH, body(warranty, symptom="cord"), key=key, **owner(warranty))
        assert (other.status_code, other.json()["code"]) == (422, "key_reused")
    for table in ("claims", "returns"):
        query = f"SELECT count(*) FROM {table} WHERE order_id = :id"
        assert await bench.shop.one(query, id=warranty["order_id"]) == 1


async def test_more_units_than_are_unclaimed_are_refused(bench: Bench) -> None:
    warranty = await under_warranty(bench)
    async with calling(bench) as callers:
        for asked, left in ((body(warranty, quantity=2), 1), (body(warranty), 0)):
            refused = await callers.post(PATH, asked, role="support")
            if left:
                await filed(callers, warranty, role="support")
                assert refused.json()["errors"][0]["pointer"] == "/quantity"
                assert refused.json()["remaining_units"] == left
        assert (refused.status_code, refused.json()["code"]) == (409, "quantity_exceeded")


async def test_a_unit_is_on_one_claim_at_a_time(bench: Bench) -> None:
    """R3: who claims it again is told the claim that it is on."""
    order, _, [serial] = await sent(bench, await term(bench), 1)
    [warranty] = await warranties(bench, order)
    asked = {"serial": serial.lower(), "failed_on": str(TODAY), "symptom": "motor"}
    async with calling(bench) as callers:
        # Its delivery lies ahead: the claim is denied, recorded, and another one may be filed.
        denied = await callers.post(PATH, asked, **owner(warranty))
        assert (denied.status_code, denied.json()["rule"]) == (201, "not_started")
        assert denied.json()["serial"] == serial
        appealed = await callers.post(
            f"{PATH}/{denied.json()['id']}/appeal", {"reason": "it came early"}, **owner(warranty)
        )
        assert appealed.json()["status"] == "under_review"
        for who in (owner(warranty), {"role": "support"}):
            refused = await callers.post(PATH, asked, **who)
            assert (refused.status_code, refused.json()["code"]) == (409, "already_exists")
            assert refused.json()["id"] == denied.json()["id"]
        unknown = await callers.post(PATH, {**asked, "serial": "SN-NOWHERE"}, role="support")
        assert unknown.status_code == 404
