"""Adjustments that were mistakes are taken back by their opposite, once, and on their own day."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from tests.api.callers import Callers
from tests.api.ledger import a_ledger, day
from tests.shop import Shop, opened


@pytest.fixture(scope="module", autouse=True)
async def shop(database_url: str) -> AsyncIterator[Shop]:
    async with opened(database_url) as shop:
        yield shop


async def test_a_reversed_adjustment_has_moved_nothing_and_both_stay_in_the_ledger(
    callers: Callers,
) -> None:
    ledger = await a_ledger(callers)
    await ledger.move(10, on=1)
    mistake = await ledger.move(-3, on=2)
    assert await ledger.on_hand() == 7
    made = await ledger.reverse(mistake)
    assert made.status_code == 201, made.text
    reversal = made.json()
    assert made.headers["location"] == f"/inventory/movements/{reversal['id']}"
    assert (reversal["reverses_id"], reversal["quantity"]) == (mistake, 3)
    assert (reversal["occurred_at"], reversal["reason"]) == (day(2), "typed twice")
    assert await ledger.on_hand() == 10
    assert [await ledger.as_of(n) for n in (1, 2, 3)] == [10, 10, 10]
    told = (await callers.get(f"/inventory/movements/{mistake}")).json()
    assert (told["reversed_by_id"], told["reverses_id"]) == (reversal["id"], None)
    assert told["from_location_id"] == reversal["to_location_id"]
    assert len(await ledger.movements()) == 3


async def test_a_reversal_on_a_later_day_leaves_the_days_between_as_they_were(
    callers: Callers,
) -> None:
    ledger = await a_ledger(callers)
    await ledger.move(10, on=1)
    mistake = await ledger.move(-3, on=2)
    assert (await ledger.reverse(mistake, on=5)).status_code == 201
    assert [await ledger.as_of(n) for n in (1, 2, 4, 5)] == [10, 7, 7, 10]


async def test_a_movement_is_reversed_once_and_a_second_try_names_the_first(
    callers: Callers,
) -> None:
    ledger = await a_ledger(callers)
    mistake = await ledger.move(5)
    first = await ledger.reverse(mistake)
    again = await ledger.reverse(mistake)
    assert (again.status_code, again.json()["code"]) == (409, "already_exists")
    assert again.json()["id"] == first.json()["id"]
    assert await ledger.on_hand() == 0


async def test_of_two_reversals_at_once_one_counts(callers: Callers) -> None:
    ledger = await a_ledger(callers)
    for sign in (1, -1):
        mistake = await ledger.move(5 * sign)
        tries = await asyncio.gather(*(ledger.reverse(mistake) for _ in range(4)))
        assert sorted(one.status_code for one in tries) == [201, 409, 409, 409]
        codes = {one.json()["code"] for one in tries if one.status_code == 409}
        assert codes == {"already_exists"}
        assert await ledger.on_hand() == (0 if sign > 0 else 5)
        await ledger.move(5) if sign > 0 else None


async def test_a_repeated_request_to_reverse_is_the_same_one(callers: Callers) -> None:
    ledger = await a_ledger(callers)
    mistake, key = await ledger.move(5), uuid4().hex
    first = await ledger.reverse(mistake, key=key)
    again = await ledger.reverse(mistake, key=key)
    assert (again.status_code, again.json()) == (201, first.json())
    assert again.headers["idempotent-replayed"] == "true"


async def test_an_unknown_movement_and_one_that_is_no_adjustment_are_not_reversed(
    callers: Callers,
) -> None:
    ledger = await a_ledger(callers)
    assert (await ledger.reverse(str(uuid4()))).status_code == 404
    mistake = await ledger.move(5)
    reversal = (await ledger.reverse(mistake)).json()["id"]
    refused = await ledger.reverse(reversal)
    assert (refused.status_code, refused.json()["code"]) == (409, "illegal_move")
    assert "post an adjustment instead" in refused.json()["detail"]


async def test_units_that_went_along_are_not_taken_back_unnamed(callers: Callers) -> None:
    ledger = await a_ledger(callers, tracking="serial")
    serial = f"SN-{uuid4()}"
    refused = await ledger.reverse(await ledger.move(1, serials=[serial]))
    assert refused.status_code == 409
    assert "names their serials" in refused.json()["detail"]
    assert await ledger.on_hand() == 1


async def test_what_is_promised_is_not_taken_by_a_reversal(callers: Callers, shop: Shop) -> None:
    mug = await shop.item(AUS=2)
    sku = (await callers.get(f"/items/{mug}")).json()["sku"]
    found = {"sku": sku, "site": "AUS", "quantity": 3, "reason": "found"}
    mistake = (await callers.post("/inventory/adjustments", found)).json()["id"]
    order = await shop.place((mug, 4))
    path = f"/inventory/movements/{mistake}/reverse"
    refused = await callers.post(path, {"reason": "not ours"})
    assert (refused.status_code, refused.json()["code"]) == (409, "out_of_stock")
    assert (refused.json()["available"], refused.json()["holders"][0]["document_id"]) == (
        1,
        str(order),
    )


async def test_nothing_moves_in_the_future_or_before_what_is_reversed(callers: Callers) -> None:
    ledger = await a_ledger(callers)
    soon = (datetime.now(UTC) + timedelta(minutes=2)).isoformat()
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    mistake = await ledger.move(5, occurred_at=soon)
    assert await ledger.as_of(datetime.now(UTC).isoformat().replace("+00:00", "Z")) == 5
    refused = await ledger.adjust(5, occurred_at=later)
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/occurred_at")
    refused = await ledger.reverse(mistake, on=1)
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/occurred_at")
    path = f"/inventory/movements/{mistake}/reverse"
    refused = await callers.post(path, {"reason": "typed twice", "occurred_at": later})
    assert refused.status_code == 422
    assert await ledger.on_hand() == 5


async def test_a_late_movement_changes_the_days_from_its_own_on_and_none_before(
    callers: Callers,
) -> None:
    ledger = await a_ledger(callers)
    await ledger.move(10, on=1)
    await ledger.move(-4, on=5)
    assert [await ledger.as_of(n) for n in (0, 1, 4, 5)] == [0, 10, 10, 6]
    before = await ledger.movements()
    await ledger.move(-1, on=3)
    assert [await ledger.as_of(n) for n in (0, 1, 2, 3, 4, 5)] == [0, 10, 10, 9, 9, 5]
    assert (await ledger.movements())[1:] == before


async def test_stock_of_a_day_is_read_by_pages_and_needs_the_day(callers: Callers) -> None:
    ledger = await a_ledger(callers)
    await ledger.move(10, on=1)
    await ledger.move(4, on=2, site="RNO")
    path = f"/inventory/on_hand?sku={ledger.item['sku']}&as_of={day(2)}&limit=1"
    first = (await callers.get(path)).json()
    rest = (await callers.get(first["next"])).json()
    rows = [*first["items"], *rest["items"]]
    assert {row["site"]: row["on_hand"] for row in rows} == {"AUS": 10, "RNO": 4}
    assert (rest["next"], rows[0]["as_of"]) == (None, day(2))
    assert (await callers.get("/inventory/on_hand")).status_code == 422
