"""Warranties over HTTP: shown, checked, registered by hand, taken back and extended."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import text

from domain.warranties.terms import WarrantyStart
from tests.activities.bench import Bench
from tests.activities.promised import (
    arrive,
    calling,
    delivered,
    line_of,
    placed,
    sell_with,
    term,
    told,
    warranties,
)
from tests.api.callers import Callers

TODAY = datetime.now(UTC).date()


async def promised(bench: Bench, months: int | None = 1, on: str = "2031-01-31") -> UUID:
    """Return the warranty on an order's line that was delivered on a day."""
    order, _ = await delivered(bench, await term(bench, months), on)
    [found] = await warranties(bench, order)
    return UUID(str(found["id"]))


async def shown(callers: Callers, warranty: object, **who: Any) -> Any:
    answer = await callers.get(f"/warranties/{warranty}", **who)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def listed(callers: Callers, query: str, **who: Any) -> list[str]:
    answer = await callers.get(f"/warranties?{query}", **who)
    assert answer.status_code == 200, answer.text
    return [each["id"] for each in answer.json()["items"]]


async def verdict(callers: Callers, query: str, on: str) -> tuple[bool, str, str | None]:
    answer = await callers.get(f"/warranties/check?{query}&on={on}")
    assert answer.status_code == 200, answer.text
    said = answer.json()
    return said["covered"], said["rule"], said["last_day"]


async def test_the_last_day_is_covered_and_the_one_after_is_not(bench: Bench) -> None:
    """WAR-01."""
    warranty = await promised(bench)
    async with calling(bench) as callers:
        found = await shown(callers, warranty)
        assert (found["status"], found["verdict"]["rule"]) == ("pending", "not_started")
        assert (found["starts_on"], found["ends_on"]) == ("2031-01-31", "2031-02-28")
        by = f"number={found['number']}"
        assert await verdict(callers, by, "2031-01-30") == (False, "not_started", "2031-02-28")
        assert await verdict(callers, by, "2031-01-31") == (True, "covered", "2031-02-28")
        assert await verdict(callers, by, "2031-02-28") == (True, "covered", "2031-02-28")
        assert await verdict(callers, by, "2031-03-01") == (False, "expired", "2031-02-28")


async def test_an_extension_counts_all_months_from_the_first_day(bench: Bench) -> None:
    """WAR-01: to 2031-03-31, and the event keeps the old end; once per key, for one version."""
    warranty = await promised(bench)
    body = {"months": 1, "reason": "It waited for a spare part."}
    path = f"/warranties/{warranty}/extend"
    async with calling(bench) as callers:
        read = await callers.get(f"/warranties/{warranty}")
        meant, key = {"If-Match": read.headers["etag"]}, uuid4().hex
        for _ in range(2):
            done = await callers.post(path, body, role="support", headers=meant, key=key)
            assert (done.status_code, done.json()["ends_on"]) == (200, "2031-03-31")
        stale = await callers.post(path, body, role="support", headers=meant)
        assert (stale.status_code, stale.json()["code"]) == (412, "stale")
        [_, (what, data, actor)] = await told(bench, warranty)
        assert (what, actor) == ("extended", "key:support")
        assert (data["ends_on_before"], data["ends_on"]) == ("2031-02-28", "2031-03-31")
        lifetime = await promised(bench, None)
        refused = await callers.post(f"/warranties/{lifetime}/extend", body)
        assert (refused.status_code, refused.json()["code"]) == (409, "illegal_move")


async def test_a_void_warranty_is_there_with_its_reason_and_covers_nothing(bench: Bench) -> None:
    """Warranties R11."""
    warranty = await promised(bench)
    path, body = f"/warranties/{warranty}/void", {"reason": "The seal is broken."}
    async with calling(bench) as callers:
        done = (await callers.post(path, body, role="support")).json()
        assert (done["status"], done["void_reason"]) == ("void", body["reason"])
        by = f"number={done['number']}"
        assert await verdict(callers, by, "2031-02-01") == (False, "void", "2031-02-28")
        for again in (path, f"/warranties/{warranty}/extend"):
            refused = await callers.post(again, {"months": 1, **body} if again != path else body)
            assert (refused.status_code, refused.json()["current_status"]) == (409, "void")
        [_, (what, data, _)] = await told(bench, warranty)
        assert (what, data["reason"]) == ("voided", body["reason"])


async def test_the_best_of_several_promises_counts_and_is_named(bench: Bench) -> None:
    """Two parcels of a line, and what support has promised besides."""
    order, _ = await placed(bench, await term(bench, 3), AUS=1, RNO=1)
    for nth, shipment in enumerate(await bench.shipments(order)):
        await arrive(bench, shipment, f"2031-03-1{nth}")
    first, second = await warranties(bench, order)
    by = f"order_line_id={await line_of(bench, order)}"
    async with calling(bench) as callers:
        said = (await callers.get(f"/warranties/check?{by}&on=2031-06-11")).json()
        assert (said["covered"], said["by"]["id"]) == (True, str(second["id"]))
        assert [each["id"] for each in said["others"]] == [str(first["id"])]
        await callers.post(f"/warranties/{second['id']}/void", {"reason": "a mistake"})
        assert await verdict(callers, by, "2031-06-10") == (True, "covered", "2031-06-10")
        assert await verdict(callers, by, "2031-06-11") == (False, "expired", "2031-06-10")
        assert (await callers.get("/warranties/check?number=WTY-0")).status_code == 404
        both = f"/warranties/check?{by}&number={first['number']}"
        assert (await callers.get(both)).status_code == 422


async def test_customers_see_their_own_and_nothing_else(bench: Bench) -> None:
    warranty = await promised(bench)
    async with calling(bench) as callers:
        other = (await callers.post("/customers", {"name": "Grace Hopper"})).json()["id"]
        mine = {"role": "customer", "customer_id": bench.shop.customer_id}
        theirs = {"role": "customer", "customer_id": other}
        found = await shown(callers, warranty, **mine)
        assert str(warranty) in await listed(callers, "limit=100", **mine)
        assert await listed(callers, "limit=100", **theirs) == []
        for path in (
            f"/warranties/{warranty}",
            f"/warranties/check?number={found['number']}",
            f"/warranties/check?order_line_id={found['order_line_id']}",
        ):
            assert (await callers.get(path, **mine)).status_code == 200, path
            assert (await callers.get(path, **theirs)).status_code == 404, path
        assert (await callers.get(f"/warranties/{warranty}", role="integration")).status_code == 404
        for verb in ("void", "extend"):
            asked = await callers.post(f"/warranties/{warranty}/{verb}", {}, **mine)
            assert asked.status_code == 403


async def test_a_list_is_narrowed_and_says_the_same_words_as_the_views(bench: Bench) -> None:
    order, [_] = await delivered(bench, await term(bench, 1))
    [active] = await warranties(bench, order)
    pending = str(await promised(bench))
    async with calling(bench) as callers:
        await callers.post(f"/warranties/{await promised(bench)}/void", {"reason": "a mistake"})
        expired = str(await promised(bench))
        async with bench.shop.books.begin() as db:
            past = "UPDATE warranties SET starts_on = '2020-01-31', ends_on = '2020-02-29'"
            await db.execute(text(f"{past} WHERE id = :id"), {"id": UUID(expired)})
        everything = (await callers.get("/warranties?limit=100")).json()["items"]
        words = {each["id"]: each["status"] for each in everything}
        for word in ("pending", "active", "expired", "void", "cancelled"):
            found = await listed(callers, f"limit=100&status={word}")
            assert set(found) == {each for each, status in words.items() if status == word}
        assert (words[pending], words[expired], words[str(active["id"])]) == (
            "pending",
            "expired",
            "active",
        )
        assert expired in await listed(callers, "limit=100&ending_before=2020-03-01")
        assert expired not in await listed(callers, "limit=100&ending_before=2020-02-29")
        assert await listed(callers, f"order_id={order}") == [str(active["id"])]
        assert await listed(callers, f"item_id={active['item_id']}") == [str(active["id"])]
        assert await listed(callers, f"number={active['number']}") == [str(active["id"])]
        assert await listed(callers, f"customer_id={uuid4()}") == []


async def test_a_customer_registers_what_begins_with_that(bench: Bench) -> None:
    """Once per key, its own, and no more units than its order brought."""
    code = await term(bench, 12, starts=WarrantyStart.REGISTRATION)
    order, _ = await delivered(bench, code, "2031-01-31", AUS=2)
    body = {"order_line_id": str(await line_of(bench, order)), "quantity": 2}
    async with calling(bench) as callers:
        mine = {"role": "customer", "customer_id": bench.shop.customer_id}
        other = (await callers.post("/customers", {"name": "Grace Hopper"})).json()["id"]
        refused = await callers.post("/warranties", body, role="customer", customer_id=other)
        assert refused.status_code == 404
        for field, value in (("starts_on", "2031-01-31"), ("term", code)):
            refused = await callers.post("/warranties", {**body, field: value}, **mine)
            assert (refused.status_code, refused.json()["field"]) == (403, field)
        key = uuid4().hex
        made = [await callers.post("/warranties", body, key=key, **mine) for _ in range(2)]
        assert [each.status_code for each in made] == [201, 201]
        assert (
            made[0].json() == made[1].json() == await shown(callers, made[0].json()["id"], **mine)
        )
        assert made[0].headers["location"] == f"/warranties/{made[0].json()['id']}"
        assert (made[0].json()["starts_on"], made[0].json()["source"]) == (str(TODAY), "manual")
        more = await callers.post("/warranties", body | {"quantity": 1}, **mine)
        assert (more.json()["code"], more.json()["remaining_units"]) == ("quantity_exceeded", 0)


async def test_what_was_sold_without_a_term_is_registered_by_staff_that_names_one(
    bench: Bench,
) -> None:
    order, _ = await delivered(bench, None, "2031-01-31")
    line = str(await line_of(bench, order))
    async with calling(bench) as callers:
        mine = {"role": "customer", "customer_id": bench.shop.customer_id}
        refused = await callers.post("/warranties", {"order_line_id": line}, **mine)
        assert (refused.status_code, refused.json()["code"]) == (409, "illegal_move")
        named = {"order_line_id": line, "term": "NO-SUCH"}
        assert (await callers.post("/warranties", named, role="support")).status_code == 404
        named["term"] = await term(bench, 1)
        made = (await callers.post("/warranties", named, role="support")).json()
        assert (made["starts_on"], made["ends_on"]) == ("2031-01-31", "2031-02-28")


async def test_goods_from_elsewhere_are_registered_with_a_proof(bench: Bench) -> None:
    """Warranties R2: by staff, who has seen it; nothing is made up that is not said."""
    item = await bench.shop.item()
    await sell_with(bench, item, await term(bench, 12))
    body = {
        "item_id": str(item),
        "customer_id": str(bench.shop.customer_id),
        "proof_of_purchase": "receipt 1187",
        "starts_on": "2031-01-31",
    }
    async with calling(bench) as callers:
        for missing in body:
            partial = {name: value for name, value in body.items() if name != missing}
            answer = await callers.post("/warranties", partial, role="support")
            assert answer.status_code == 422, missing
        answer = await callers.post("/warranties", body | {"item_id": str(uuid4())})
        assert answer.status_code == 404
        mine = {"role": "customer", "customer_id": bench.shop.customer_id}
        assert (await callers.post("/warranties", body, **mine)).status_code == 403
        made = (await callers.post("/warranties", body, role="support")).json()
        assert (made["order_id"], made["ends_on"]) == (None, "2032-01-31")
        assert made["proof_of_purchase"] == "receipt 1187"
        assert (await shown(callers, made["id"], **mine))["proof_of_purchase"] is None
