"""Orders of any country and currency: postal codes and shipping rates where there are some."""

from typing import Any

import pytest

from tests.api.orders.conftest import problem
from tests.storefront import Storefront, an_order


async def ask(shop: Storefront, **more: Any) -> Any:
    item = await shop.item()
    body = {**an_order(await shop.customer(), {item: 1}), **more}
    return await shop.callers.post("/orders", body)


def in_country(country: str, **more: str) -> dict[str, str]:
    return {"name": "Ada", "line1": "1 Harbour Road", "city": "Town", "country": country, **more}


@pytest.mark.parametrize("country", ["HK", "AE", "QA", "BW", "AG"])
async def test_an_address_has_no_postal_code_where_there_are_none(
    country: str, shop: Storefront
) -> None:
    """T04: nothing stands in for it."""
    for given in (in_country(country), in_country(country, postal_code=" ")):
        placed = await ask(shop, ship_to=given)
        assert placed.status_code == 201, placed.text
        assert placed.json()["ship_to"]["postal_code"] == ""
    customer = await shop.callers.post(
        "/customers", {"name": "Ada", "address": in_country(country)}
    )
    assert customer.json()["address"]["postal_code"] == ""


@pytest.mark.parametrize("country", ["US", "DE", "IE", "JP"])
async def test_an_address_has_a_postal_code_where_there_are_some(
    country: str, shop: Storefront
) -> None:
    """T04: refused with the place."""
    refused = problem(await ask(shop, ship_to=in_country(country)), 422, "malformed")
    assert [one["pointer"] for one in refused["errors"]] == ["/ship_to/postal_code"]
    assert country in refused["errors"][0]["message"]


@pytest.mark.parametrize("currency", ["JPY", "KWD", "HUF", "CLF", "UYI"])
async def test_shipping_costs_nothing_that_is_not_configured(
    currency: str, shop: Storefront
) -> None:
    """T16: 500 was asked for, of whatever the smallest coin is."""
    price = {"amount": 2500, "currency": currency}
    lines = [{"sku": await shop.item(), "quantity": 1, "unit_price": price}]
    refused = problem(await ask(shop, currency=currency, lines=lines), 422, "malformed")
    assert "no rate for ground shipping" in refused["detail"]
    assert [one["pointer"] for one in refused["errors"]] == ["/currency"]
    given = {"amount": 9, "currency": currency}
    placed = await ask(shop, currency=currency, lines=lines, shipping=given)
    assert placed.status_code == 201, placed.text
    assert (placed.json()["shipping"], placed.json()["total"]["amount"]) == (given, 2509)


@pytest.mark.parametrize("number", ["4242424242424242", "5555 5555 5555 4444"])
async def test_a_card_number_is_refused_and_not_repeated(
    number: str, shop: Storefront, capsys: pytest.CaptureFixture[str]
) -> None:
    """D17: it is in no answer, no row and no log."""
    refused = await ask(shop, payment={"method": "card", "token": number})
    assert problem(refused, 422, "malformed")["errors"][0]["pointer"] == "/payment/token"
    order = (await ask(shop, payment={"method": "card"})).json()["id"]
    again = await shop.callers.post(f"/orders/{order}/payments", {"token": number})
    assert problem(again, 422, "malformed")["errors"][0]["pointer"] == "/token"
    assert number not in refused.text + again.text + capsys.readouterr().out
