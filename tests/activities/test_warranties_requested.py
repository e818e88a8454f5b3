"""Customers ask for a warranty on what they bought elsewhere; support has to see the proof."""

from typing import Any
from uuid import UUID, uuid4

from tests.activities.bench import Bench
from tests.activities.promised import calling, sell_with, sent, term
from tests.api.callers import Callers


def proven(bench: Bench, item: object, **more: object) -> dict[str, Any]:
    return {
        "item_id": str(item),
        "customer_id": str(bench.shop.customer_id),
        "proof_of_purchase": "https://shop.example/receipts/1187",
        "starts_on": "2031-01-31",
        **more,
    }


async def asks(callers: Callers, bench: Bench, body: dict[str, Any], status: int = 202) -> Any:
    """Ask as the customer."""
    who = {"role": "customer", "customer_id": bench.shop.customer_id}
    answer = await callers.post("/warranties/requests", body, **who)
    assert answer.status_code == status, answer.text
    return answer.json()


async def asked_about(callers: Callers, warranty: str) -> list[dict[str, Any]]:
    found = await callers.get(f"/tasks?document_id={warranty}&status=open", role="support")
    return list(found.json()["items"])


async def decide(callers: Callers, task: dict[str, Any], choice: str) -> Any:
    body = {"choice": choice, "note": "the receipt is ours"}
    return await callers.post(f"/tasks/{task['id']}/decide", body, role="support")


async def mugs(bench: Bench) -> object:
    item = await bench.shop.item()
    await sell_with(bench, item, await term(bench, 12))
    return item


async def test_what_a_customer_proves_is_under_warranty_once_support_has_seen_it(
    bench: Bench,
) -> None:
    """Warranties R2: and not before."""
    body = proven(bench, await mugs(bench), quantity=2)
    async with calling(bench) as callers:
        waits = await asks(callers, bench, body)
        assert (await callers.get(f"/warranties/{waits['id']}")).status_code == 404
        again = await asks(callers, bench, body)
        [task] = await asked_about(callers, waits["id"])
        assert (
            (again["id"], again["task_id"])
            == (waits["id"], task["id"])
            == (
                waits["id"],
                waits["task_id"],
            )
        )
        assert (task["kind"], task["role"]) == ("warranty_registration", "support")
        assert task["choices"] == ["register", "refuse"]
        assert task["facts"]["proof_of_purchase"] == body["proof_of_purchase"]
        assert (await decide(callers, task, "register")).status_code == 200
        made = (await callers.get(f"/warranties/{waits['id']}")).json()
        assert (made["quantity"], made["starts_on"], made["ends_on"]) == (
            2,
            "2031-01-31",
            "2032-01-31",
        )
        assert (made["customer_id"], made["source"]) == (body["customer_id"], "manual")
        assert (await decide(callers, task, "register")).status_code == 200
        known = await asks(callers, bench, body, 409)
        assert (known["code"], known["id"]) == ("already_exists", waits["id"])
    assert await bench.broken() == []


async def test_what_support_refuses_is_not_registered_and_may_be_asked_again(
    bench: Bench,
) -> None:
    body = proven(bench, await mugs(bench))
    async with calling(bench) as callers:
        waits = await asks(callers, bench, body)
        [task] = await asked_about(callers, waits["id"])
        assert (await decide(callers, task, "refuse")).status_code == 200
        assert (await callers.get(f"/warranties/{waits['id']}")).status_code == 404
        assert await asked_about(callers, waits["id"]) == []
        again = await asks(callers, bench, body)
        assert again["id"] == waits["id"]
        assert again["task_id"] != waits["task_id"]


async def test_a_unit_that_another_customer_has_is_support_s_question(bench: Bench) -> None:
    """Who has it is not told to who asks; what speaks against it support reads."""
    _, item, [serial] = await sent(bench, await term(bench, 3), 1)
    async with calling(bench) as callers:
        grace = UUID((await callers.post("/customers", {"name": "Grace Hopper"})).json()["id"])
        who = {"role": "customer", "customer_id": grace}
        for named, why in ((serial, "another customer has"), (f"S-{uuid4()}", "there is no unit")):
            body = proven(bench, item, serial=named, customer_id=str(grace))
            answer = await callers.post("/warranties/requests", body, **who)
            assert answer.status_code == 202, answer.text
            assert "another" not in answer.text
            [task] = await asked_about(callers, answer.json()["id"])
            assert task["question"].startswith(why.capitalize())
            assert task["choices"] == ["refuse"]
            assert (await decide(callers, task, "refuse")).status_code == 200
        theirs = proven(bench, item, serial=serial)
        assert (await callers.post("/warranties/requests", theirs, **who)).status_code == 404


async def test_a_unit_that_went_elsewhere_meanwhile_is_not_registered(bench: Bench) -> None:
    """What was right when it was asked is looked at once more when support answers."""
    _, item, [serial] = await sent(bench, other := await term(bench, 3), 1)
    await sell_with(bench, item, await term(bench, 12))
    async with calling(bench) as callers:
        waits = await asks(callers, bench, proven(bench, item, serial=serial))
        [task] = await asked_about(callers, waits["id"])
        assert task["choices"] == ["register", "refuse"]
        meanwhile = proven(bench, item, serial=serial)
        made = await callers.post("/warranties", meanwhile, role="support")
        assert made.status_code == 201, made.text
        late = await decide(callers, task, "register")
        assert (late.status_code, late.json()["id"]) == (409, made.json()["id"])
        assert (await decide(callers, task, "refuse")).status_code == 200
    assert other
    assert await bench.broken() == []


async def test_what_cannot_be_promised_is_refused_at_once(bench: Bench) -> None:
    """Nobody is asked about goods without a term, or about a serial of goods without any."""
    plain = await bench.shop.item()
    async with calling(bench) as callers:
        refused = await asks(callers, bench, proven(bench, plain), 409)
        assert refused["code"] == "illegal_move"
        for wrong in ({"serial": "S-1"}, {"serial": "S-1", "quantity": 2}, {"starts_on": None}):
            body = proven(bench, await mugs(bench), **wrong)
            assert (await asks(callers, bench, body, 422))["code"] == "malformed"
