"""What was counted stands, whatever is written down later of the time before it."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from db.engine import Database
from db.inventory.posting import release
from db.verify.books import CHECKS, verify
from tests.api.callers import Callers
from tests.api.ledger import a_ledger, day
from tests.shop import Shop, opened

LEDGER = [
    check for check in CHECKS if check.id in ("I1a", "I2a", "I2b", "I2d", "I2m", "I2n", "I2o")
]


@pytest.fixture(scope="module", autouse=True)
async def shop(database_url: str, books: Database) -> AsyncIterator[Shop]:
    async with opened(database_url) as shop:
        yield shop
    assert [one for one in await verify(books.engine, checks=LEDGER) if one.broken] == []


async def test_a_count_stands_when_an_issue_before_it_is_reversed(callers: Callers) -> None:
    """INV-02."""
    ledger = await a_ledger(callers)
    await ledger.move(57, on=1, reason="initial_balance")
    issue = await ledger.move(-1, on=2)
    await ledger.move(-3, on=3)
    await ledger.move(-11, on=4)
    assert await ledger.on_hand() == 42
    count = await ledger.post_count(1, on=5)
    assert [(one["expected"], one["variance"]) for one in count["lines"]] == [(42, -41)]
    assert await ledger.on_hand() == 1
    reversal = await ledger.reverse(issue, on=2)
    assert reversal.status_code == 201, reversal.text
    assert await ledger.on_hand() == 1
    assert [await ledger.as_of(n) for n in (1, 2, 3, 4, 5, 9)] == [57, 57, 54, 43, 1, 1]
    balancing = (await ledger.movements())[0]
    if balancing["id"] == reversal.json()["id"]:
        balancing = (await ledger.movements())[1]
    assert (balancing["balances_id"], balancing["kind"]) == (reversal.json()["id"], "count")
    assert (balancing["document_id"], balancing["quantity"]) == (count["id"], 1)
    assert balancing["occurred_at"] == day(5)


async def test_goods_that_left_before_a_count_may_be_written_down_after_it(
    callers: Callers,
) -> None:
    """More than is there now: the count had missed them already."""
    ledger = await a_ledger(callers)
    await ledger.move(10, on=1)
    await ledger.post_count(2, on=5)
    await ledger.move(-8, on=3)
    assert await ledger.on_hand() == 2
    assert [await ledger.as_of(n) for n in (1, 3, 5)] == [10, 2, 2]
    await ledger.move(5, on=7)
    assert await ledger.on_hand() == 7


async def test_a_count_of_before_a_later_one_leaves_that_standing(callers: Callers) -> None:
    ledger = await a_ledger(callers)
    await ledger.move(10, on=1)
    await ledger.post_count(6, on=8)
    await ledger.post_count(9, on=5)
    assert [await ledger.as_of(n) for n in (1, 5, 7, 8)] == [10, 9, 9, 6]
    await ledger.move(-2, on=3)
    assert [await ledger.as_of(n) for n in (3, 5, 8)] == [8, 9, 6]
    assert await ledger.on_hand() == 6


async def test_what_moves_after_it_was_counted_is_applied_on_top(callers: Callers) -> None:
    ledger = await a_ledger(callers)
    await ledger.move(10, on=1)
    count = await ledger.count(7, on=3)
    await ledger.move(-2, on=4)
    await ledger.move(-1, on=2)
    assert (await ledger.decide(count["id"], "accept")).status_code == 200
    assert [await ledger.as_of(n) for n in (2, 3, 4)] == [9, 7, 5]
    shown = (await callers.get(f"/inventory/counts/{count['id']}")).json()
    assert (shown["lines"][0]["expected"], shown["lines"][0]["variance"]) == (9, -2)


async def test_a_count_that_agrees_with_the_books_stands_at_once(callers: Callers) -> None:
    ledger = await a_ledger(callers)
    await ledger.move(10)
    count = await ledger.count(10)
    assert (count["status"], count["decided_by"]) == ("posted", None)
    assert (count["lines"][0]["expected"], count["lines"][0]["variance"]) == (10, 0)
    assert (await callers.get(f"/tasks?document_id={count['id']}")).json()["items"] == []
    assert len(await ledger.movements()) == 1


async def test_who_counted_neither_accepts_it_nor_is_told_what_was_expected(
    callers: Callers,
) -> None:
    ledger = await a_ledger(callers)
    await ledger.move(10)
    count = await ledger.count(8)
    assert (count["status"], count["lines"][0]["expected"]) == ("review", None)
    path = f"/inventory/counts/{count['id']}"
    assert (await callers.get(path, role="warehouse")).json()["lines"][0]["variance"] is None
    assert (await callers.get(path)).json()["lines"][0]["variance"] == -2
    refused = await ledger.decide(count["id"], "accept", role="warehouse")
    assert (refused.status_code, refused.json()["code"]) == (403, "same_person")
    assert await ledger.on_hand() == 10
    assert (await ledger.decide(count["id"], "accept")).status_code == 200
    shown = (await callers.get(path, role="warehouse")).json()
    assert (shown["status"], shown["lines"][0]["variance"]) == ("posted", -2)
    assert await ledger.on_hand() == 8


async def test_a_count_that_is_to_be_repeated_moves_nothing(callers: Callers) -> None:
    ledger = await a_ledger(callers)
    await ledger.move(10)
    count = await ledger.count(8)
    assert (await ledger.decide(count["id"], "recount", role="warehouse")).status_code == 200
    shown = (await callers.get(f"/inventory/counts/{count['id']}")).json()
    assert (shown["status"], await ledger.on_hand()) == ("discarded", 10)
    path = f"/inventory/counts/{count['id']}"
    mine = (await callers.get(path, role="warehouse")).json()["lines"][0]
    assert (mine["expected"], mine["variance"], shown["lines"][0]["expected"]) == (None, None, 10)
    again = await ledger.decide(count["id"], "accept")
    assert (again.status_code, await ledger.on_hand()) == (409, 10)
    assert (await ledger.count(10))["status"] == "posted"


async def test_of_two_acceptances_at_once_one_counts(callers: Callers) -> None:
    ledger = await a_ledger(callers)
    await ledger.move(10)
    count = await ledger.count(7)
    answers = await asyncio.gather(*(ledger.decide(count["id"], "accept") for _ in range(4)))
    assert {one.status_code for one in answers} == {200}
    moved = [one for one in await ledger.movements() if one["kind"] == "count"]
    assert [one["quantity"] for one in moved] == [3]
    assert await ledger.on_hand() == 7


async def test_a_count_below_what_is_promised_waits_until_that_is_free(
    callers: Callers, shop: Shop
) -> None:
    mug = await shop.item(AUS=5)
    order = await shop.place((mug, 4))
    line = {"item_id": str(mug), "site": "AUS", "counted": 3}
    count = (await callers.post("/inventory/counts", {"lines": [line]}, role="warehouse")).json()
    [task] = (await callers.get(f"/tasks?document_id={count['id']}")).json()["items"]
    path, accept = f"/tasks/{task['id']}/decide", {"choice": "accept"}
    refused = await callers.post(path, accept)
    assert (refused.status_code, refused.json()["code"]) == (409, "out_of_stock")
    assert refused.json()["holders"][0]["document_id"] == str(order)
    async with shop.books.begin() as db:
        await release(db, order)
    assert (await callers.post(path, accept)).status_code == 200
    assert await shop.stock(mug) == (3, 0)


async def test_each_lot_is_counted_by_itself_and_units_are_not_counted(callers: Callers) -> None:
    ledger = await a_ledger(callers, tracking="lot")
    await ledger.move(6, lot="L-1")
    await ledger.move(4, lot="L-2")
    lines = [{**ledger.place, "lot": lot, "counted": n} for lot, n in (("L-1", 6), ("l-2", 3))]
    made = await callers.post("/inventory/counts", {"lines": lines}, role="warehouse")
    assert [one["lot"] for one in made.json()["lines"]] == ["L-1", "L-2"]
    await ledger.decide(made.json()["id"], "accept")
    assert await ledger.on_hand() == 9
    for odd in ({}, {"lot": "L-9"}):
        body = {"lines": [{**ledger.place, "counted": 1, **odd}]}
        refused = await callers.post("/inventory/counts", body)
        assert refused.json()["errors"][0]["pointer"] == "/lines/0/lot"
    twice = {"lines": [lines[0], lines[0]]}
    assert (await callers.post("/inventory/counts", twice)).status_code == 422
    units = await a_ledger(callers, tracking="serial")
    refused = await callers.post("/inventory/counts", {"lines": [{**units.place, "counted": 1}]})
    assert (refused.status_code, "unit by unit" in refused.json()["detail"]) == (422, True)


async def test_a_balance_is_counted_once_at_a_moment_and_not_in_the_future(
    callers: Callers,
) -> None:
    ledger = await a_ledger(callers)
    await ledger.move(10, on=1)
    first = await ledger.post_count(9, on=3)
    second = await ledger.count(8, on=3)
    refused = await ledger.decide(second["id"], "accept")
    assert (refused.status_code, refused.json()["id"]) == (409, first["id"])
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    line = {**ledger.place, "counted": 1, "counted_at": later}
    refused = await callers.post("/inventory/counts", {"lines": [line]})
    assert refused.json()["errors"][0]["pointer"] == "/lines/0/counted_at"


async def test_what_a_count_has_moved_is_corrected_by_counting_again(callers: Callers) -> None:
    ledger = await a_ledger(callers)
    await ledger.move(10)
    await ledger.post_count(4)
    [moved] = [one for one in await ledger.movements() if one["kind"] == "count"]
    refused = await ledger.reverse(moved["id"])
    assert (refused.status_code, "count again" in refused.json()["detail"]) == (409, True)
    await ledger.post_count(10)
    assert await ledger.on_hand() == 10


async def test_a_place_that_the_books_know_nothing_of_is_counted(callers: Callers) -> None:
    ledger = await a_ledger(callers)
    await ledger.post_count(3)
    assert await ledger.on_hand() == 3


async def test_counts_are_listed_and_a_repeated_request_is_the_same_count(
    callers: Callers,
) -> None:
    ledger = await a_ledger(callers)
    body, key = {"lines": [{**ledger.place, "counted": 2}], "note": "By two of us."}, uuid4().hex
    first = await callers.post("/inventory/counts", body, key=key)
    again = await callers.post("/inventory/counts", body, key=key)
    assert first.headers["location"] == f"/inventory/counts/{first.json()['id']}"
    assert (again.json(), again.headers["idempotent-replayed"]) == (first.json(), "true")
    listed = (await callers.get("/inventory/counts?status=review&limit=1")).json()["items"]
    assert (listed[0]["id"], listed[0]["note"]) == (first.json()["id"], "By two of us.")
    found = await callers.get(f"/inventory/counts?number={first.json()['number']}")
    assert len(found.json()["items"]) == 1
    assert (await callers.get(f"/inventory/counts/{uuid4()}")).status_code == 404
