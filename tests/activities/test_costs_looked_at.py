"""What claims and work have cost is looked up for those who may see it, and for no one else."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import event

from tests.activities.bench import Bench
from tests.activities.promised import calling


@contextmanager
def statements(bench: Bench) -> Iterator[list[str]]:
    """Collect what the database is asked meanwhile."""
    asked: list[str] = []

    def note(_conn: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        asked.append(statement)

    engine = bench.shop.books.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        event.remove(engine, "before_cursor_execute", note)


@pytest.mark.parametrize(("role", "looks"), [("support", True), ("warehouse", False)])
@pytest.mark.parametrize("path", ["/warranties/claims", "/work_orders"])
async def test_lists_look_at_costs_only_for_those_who_may_see_them(
    bench: Bench, path: str, role: str, looks: bool
) -> None:
    async with calling(bench) as callers:
        with statements(bench) as asked:
            assert (await callers.get(path, role=role)).status_code == 200
    assert any("hourly_rate_amount *" in one for one in asked) is looks


@pytest.mark.parametrize(("role", "looks"), [("planner", True), ("operator", False)])
async def test_a_work_order_shows_its_cost_to_those_who_may_see_it(
    bench: Bench, role: str, looks: bool
) -> None:
    item = await bench.shop.item(AUS=1)
    async with calling(bench) as callers:
        body = {"kind": "rework", "site": "AUS", "item_id": str(item), "title": "Sand the edges"}
        made = await callers.post("/work_orders", body, role="planner", key=uuid4().hex)
        assert made.status_code == 201, made.text
        for path in (f"/work_orders/{made.json()['id']}", "/work_orders"):
            shown = (await callers.get(path, role=role)).json()
            one = (
                next(each for each in shown["items"] if each["id"] == made.json()["id"])
                if ("items" in shown)
                else shown
            )
            assert one["cost"] == ({"sums": [], "unknown": []} if looks else None)
