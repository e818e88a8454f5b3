"""What an order costs: its lines and totals by the price list, the rates and what is given."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from domain.errors import CurrencyMismatch, Malformed, PriceChanged
from domain.ids import ItemId
from domain.items import Listing, sku_key
from domain.money import MAX_AMOUNT, Money, half_up, split
from domain.orders.placing import LineRequest, PlaceOrder, Service


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
    serial_at_shipping: bool = False


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
            serial_at_shipping=listing.serial_at_shipping,
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
