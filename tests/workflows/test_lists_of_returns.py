"""Lists of returns: by order, by dates, by position, on real servers."""

from typing import Any
from uuid import UUID

from tests.workflows.asking import calling
from tests.workflows.refund_stories import delivered
from tests.workflows.return_stories import ask_all_back, ask_back
from tests.workflows.stage import Stage


async def listed(stage: Stage, query: str, *, role: str = "support") -> Any:
    async with calling(stage) as callers:
        answer = await callers.get(f"/returns?{query}", role=role)
    assert answer.status_code == 200, answer.text
    return answer.json()


def ids(page: Any) -> list[str]:
    return [each["id"] for each in page["items"]]


async def test_returns_are_read_by_position_newest_first_to_the_end(stage: Stage) -> None:
    """The query of the original specification: a range of dates with limit and offset."""
    order, line = await delivered(stage, 5)
    made = [await ask_back(stage, order, line) for _ in range(5)]
    newest = [each["id"] for each in reversed(made)]
    first, last = made[1]["created_at"], made[4]["created_at"]
    dates = f"created_from={first}&created_to={last}".replace("+", "%2B")
    page = await listed(stage, f"order_id={order}&{dates}&limit=2&offset=0")
    assert ids(page) == newest[1:3]
    assert "offset=2" in page["next"]
    rest = await listed(stage, page["next"].partition("?")[2])
    assert (ids(rest), rest["next"]) == (newest[3:4], None)
    assert ids(await listed(stage, f"order_id={order}&limit=2&offset=4")) == newest[4:]
    assert ids(await listed(stage, f"order_id={order}&offset=5")) == []
    keyed = await listed(stage, f"order_id={order}&limit=4")
    assert "after=" in keyed["next"]
    assert ids(await listed(stage, keyed["next"].partition("?")[2])) == newest[4:]


async def test_a_position_is_bounded_and_excludes_a_mark(stage: Stage) -> None:
    """422 for both at once and beyond the bound; the page at the bound goes on by a mark."""
    order, line = await delivered(stage, 1)
    back = await ask_back(stage, order, line)
    async with calling(stage) as callers:
        for query in (f"offset=1&after={back['id']}", "offset=10001", "offset=-1", "offset=x"):
            refused = await callers.get(f"/returns?{query}")
            assert (refused.status_code, refused.json()["code"]) == (422, "malformed"), query
    assert (await listed(stage, "offset=10000"))["items"] == []


async def test_the_returns_of_an_order_are_all_that_hold_any_of_its_goods(stage: Stage) -> None:
    """Also those that were asked for with another order of the customer's."""
    first, line = await delivered(stage, 2)
    second, other = await delivered(stage, 1)
    third, _ = await delivered(stage, 1)
    lines = [
        {"order_line_id": each["id"], "quantity": 1, "reason": "changed_mind"}
        for each in (line, other)
    ]
    both = await ask_all_back(stage, first, lines)
    alone = await ask_back(stage, first, line)
    assert ids(await listed(stage, f"order_id={first}")) == [alone["id"], both["id"]]
    assert ids(await listed(stage, f"order_id={second}")) == [both["id"]]
    assert ids(await listed(stage, f"order_id={third}")) == []
    assert UUID(both["order_id"]) == first
