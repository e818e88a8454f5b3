"""AdventureWorks in our words: the same rows, under ids that a repeat finds again."""

from dataclasses import dataclass
from datetime import UTC, datetime, time
from decimal import Decimal
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

from db.inventory.receiving import Arrival
from db.loading import (
    LoadedCustomer,
    LoadedItem,
    LoadedLocation,
    LoadedPrice,
    LoadedReorderRule,
    LoadedSite,
)
from domain.ids import CustomerId, ItemId, LocationId, SiteId
from domain.inventory import LocationKind
from domain.items import sku_key
from domain.money import half_up
from runtime.commands.adventureworks import addresses, customers, files

SOURCE = "adventureworks"
CURRENCY = "USD"
SITE_CODE = "ADVENTUREWORKS"
_NAMESPACE = uuid5(NAMESPACE_URL, "urn:stateset:adventureworks")
SITE_ID = SiteId(uuid5(_NAMESPACE, "site"))
_ADDRESS = {
    "name": "Adventure Works Cycles",
    "line1": "1 Bothell Way",
    "city": "Bothell",
    "region": "WA",
    "postal_code": "98011",
    "country": "US",
}
_NOT_SOLD_FROM = {
    LocationKind.RECEIVING: True,
    LocationKind.QUARANTINE: True,
    LocationKind.DAMAGED: False,
    LocationKind.REPAIR: False,
}
"""The other kinds of place that a site needs, and whether what is there is valued."""


def customer_id(number: int) -> CustomerId:
    """Return our id of their customer."""
    return CustomerId(uuid5(_NAMESPACE, f"customer/{number}"))


def item_id(number: int) -> ItemId:
    """Return our id of their product."""
    return ItemId(uuid5(_NAMESPACE, f"product/{number}"))


def location_id(number: int) -> LocationId:
    """Return our id of their location."""
    return LocationId(uuid5(_NAMESPACE, f"location/{number}"))


@dataclass(frozen=True)
class Company:
    """Everything that an import brings in, and what it cannot bring in with the reason."""

    customers: list[LoadedCustomer]
    items: list[LoadedItem]
    prices: list[LoadedPrice]
    site: LoadedSite
    locations: list[LoadedLocation]
    rules: list[LoadedReorderRule]
    stock: list[Arrival]
    nothing_there: int
    """Entries of stock whose quantity is zero."""
    refused: dict[str, list[str]]
    notes: list[str]


def read_company(folder: Path) -> Company:
    """Read the files and translate them. Raises files.NotReadable."""
    found, lost = addresses.read_addresses(folder)
    buyers, refused = customers.read_customers(folder, found)
    products = files.read_products(folder)
    known = {product.product_id for product in products}
    stock = [entry for entry in files.read_stock(folder) if entry.product_id in known]
    return Company(
        customers=[_customer(buyer) for buyer in buyers],
        items=[_item(product) for product in products],
        prices=[_price(product) for product in products if product.list_price > 0],
        site=LoadedSite(SITE_ID, SITE_CODE, "Adventure Works Cycles", _ADDRESS, 100),
        locations=[*map(_location, files.read_places(folder)), *_other_locations()],
        rules=[_rule(product) for product in products],
        stock=[_opening(entry) for entry in stock if entry.quantity > 0],
        nothing_there=sum(entry.quantity == 0 for entry in stock),
        refused={"customers": [f"{number}: {why}" for number, why in refused.items()]},
        notes=[
            f"{sum(address.repaired for address in found.values())} addresses were torn by a comma"
            " and put together again, with the commonest postal code of their city or province",
            *(f"address {number} is left out: {why}" for number, why in lost.items()),
        ],
    )


def _customer(buyer: customers.Buyer) -> LoadedCustomer:
    return LoadedCustomer(
        id=customer_id(buyer.customer_id),
        kind="company" if buyer.company else "person",
        name=buyer.name,
        email=buyer.email,
        phone=buyer.phone,
        source=SOURCE,
        external_reference=buyer.account,
        address=buyer.address.to(buyer.name) if buyer.address else None,
    )


def _item(product: files.Product) -> LoadedItem:
    return LoadedItem(
        id=item_id(product.product_id),
        sku=product.number,
        sku_key=sku_key(product.number),
        name=product.name,
        sellable=product.list_price > 0,
        weight_grams=product.weight_grams,
    )


def _price(product: files.Product) -> LoadedPrice:
    return LoadedPrice(
        item_id=item_id(product.product_id),
        currency=CURRENCY,
        valid_from=datetime.combine(product.sold_from, time(), UTC),
        amount=half_up(product.list_price * 100),
    )


def _location(place: files.Place) -> LoadedLocation:
    return LoadedLocation(
        id=location_id(place.location_id),
        site_id=SITE_ID,
        code=place.name,
        kind=LocationKind.STOCK,
        sellable=True,
        valued=True,
    )


def _other_locations() -> list[LoadedLocation]:
    return [
        LoadedLocation(
            id=LocationId(uuid5(_NAMESPACE, f"location/{kind}")),
            site_id=SITE_ID,
            code=kind.upper(),
            kind=kind,
            sellable=False,
            valued=valued,
        )
        for kind, valued in _NOT_SOLD_FROM.items()
    ]


def _rule(product: files.Product) -> LoadedReorderRule:
    return LoadedReorderRule(
        id=uuid5(_NAMESPACE, f"rule/{product.product_id}"),
        item_id=item_id(product.product_id),
        site_id=SITE_ID,
        source="make" if product.made else "buy",
        reorder_point=Decimal(product.reorder_point),
        safety_stock=Decimal(product.safety_stock),
    )


def _opening(entry: files.Stock) -> Arrival:
    return Arrival(
        key=f"opening/{SOURCE}/{entry.product_id}/{entry.location_id}",
        item_id=item_id(entry.product_id),
        location_id=location_id(entry.location_id),
        quantity=Decimal(entry.quantity),
    )
