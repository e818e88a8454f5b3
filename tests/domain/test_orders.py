"""Pricing an order: lines that add up, tax, currencies, and prices that only some may set."""

from decimal import Decimal
from itertools import count
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.errors import CurrencyMismatch, Malformed, PriceChanged
from domain.ids import ItemId
from domain.items import Listing
from domain.money import MAX_AMOUNT, half_up
from domain.orders.placing import PlaceOrder
from domain.orders.pricing import PricedOrder, price
from domain.policy import Policy
from tests.domain.examples import some

HOME = {"name": "A", "line1": "1 Way", "city": "B", "postal_code": "1", "country": "DE"}


RATES = Policy().shipping_rates


def listing(
    number: int,
    amount: int = 1000,
    rate: str = "0",
    *,
    sellable: bool = True,
    currency: str = "EUR",
) -> Listing:
    return Listing(
        item_id=ItemId(UUID(int=number)),
        sku=f"SKU-{number}",
        name=f"Item {number}",
        sellable=sellable,
        tax_rate=Decimal(rate),
        prices={currency: amount},
    )


def order(*lines: dict[str, Any], **more: Any) -> PlaceOrder:
    body = {"customer_id": UUID(int=1), "currency": "EUR", "ship_to": HOME, "lines": lines, **more}
    return PlaceOrder.model_validate(body)


def priced(placed: PlaceOrder, *sold: Listing, may_set_prices: bool = False) -> PricedOrder:
    by_sku: dict[ItemId | str, Listing] = {one.sku.lower(): one for one in sold}
    listings = by_sku | {one.item_id: one for one in sold}
    return price(placed, listings, RATES, may_set_prices=may_set_prices)


sold = st.tuples(
    st.integers(1, 10_000),
    st.integers(0, 100_000),
    st.decimals("0", "0.99", places=6).map(str),
)


@some
@given(st.lists(sold, min_size=1, max_size=8), st.sampled_from(sorted(RATES["EUR"])))
def test_the_totals_are_what_the_lines_add_up_to(
    wanted: list[tuple[int, int, str]], service: str
) -> None:
    numbers = count(1)
    listings = [listing(next(numbers), amount, rate) for _, amount, rate in wanted]
    lines = [
        {"sku": item.sku, "quantity": quantity}
        for item, (quantity, _, _) in zip(listings, wanted, strict=True)
    ]
    result = priced(order(*lines, shipping_service=service), *listings)
    for line, (quantity, amount, rate) in zip(result.lines, wanted, strict=True):
        net = quantity * amount
        assert line.tax_amount == half_up(net * Decimal(rate))
        assert line.total_amount == net + line.tax_amount
    assert result.subtotal_amount == sum(quantity * amount for quantity, amount, _ in wanted)
    assert result.tax_amount == sum(line.tax_amount for line in result.lines)
    assert result.shipping_amount == RATES["EUR"][service]
    assert result.total_amount == (
        sum(line.total_amount for line in result.lines)
        + result.shipping_amount
        + result.shipping_tax_amount
    )


@some
@given(st.integers(0, 10**6), st.lists(st.integers(1, 9), min_size=1, max_size=6))
def test_a_given_tax_is_spread_over_the_lines_without_loss(tax: int, quantities: list[int]) -> None:
    lines = [{"sku": "SKU-1", "quantity": quantity} for quantity in quantities]
    placed = order(*lines, tax={"amount": tax, "currency": "EUR"})
    result = priced(placed, listing(1, 333), may_set_prices=True)
    assert result.tax_amount == sum(line.tax_amount for line in result.lines) == tax


def test_given_shipping_replaces_the_table_rate() -> None:
    placed = order({"sku": "SKU-1", "quantity": 1}, shipping={"amount": 7, "currency": "EUR"})
    assert priced(placed, listing(1), may_set_prices=True).total_amount == 1007


def test_an_item_is_found_by_its_id_and_by_its_sku_in_any_case() -> None:
    placed = order(
        {"item_id": UUID(int=1), "quantity": 2},
        {"product_id": UUID(int=2), "quantity": 3},
        {"sku": "sku-1", "quantity": 4},
    )
    demand = priced(placed, listing(1), listing(2)).demand
    assert demand == {UUID(int=1): 6, UUID(int=2): 3}


@pytest.mark.parametrize("field", ["tax", "shipping", "unit_price"])
def test_another_currency_anywhere_is_refused_with_its_place(field: str) -> None:
    money = {"amount": 1000, "currency": "USD"}
    line: dict[str, Any] = {"sku": "SKU-1", "quantity": 1}
    placed = (
        order(line | {field: money}) if field == "unit_price" else order(line, **{field: money})
    )
    with pytest.raises(CurrencyMismatch) as refused:
        priced(placed, listing(1), may_set_prices=True)
    assert refused.value.extensions["errors"][0]["pointer"].endswith(f"{field}/currency")


def test_an_item_without_a_price_in_the_currency_is_refused() -> None:
    with pytest.raises(Malformed, match="no list price in EUR"):
        priced(order({"sku": "SKU-1", "quantity": 1}), listing(1, currency="USD"))


def test_a_price_that_is_not_ours_is_refused_with_the_current_one() -> None:
    line = {"sku": "SKU-1", "quantity": 1, "unit_price": {"amount": 999, "currency": "EUR"}}
    with pytest.raises(PriceChanged) as refused:
        priced(order(line), listing(1, 1000))
    assert refused.value.extensions["current"] == {"amount": 1000, "currency": "EUR"}
    assert priced(order(line), listing(1, 999)).total_amount == 999 + RATES["EUR"]["ground"]


def test_those_who_may_set_prices_sell_at_their_own_and_without_a_list_price() -> None:
    line = {"sku": "SKU-1", "quantity": 2, "unit_price": {"amount": 1, "currency": "EUR"}}
    for item in (listing(1, 1000), listing(1, currency="USD")):
        assert priced(order(line), item, may_set_prices=True).subtotal_amount == 2


def test_only_tax_and_shipping_count_as_given_prices() -> None:
    line = {"sku": "SKU-1", "quantity": 1}
    money = {"amount": 1, "currency": "EUR"}
    assert not order(line).prices_given
    assert order(line, tax=money).prices_given
    assert order(line, shipping=money).prices_given


def test_unknown_and_withdrawn_items_are_refused_with_their_line() -> None:
    placed = order({"sku": "SKU-1", "quantity": 1}, {"item_id": UUID(int=2), "quantity": 1})
    for others in ([], [listing(2, sellable=False)]):
        with pytest.raises(Malformed) as refused:
            priced(placed, listing(1), *others)
        assert refused.value.extensions["errors"][0]["pointer"] == "/lines/1/item_id"


def test_a_total_above_the_largest_amount_is_refused() -> None:
    with pytest.raises(Malformed, match="largest amount"):
        priced(order({"sku": "SKU-1", "quantity": 2}), listing(1, MAX_AMOUNT))


@pytest.mark.parametrize(
    "line",
    [
        {"quantity": 1},
        {"sku": "A", "item_id": UUID(int=1), "quantity": 1},
        {"sku": "A", "quantity": 0},
        {"sku": "A", "quantity": True},
        {"sku": "A", "quantity": 1.0},
        {"sku": "A", "quantity": 1, "colour": "red"},
        {"sku": "A", "quantity": 1, "unit_price": {"amount": -1, "currency": "EUR"}},
    ],
)
def test_a_line_names_one_item_and_a_whole_quantity_and_nothing_else(line: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        order(line)


def test_an_order_has_one_to_five_hundred_lines() -> None:
    line = {"sku": "A", "quantity": 1}
    assert len(order(*[line] * 500).lines) == 500
    for lines in ([], [line] * 501):
        with pytest.raises(ValidationError):
            order(*lines)
