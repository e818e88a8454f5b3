"""Orders as a shop sends them, and the one function that prices them."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Self

from pydantic import AliasChoices, Field, model_validator

from domain.addresses import Address
from domain.cards import RETURN, CardToken, ReturnUrl
from domain.errors import CurrencyMismatch, Malformed, PriceChanged
from domain.ids import CustomerId, ItemId
from domain.items import Listing, sku_key
from domain.money import MAX_AMOUNT, Currency, Money, half_up, split
from domain.orders.receipts import PaymentMethod, by_people
from domain.orders.status import CaptureOn, ShortagePolicy
from domain.sources import Sourced
from domain.value import Name, Value


class Service(StrEnum):
    """How goods travel."""

    GROUND = "ground"
    EXPRESS = "express"


MOST_LINES = 500
"""Lines of one order."""
Units = Annotated[int, Field(strict=True, ge=1, le=1_000_000)]
"""Whole pieces of an item."""


class LineRequest(Value):
    """One item of the order, named by ``item_id`` or by ``sku``."""

    item_id: ItemId | None = Field(
        default=None, validation_alias=AliasChoices("item_id", "product_id")
    )
    """The item, if not by `sku`."""
    sku: Name | None = None
    """The item by its name for people, in any case; if not by `item_id`."""
    quantity: Units
    """Whole units."""
    unit_price: Money | None = Field(
        default=None,
        description="Must equal the list price, unless the caller may set prices.",
    )

    @model_validator(mode="after")
    def _names_one_item(self) -> Self:
        if (self.item_id is None) == (self.sku is None):
            raise ValueError("name the item by either item_id or sku")
        return self


class OrderPayment(Value):
    """A card, by the token that the payment provider gave the shop, a bank transfer, or terms."""

    method: PaymentMethod = PaymentMethod.CARD
    """How the customer pays; a bank transfer is waited for, seven days. `net_terms` is for
    customers with `terms_days` and a `credit_limit`: the goods go first."""
    token: CardToken | None = Field(
        default=None,
        description="Of a card; without it the order waits for POST /orders/{id}/payments.",
    )
    # Left out of what names a request, as the release before wrote it, where there is none.
    return_url: ReturnUrl | None = Field(
        default=None, exclude_if=lambda given: given is None, description=RETURN
    )

    @model_validator(mode="after")
    def _returns_from_a_card(self) -> Self:
        if self.return_url is not None and self.token is None:
            raise ValueError("return_url goes with a token")
        if self.token is not None and self.method is not PaymentMethod.CARD:
            raise ValueError("token goes with a card")
        return self


class PlaceOrder(Sourced):
    """An order as the shop sends it."""

    customer_id: CustomerId
    """Who buys; an active customer. A customer orders only for itself."""
    currency: Currency = "USD"
    """Of all amounts of the order: an ISO 4217 code for which there are shipping rates."""
    lines: tuple[LineRequest, ...] = Field(
        min_length=1, max_length=MOST_LINES, validation_alias=AliasChoices("lines", "items")
    )
    """What is ordered; all of it is promised, or the order is refused, if it may not wait."""
    ship_to: Address
    """Where the goods go."""
    bill_to: Address | None = None
    """Who is billed, if that is not where the goods go."""
    shipping_service: Service = Service.GROUND
    """What shipping costs depends on it."""
    payment: OrderPayment = OrderPayment()
    """How the order is paid; money is reserved at once, and taken as `capture_on` says."""
    # Left out of what names a request, as the release before wrote it, where it is the usual.
    capture_on: CaptureOn = Field(
        default=CaptureOn.SHIPMENT,
        exclude_if=lambda given: given == CaptureOn.SHIPMENT,
        description="When the money is taken: for what leaves at each hand-over (`shipment`), or"
        " all of it when the order is confirmed (`confirmation`), as of a bank transfer anyway;"
        " on terms nothing is taken.",
    )
    shortage_policy: ShortagePolicy = Field(
        default=ShortagePolicy.REFUSE,
        exclude_if=lambda given: given is ShortagePolicy.REFUSE,
        description="What becomes of it where there is too little stock: `refuse`, or `backorder`:"
        " what is missing of items that are `backorderable` is waited for.",
    )
    ship_complete: bool = Field(
        default=False,
        exclude_if=lambda given: not given,
        description="Whether nothing leaves before there is stock for all of it.",
    )
    tax: Money | None = Field(
        default=None, description="For the whole order; only for callers who may set prices."
    )
    shipping: Money | None = Field(default=None, description="Only for callers who may set prices.")

    @property
    def captured_on(self) -> CaptureOn:
        """When the money is taken: that of a bank transfer is there before the order goes on.

        Of an order on terms all is billed then, and hand-overs take nothing either.
        """
        at_once = by_people(self.payment.method)
        return CaptureOn.CONFIRMATION if at_once else self.capture_on

    @property
    def may_wait(self) -> bool:
        """Whether it waits for what is missing, where its items allow that."""
        return self.shortage_policy is ShortagePolicy.BACKORDER

    @property
    def prices_given(self) -> bool:
        """Whether the caller brings amounts that only some callers may set."""
        return self.tax is not None or self.shipping is not None


# Made by us of what was checked, many thousand times a minute: no need to validate again.
@dataclass(frozen=True, slots=True)
class PricedLine:
    """A line with the name and prices that the order keeps for good; amounts in minor units."""

    item_id: ItemId
    sku: str
    name: str
    quantity: int
    unit_price_amount: int
    discount_amount: int
    tax_rate: Decimal
    tax_amount: int
    total_amount: int


@dataclass(frozen=True, slots=True)
class PricedOrder:
    """The totals of an order; amounts in minor units of ``currency``."""

    currency: str
    lines: tuple[PricedLine, ...]
    subtotal_amount: int
    discount_amount: int
    shipping_amount: int
    shipping_tax_amount: int
    tax_amount: int
    total_amount: int

    @property
    def demand(self) -> dict[ItemId, int]:
        """Units wanted of each item, summed over the lines."""
        wanted: dict[ItemId, int] = {}
        for line in self.lines:
            wanted[line.item_id] = wanted.get(line.item_id, 0) + line.quantity
        return wanted


def price(
    order: PlaceOrder,
    listings: Mapping[ItemId | str, Listing],
    rates: Mapping[str, Mapping[Service, int]],
    *,
    may_set_prices: bool,
) -> PricedOrder:
    """Return the order's lines and totals, or refuse.

    ``listings`` holds what is sold, by item id and by key of SKU, ``rates`` what shipping costs by
    currency and service. Raises Malformed for an item that cannot be sold or a currency without
    rates, CurrencyMismatch for mixed currencies and PriceChanged for a price that is not ours.
    Rounding happens at the line, never again at the total.
    """
    found = [_listing(order, position, listings) for position in range(len(order.lines))]
    units = [
        _unit_price(line, listing, order.currency, may_set_prices)
        for line, listing in zip(order.lines, found, strict=True)
    ]
    nets = [line.quantity * unit for line, unit in zip(order.lines, units, strict=True)]
    taxes = _taxes(order, nets, found)
    shipping = _given(order.shipping, order.currency, "shipping")
    if shipping is None:
        shipping = _rate(order, rates)
    total = sum(nets) + sum(taxes) + shipping
    if total > MAX_AMOUNT:
        raise Malformed(f"the total {total} is above the largest amount {MAX_AMOUNT}")
    lines = tuple(
        PricedLine(
            item_id=listing.item_id,
            sku=listing.sku,
            name=listing.name,
            quantity=line.quantity,
            unit_price_amount=unit,
            discount_amount=0,
            tax_rate=listing.tax_rate,
            tax_amount=tax,
            total_amount=net + tax,
        )
        for line, listing, unit, net, tax in zip(
            order.lines, found, units, nets, taxes, strict=True
        )
    )
    return PricedOrder(
        currency=order.currency,
        lines=lines,
        subtotal_amount=sum(nets),
        discount_amount=0,
        shipping_amount=shipping,
        shipping_tax_amount=0,
        tax_amount=sum(taxes),
        total_amount=total,
    )


def _rate(order: PlaceOrder, rates: Mapping[str, Mapping[Service, int]]) -> int:
    rate = rates.get(order.currency, {}).get(order.shipping_service)
    if rate is None:
        raise Malformed(
            f"there is no rate for {order.shipping_service} shipping in {order.currency}; there are"
            f" rates in {', '.join(sorted(rates)) or 'no currency'}",
            errors=[{"pointer": "/currency", "message": "no shipping rate in this currency"}],
        )
    return rate


def _listing(order: PlaceOrder, position: int, listings: Mapping[ItemId | str, Listing]) -> Listing:
    line = order.lines[position]
    wanted = line.item_id if line.item_id is not None else sku_key(line.sku or "")
    pointer = f"/lines/{position}/{'item_id' if line.item_id is not None else 'sku'}"
    listing = listings.get(wanted)
    if listing is None:
        raise Malformed(
            f"there is no item {line.item_id or line.sku}",
            errors=[{"pointer": pointer, "message": "unknown item"}],
        )
    if not listing.sellable:
        raise Malformed(
            f"{listing.sku} is not for sale",
            errors=[{"pointer": pointer, "message": "this item is discontinued or not sellable"}],
        )
    return listing


def _unit_price(line: LineRequest, listing: Listing, currency: str, may_set_prices: bool) -> int:
    given = _given(line.unit_price, currency, "unit_price")
    listed = listing.prices.get(currency)
    if given is not None and (may_set_prices or given == listed):
        return given
    if listed is None:
        raise Malformed(f"{listing.sku} has no list price in {currency}")
    if given is not None:
        raise PriceChanged(
            f"the list price of {listing.sku} is {Money(amount=listed, currency=currency)}",
            sku=listing.sku,
            current={"amount": listed, "currency": currency},
        )
    return listed


def _taxes(order: PlaceOrder, nets: list[int], found: list[Listing]) -> list[int]:
    given = _given(order.tax, order.currency, "tax")
    if given is not None:
        return split(given, nets)
    return [half_up(net * item.tax_rate) for net, item in zip(nets, found, strict=True)]


def _given(money: Money | None, currency: str, field: str) -> int | None:
    if money is None:
        return None
    if money.currency != currency:
        raise CurrencyMismatch(
            f"{field} is in {money.currency}, the order in {currency}",
            errors=[{"pointer": f"/{field}/currency", "message": f"must be {currency}"}],
        )
    return money.amount
