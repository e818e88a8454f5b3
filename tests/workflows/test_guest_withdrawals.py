"""Guests withdraw by a token that is mailed to the address of the order's customer."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from domain.ids import OrderId
from tests.aging import DAYS, age
from tests.workflows.asking import calling
from tests.workflows.stage import Stage
from tests.workflows.withdrawal_stories import (
    a_guest,
    as_guest,
    ask_for_link,
    bought,
    tokens_of,
)

ACKNOWLEDGED = "/acknowledgement"


async def linked(stage: Stage, units: int = 1) -> tuple[OrderId, Any, str]:
    """Deliver a guest's order and mail a link; returns order, line and token."""
    customer, email = await a_guest(stage)
    order, line = await bought(stage, customer_id=customer, units=units)
    await ask_for_link(stage, stage.shop.numbers[order], email)
    [token] = await tokens_of(stage, order)
    return order, line, token


async def test_a_guest_declares_confirms_and_fetches_the_acknowledgement(stage: Stage) -> None:
    order, line, token = await linked(stage, 2)
    seen = (await as_guest(stage, "GET", "/order", token)).json()
    assert seen["order_number"] == stage.shop.numbers[order]
    assert [(one["order_line_id"], one["delivered"]) for one in seen["lines"]] == [(line["id"], 2)]
    await as_guest(stage, "POST", "/confirm", token, status=409)
    lines = [{"order_line_id": line["id"], "quantity": 1}]
    declared = await as_guest(stage, "POST", "", token, body={"lines": lines}, status=201)
    assert declared.json()["confirmed_at"] is None
    await as_guest(stage, "GET", ACKNOWLEDGED, token, status=409)
    confirmed = (await as_guest(stage, "POST", "/confirm", token)).json()
    text = (await as_guest(stage, "GET", ACKNOWLEDGED, token)).text
    assert confirmed["confirmed_at"] in text
    assert f"- 1 x {line['sku']}" in text
    async with calling(stage) as callers:
        back = (await callers.get(f"/returns/{confirmed['return_id']}")).json()
    assert (back["status"], back["requested_by"]) == ("authorized", "guest")
    assert (await as_guest(stage, "POST", "/confirm", token)).json() == confirmed
    assert (await as_guest(stage, "GET", ACKNOWLEDGED, token)).text == text


async def test_who_asks_for_a_link_is_not_told_whether_there_is_such_an_order(
    stage: Stage,
) -> None:
    """Another address, another number and the right ones are answered alike; one is mailed."""
    customer, email = await a_guest(stage)
    order, _ = await bought(stage, customer_id=customer)
    number = stage.shop.numbers[order]
    answers = [
        await ask_for_link(stage, number, "else@example.com"),
        await ask_for_link(stage, f"{number}0", email),
        await ask_for_link(stage, number, email.upper()),
    ]
    assert answers[0] == answers[1] == answers[2]
    assert len(await tokens_of(stage, order)) == 1


async def test_five_links_of_an_order_are_mailed_a_day(stage: Stage) -> None:
    """Who knows number and address cannot fill a mailbox."""
    customer, email = await a_guest(stage)
    order, _ = await bought(stage, customer_id=customer)
    for _ in range(7):
        await ask_for_link(stage, stage.shop.numbers[order], email)
    assert len(set(await tokens_of(stage, order))) == 5
    await age(stage, "withdrawal_links", "created_at", DAYS, order_id=order)
    await ask_for_link(stage, stage.shop.numbers[order], email)
    assert len(await tokens_of(stage, order)) == 6


async def test_a_link_declares_once(stage: Stage) -> None:
    """The same again is the same withdrawal; something else needs another link."""
    _, line, token = await linked(stage, 2)
    one = {"lines": [{"order_line_id": line["id"], "quantity": 1}]}
    first = (await as_guest(stage, "POST", "", token, body=one, status=201)).json()
    assert (await as_guest(stage, "POST", "", token, body=one, status=201)).json() == first
    other = await as_guest(stage, "POST", "", token, body={}, status=409)
    assert other.json()["code"] == "illegal_move"
    await as_guest(stage, "POST", "/confirm", token)
    await as_guest(stage, "POST", "", token, body={}, status=409)
    assert (await as_guest(stage, "POST", "", token, body=one, status=201)).json()["return_id"]


async def test_a_link_ends_after_a_day_and_opens_nothing_else(stage: Stage) -> None:
    order, _, token = await linked(stage)
    await as_guest(stage, "GET", "/order", f"{token}x", status=404)
    async with calling(stage) as callers:
        other = await callers.client.get(
            f"/orders/{order}", headers={"Authorization": f"Bearer {token}"}
        )
    assert other.status_code == 401
    await age(stage, "withdrawal_links", "expires_at", timedelta(hours=24), order_id=order)
    for method, part in (("GET", "/order"), ("POST", ""), ("POST", "/confirm")):
        over = await as_guest(stage, method, part, token, body={}, status=404)
        assert over.json()["code"] == "not_found"


async def test_a_token_is_told_to_who_mails_it_and_kept_as_a_hash(stage: Stage) -> None:
    """Staff and integrations that may read internals find it in the event, customers do not."""
    order, _, token = await linked(stage)
    [row] = await stage.shop.rows("SELECT customer_id FROM orders WHERE id = :id", id=order)
    assert await tokens_of(stage, order, "customer", customer_id=UUID(str(row["customer_id"]))) == [
        ""
    ]
    [kept] = await stage.shop.rows("SELECT * FROM withdrawal_links WHERE order_id = :id", id=order)
    assert token not in str(kept)
