"""Sources: an integration brings its own documents, and learns no stranger's id."""

from uuid import uuid4

import pytest

from db.engine import Database
from tests.api.callers import Callers
from tests.api.two_shops import Asker, World, open_world


@pytest.fixture(scope="module")
async def world(callers: Callers, books: Database) -> World:
    return await open_world(callers, books)


async def test_two_shops_may_count_alike(world: World) -> None:
    """T14: a reference is unique within its source, and the source is the integration's name."""
    first = await world.placed(world.shop, external_reference="1001")
    other = await world.placed(world.rival, external_reference="1001")
    assert (first["source"], other["source"]) == ("shop", "rival")
    again = await world.shop.post("/orders", world.order(external_reference="1001"))
    assert (again.status_code, again.json()["code"]) == (409, "already_exists")
    assert again.json()["id"] == first["id"]
    named = await world.shop.post("/orders", world.order(external_reference="1001", source="shop"))
    assert (named.status_code, named.json()["id"]) == (409, first["id"])


async def test_nobody_brings_what_another_source_would_bring(world: World) -> None:
    """T14: 422 for another integration's name, and for a customer who gives any."""
    cases: list[tuple[Asker, dict[str, str], list[str]]] = [
        (world.shop, {"source": "rival"}, ["/source"]),
        (world.shop, {"source": "api"}, ["/source"]),
        (world.shop, {"source": "rival", "external_reference": "7"}, ["/source"]),
        (world.buyer, {"source": "shop"}, ["/source"]),
        (world.buyer, {"source": "api"}, ["/source"]),
        (world.buyer, {"external_reference": "1002"}, ["/external_reference"]),
        (
            world.buyer,
            {"source": "s", "external_reference": "1"},
            ["/source", "/external_reference"],
        ),
    ]
    for who, given, pointers in cases:
        answer = await who.post("/orders", world.order(**given))
        assert answer.status_code == 422, given
        assert [error["pointer"] for error in answer.json()["errors"]] == pointers
    named = await world.shop.post("/customers", {"name": "Bea", "source": "rival"})
    assert named.status_code == 422
    # The shop's next number is still free.
    await world.placed(world.shop, external_reference="1002")


async def test_a_scope_lets_an_integration_name_other_sources(world: World) -> None:
    """T14: `sources:all`, which staff have without asking."""
    assert (await world.placed(world.erp, source="market"))["source"] == "market"
    assert (await world.placed(world.erp))["source"] == "erp"
    assert (await world.placed(world.support, source="phone"))["source"] == "phone"
    assert (await world.placed(world.support))["source"] == "api"
    assert (await world.placed(world.buyer))["source"] == "api"


async def test_a_refusal_names_a_customer_only_to_who_may_read_it(world: World) -> None:
    """T14: that an email is taken can be told, whose it is cannot."""
    body = {"name": "Cy", "email": "cy@example.com", "external_reference": "C-1"}
    made = (await world.shop.post("/customers", body)).json()
    assert (made["source"], made["external_reference"]) == ("shop", "C-1")
    for who, told in (
        (world.shop, made["id"]),
        (world.rival, None),
        (world.erp, made["id"]),
        (world.support, made["id"]),
    ):
        answer = await who.post("/customers", body)
        assert (answer.status_code, answer.json()["code"]) == (409, "already_exists")
        assert answer.json().get("id") == told
        assert (made["id"] in answer.text) == (told is not None)
        assert (await who.get(f"/customers/{made['id']}")).status_code == (200 if told else 404)
        assert await who.ids("/customers?email=cy@example.com") == ([made["id"]] if told else [])
    same = {"name": "Di", "external_reference": "C-1"}
    assert (await world.rival.post("/customers", same)).status_code == 201
    # Its own customer is named to it, though a stranger's has the email.
    both = (await world.rival.post("/customers", body)).json()
    assert both["id"] in await world.rival.ids("/customers")
    assert both["id"] != made["id"]


async def test_an_order_may_be_for_any_customer_whose_id_is_known(world: World) -> None:
    """T14: shops that share customers are given the ids; the order is the shop's own."""
    assert (await world.shop.get(f"/customers/{world.customer}")).status_code == 404
    order = await world.placed(world.shop)
    assert order["customer_id"] == world.customer
    assert (await world.buyer.get(f"/orders/{order['id']}")).status_code == 200


async def test_a_source_spelled_out_is_the_same_request(world: World) -> None:
    """T15: a default that is written down makes no difference to its Idempotency-Key."""
    headers = {"X-API-Key": world.shop.secret, "Idempotency-Key": uuid4().hex}
    answers = [
        await world.shop.client.post("/orders", json=world.order(**given), headers=headers)
        for given in ({}, {"source": "shop"})
    ]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].content == answers[1].content
