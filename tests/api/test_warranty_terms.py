"""Warranty terms over HTTP: versions that never change, and the items that are sold with them."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from tests.api.callers import Callers


def term(code: str = "", **rest: Any) -> dict[str, Any]:
    """Return a term of two years, of a code of its own unless one is given."""
    code = code or f"T-{uuid4().hex[:12].upper()}"
    return {"code": code, "duration_months": 24, "covers": ["parts", "labor"], **rest}


async def defined(callers: Callers, **rest: Any) -> dict[str, Any]:
    made = await callers.post("/warranties/terms", term(**rest))
    assert made.status_code == 201, made.text
    shown: dict[str, Any] = made.json()
    assert (await callers.get(made.headers["location"])).json() == shown
    return shown


async def test_a_change_of_a_term_is_another_version(callers: Callers) -> None:
    """Warranties, section 1: the first version stays as it was, and both are listed."""
    first = await defined(callers)
    second = await defined(callers, code=first["code"], duration_months=None)
    assert (first["version"], second["version"]) == (1, 2)
    assert second["valid_from"] > first["valid_from"]
    path = f"/warranties/terms?code={first['code']}"
    assert (await callers.get(path)).json()["items"] == [second, first]
    assert (await callers.get(f"{path}&newest=true")).json()["items"] == [second]
    assert (await callers.get(f"{path}&newest=false")).json()["items"] == [first]


async def test_a_version_that_changes_nothing_is_refused_with_the_newest_one(
    callers: Callers,
) -> None:
    limit = {"amount": 5000, "currency": "USD"}
    first = await defined(callers, auto_limit=limit)
    again = await callers.post("/warranties/terms", term(code=first["code"], auto_limit=limit))
    assert (again.status_code, again.json()["code"]) == (409, "already_exists")
    assert again.json()["id"] == first["id"]


async def test_versions_that_are_defined_at_once_are_counted_without_a_gap(
    callers: Callers,
) -> None:
    code = term()["code"]
    made = await asyncio.gather(
        *(defined(callers, code=code, duration_months=months) for months in range(1, 7))
    )
    ordered = sorted(made, key=lambda one: str(one["valid_from"]))
    assert [one["version"] for one in ordered] == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize(
    "wrong",
    [
        {"duration_months": 0},
        {"duration_months": 1201},
        {"covers": []},
        {"covers": ["parts", "parts"]},
        {"code": "two years"},
        {"minimum_days": 90},
        {"replacement_rule": "remaining_or_minimum"},
        {"settle_by": ["repair", "repair"]},
        {"max_claims": 0},
    ],
)
async def test_a_term_that_makes_no_sense_is_refused(
    callers: Callers, wrong: dict[str, Any]
) -> None:
    answer = await callers.post("/warranties/terms", term() | wrong)
    assert (answer.status_code, answer.json()["code"]) == (422, "malformed")


async def test_a_lifetime_is_said_and_never_taken_for_granted(callers: Callers) -> None:
    body = term()
    del body["duration_months"]
    answer = await callers.post("/warranties/terms", body)
    assert answer.json()["errors"][0]["pointer"] == "/duration_months"
    assert (await defined(callers, duration_months=None))["duration_months"] is None


async def test_what_is_approved_by_itself_is_not_for_customers(callers: Callers) -> None:
    made = await defined(callers, auto_limit={"amount": 5000, "currency": "USD"})
    who = (await callers.post("/customers", {"name": "Ada"})).json()["id"]
    path = f"/warranties/terms/{made['id']}"
    shown = (await callers.get(path, role="customer", customer_id=who)).json()
    assert (shown["auto_limit"], shown["defined_by"]) == (None, "company")
    assert {**shown, "auto_limit": made["auto_limit"], "defined_by": "key:admin"} == made


async def test_an_item_is_sold_with_a_term_that_is_there_or_with_none(callers: Callers) -> None:
    code = (await defined(callers))["code"]
    body = {"sku": f"SKU-{uuid4()}", "name": "Mug", "warranty_term": code}
    made = await callers.post("/items", body)
    assert (made.status_code, made.json()["warranty_term"]) == (201, code)
    path = f"/items/{made.json()['id']}"
    for given in (None, code, code):
        changed = await callers.ask("PATCH", path, json={"warranty_term": given})
        assert changed.json()["warranty_term"] == given
    item = (await callers.get(path)).json()
    assert (item["warranty_term"], item["version"]) == (code, 3)
    events = await callers.get(f"/events?subject_id={item['id']}&type=item.changed.v1")
    assert [one["data"]["fields"] for one in events.json()["items"]] == [["warranty_term"]] * 2
    other = {**body, "sku": f"SKU-{uuid4()}", "warranty_term": "NO-SUCH"}
    for refused in (
        await callers.post("/items", other),
        await callers.ask("PATCH", path, json={"warranty_term": "NO-SUCH"}),
    ):
        assert refused.status_code == 404
        assert "NO-SUCH" in refused.json()["detail"]
    assert (await callers.get(f"/items?sku={other['sku']}")).json()["items"] == []
