"""One warranty over HTTP, with its claims and what came before and after it; claims are found."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import text

from tests.activities.bench import Bench
from tests.activities.claimed import REPLACES, file, replaced, under_warranty, unit_sold
from tests.activities.promised import calling, sold_by
from tests.api.callers import Callers, new_key

TODAY = str(datetime.now(UTC).date())


async def shown(callers: Callers, warranty: Any, **who: Any) -> Any:
    answer = await callers.get(f"/warranties/{warranty['id']}", **who)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def found(callers: Callers, query: str, **who: Any) -> list[str]:
    answer = await callers.get(f"/warranties/claims?{query}", **who)
    assert answer.status_code == 200, answer.text
    return [each["id"] for each in answer.json()["items"]]


def linked(rows: Any) -> list[tuple[str, str, str]]:
    return [(each["id"], each["serial"], each["status"]) for each in rows]


async def test_a_warranty_tells_its_claims_newest_first_and_twenty_at_most(bench: Bench) -> None:
    warranty = await under_warranty(bench, excluded_symptoms=("motor",))
    async with calling(bench) as callers:
        first = await callers.get(f"/warranties/{warranty['id']}")
        assert first.json()["claims"] == []
        filed = [str(await file(bench, warranty)) for _ in range(21)]
        told = (await shown(callers, warranty))["claims"]
        assert [each["id"] for each in told] == filed[:0:-1]
        one = (await callers.get(f"/warranties/claims/{filed[-1]}")).json()
        assert told[0] == {name: one[name] for name in told[0]}
        assert (told[0]["status"], told[0]["rule"]) == ("denied", "excluded")
        known = {"If-None-Match": first.headers["etag"]}
        again = await callers.get(f"/warranties/{warranty['id']}", headers=known)
        assert again.status_code == 200


async def test_a_warranty_tells_what_it_replaces_and_what_replaces_it(bench: Bench) -> None:
    """However often the goods were replaced, from any of them; to those who may see them."""
    _, first, named = await unit_sold(bench, spare=2, **REPLACES)
    _, second = await replaced(bench, first, named[0], named[1])
    _, third = await replaced(bench, second, named[1], named[2])
    chain = [
        (str(row["id"]), serial, status)
        for row, serial, status in zip(
            (first, second, third), named, ("replaced", "replaced", "active"), strict=True
        )
    ]
    owner = {"role": "customer", "customer_id": bench.shop.customer_id}
    async with calling(bench) as callers:
        for nth, row in enumerate((first, second, third)):
            for who in ({}, owner):
                told = await shown(callers, row, **who)
                assert linked(told["replaces"]) == chain[:nth][::-1]
                assert linked(told["replaced_by"]) == chain[nth + 1 :]
        shop = f"shop-{uuid4().hex[:8]}"
        await sold_by(bench, second["order_id"], shop)
        key = await new_key(bench.shop.books, "integration", name=shop)
        only = await shown(callers, second, headers={"Authorization": f"Bearer {key}"})
        assert (only["replaces"], only["replaced_by"]) == ([], [])


async def test_a_claim_is_found_by_the_serial_of_what_replaces_its_unit(bench: Bench) -> None:
    _, first, named = await unit_sold(bench, **REPLACES)
    claim, second = await replaced(bench, first, *named)
    on_second = await file(bench, second)
    async with calling(bench) as callers:
        assert await found(callers, f"serial={named[0]}") == [str(claim)]
        assert await found(callers, f"serial={named[1].lower()}") == [str(on_second), str(claim)]
        stranger = (await callers.post("/customers", {"name": "Grace Hopper"})).json()["id"]
        who = {"role": "customer", "customer_id": stranger}
        assert await found(callers, f"serial={named[1]}", **who) == []


async def test_claims_whose_evidence_or_answer_is_due_are_found(bench: Bench) -> None:
    """Evidence that did not come in time, and a question to support that was not answered."""
    by = f"customer_id={bench.shop.customer_id}&limit=100"
    bare = await file(bench, await under_warranty(bench, evidence_for=("motor",)))
    asked = await file(bench, await under_warranty(bench))
    waiting = await file(bench, await under_warranty(bench))
    async with calling(bench) as callers:
        late = await found(callers, f"{by}&overdue=true")
        assert not {str(bare), str(asked), str(waiting)}.intersection(late)
        async with bench.shop.books.begin() as db:
            for table, column in (("claims", "evidence_due_at"), ("tasks", "due_at")):
                key = "id" if table == "claims" else "document_id"
                past = f"UPDATE {table} SET {column} = now() - interval '1 hour' WHERE {key} = :id"
                await db.execute(text(past), {"id": bare if table == "claims" else asked})
        late = await found(callers, f"{by}&overdue=true")
        assert {str(bare), str(asked)} <= set(late)
        assert str(waiting) in await found(callers, f"{by}&overdue=false")
        assert not set(late).intersection(await found(callers, f"{by}&overdue=false"))
        await callers.post(f"/warranties/claims/{asked}/deny", {"reason": "cut"}, role="support")
        assert str(asked) not in await found(callers, f"{by}&overdue=true")
