"""Juniper Trail Outfitters: an invented company to try things on, small enough to know by heart."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from uuid import NAMESPACE_URL, uuid5

from sqlalchemy.ext.asyncio import AsyncConnection

from activities.inventory.accepting import accept_adjustment
from activities.warranties.defining import define_term
from db.engine import Database
from db.inventory.receiving import Arrival, open_stock
from db.loading import (
    LoadedCustomer,
    LoadedItem,
    LoadedLocation,
    LoadedPrice,
    LoadedSite,
    load_rows,
)
from db.warranties.terms import find_newest_term, set_item_term
from domain.adjustments import AdjustmentReason, AdjustStock
from domain.ids import CustomerId, ItemId, LocationId, SiteId
from domain.inventory import LocationKind
from domain.items import Tracking, sku_key
from domain.money import Money
from domain.warranties.terms import Cover, DefineTerm

SOURCE = "sample"
_ACTOR = f"import:{SOURCE}"
CURRENCY = "USD"
_NAMESPACE = uuid5(NAMESPACE_URL, "urn:stateset:sample")
_SINCE = datetime(2026, 1, 1, tzinfo=UTC)

_SITES = (
    ("AUS", "Austin", "2200 Harbor Freight Way", "TX", "78741", 10),
    ("RNO", "Reno", "480 Sagebrush Court", "NV", "89502", 20),
    ("CMH", "Columbus", "17 Foundry Street", "OH", "43215", 30),
)
_PLACES = (
    ("A-01", LocationKind.STOCK, True, True),
    ("RECEIVING", LocationKind.RECEIVING, False, True),
    ("QUARANTINE", LocationKind.QUARANTINE, False, True),
    ("DAMAGED", LocationKind.DAMAGED, False, False),
    ("REPAIR", LocationKind.REPAIR, False, False),
)
"""Code, kind, sellable and valued of the locations that each site has."""

LANTERN = "LANTERN-R"
"""What has a serial number and a warranty."""
CELL = "CELL-18650"
"""What lanterns are mended with; it is not sold."""
SERIALS = ("JT-0041", "JT-0042", "JT-0043")
"""Of the lanterns in stock on the first day; they are where the cells are."""

# SKU, name, price in cents (0: not sold), weight in grams, and what is where on the first day.
_ITEMS: tuple[tuple[str, str, int, int, Mapping[str, int]], ...] = (
    ("TENT-2P", "Two-person tent", 24900, 2100, {"RNO": 60}),
    ("TENT-4P", "Four-person tent", 38900, 4300, {"RNO": 25}),
    ("BAG-DOWN", "Down sleeping bag", 21900, 980, {"AUS": 40, "RNO": 40}),
    ("PAD-AIR", "Air pad", 8900, 540, {"AUS": 80, "CMH": 60}),
    ("STOVE-GAS", "Gas stove", 5900, 310, {"CMH": 90}),
    ("POT-TI", "Titanium pot", 4400, 160, {"AUS": 70, "CMH": 70}),
    ("LAMP-HEAD", "Headlamp", 3900, 85, {"AUS": 150}),
    ("FILTER", "Water filter", 4200, 120, {"AUS": 90, "RNO": 50}),
    ("PACK-55", "Backpack, 55 litres", 18900, 1450, {"AUS": 35, "CMH": 30}),
    ("POLES", "Trekking poles, pair", 9900, 480, {"RNO": 70, "CMH": 40}),
    ("SOCKS-M", "Wool socks, medium", 1900, 90, {"AUS": 300}),
    ("KNIFE-LE", "Pocket knife, numbered edition", 12900, 110, {"AUS": 2}),
    (LANTERN, "Rechargeable lantern", 7900, 420, {}),
    (CELL, "Battery cell for lanterns", 0, 48, {"AUS": 25}),
)
_LIMIT = Money(amount=20_000, currency=CURRENCY)
_TERM = DefineTerm(
    code="LANTERN-24",
    duration_months=24,
    covers=(Cover.PARTS, Cover.LABOR),
    auto_limit=_LIMIT,
)
_CUSTOMERS = (
    ("C-1001", "Maya Okafor", "maya.okafor", "person"),
    ("C-1002", "Jonas Lindqvist", "jonas.lindqvist", "person"),
    ("C-1003", "Priya Raman", "priya.raman", "person"),
    ("C-1004", "Tom Abernathy", "tom.abernathy", "person"),
    ("C-1005", "Lucía Ferrer", "lucia.ferrer", "person"),
    ("C-1006", "Hannah Weiss", "hannah.weiss", "person"),
    ("C-1007", "High Desert Guides", "orders", "company"),
    ("C-1008", "Cuyahoga Scouts", "quartermaster", "company"),
)


@dataclass(frozen=True)
class Company:
    """The sample company's ids, by the names that people know."""

    customers: dict[str, CustomerId]
    """By customer name."""
    items: dict[str, ItemId]
    """By SKU."""
    prices: dict[str, int]
    """Cents, by SKU."""
    sites: dict[str, SiteId]
    """By site code."""


def describe_company() -> Company:
    """Return the company's ids; they are the same in every installation."""
    return Company(
        customers={name: CustomerId(uuid5(_NAMESPACE, code)) for code, name, _, _ in _CUSTOMERS},
        items={sku: ItemId(uuid5(_NAMESPACE, sku)) for sku, *_ in _ITEMS},
        prices={sku: price for sku, _, price, _, _ in _ITEMS if price},
        sites={code: SiteId(uuid5(_NAMESPACE, code)) for code, *_ in _SITES},
    )


async def load_company(db: Database) -> Company:
    """Bring the company in with its opening stock; a repeat changes nothing."""
    company = describe_company()
    async with db.begin() as connection:
        await load_rows(connection, _customers(company))
        await load_rows(connection, _items(company))
        await load_rows(connection, _prices(company))
        await load_rows(connection, _sites(company))
        await load_rows(connection, _locations(company))
        await open_stock(connection, _stock(company), actor=_ACTOR)
        await _bring_lanterns(connection, company)
    return company


async def _bring_lanterns(db: AsyncConnection, company: Company) -> None:
    """Promise what lanterns are sold with, and bring in those that there are: both once."""
    if await find_newest_term(db, _TERM.code) is not None:
        return
    await define_term(db, uuid5(_NAMESPACE, _TERM.code), _TERM, actor=_ACTOR)
    await set_item_term(db, company.items[LANTERN], _TERM.code)
    found = AdjustStock(
        item_id=company.items[LANTERN],
        location_id=_location_id("AUS", _PLACES[0][0]),
        quantity=Decimal(len(SERIALS)),
        reason=AdjustmentReason.FOUND,
        serials=SERIALS,
    )
    await accept_adjustment(db, uuid5(_NAMESPACE, LANTERN), found, actor=_ACTOR)


def address_of(name: str, postal_code: str = "80302") -> dict[str, str]:
    """Return an address for a recipient; the sandbox carrier obeys some postal codes."""
    return {
        "name": name,
        "line1": "1400 Pearl Street",
        "city": "Boulder",
        "region": "CO",
        "postal_code": postal_code,
        "country": "US",
    }


def _customers(company: Company) -> list[LoadedCustomer]:
    return [
        LoadedCustomer(
            id=company.customers[name],
            kind=kind,
            name=name,
            email=f"{mailbox}@example.com",
            phone=None,
            source=SOURCE,
            external_reference=code,
            address=address_of(name),
        )
        for code, name, mailbox, kind in _CUSTOMERS
    ]


def _items(company: Company) -> list[LoadedItem]:
    return [
        LoadedItem(
            id=company.items[sku],
            sku=sku,
            sku_key=sku_key(sku),
            name=name,
            sellable=price > 0,
            weight_grams=weight,
            tracking=Tracking.SERIAL if sku == LANTERN else Tracking.NONE,
        )
        for sku, name, price, weight, _ in _ITEMS
    ]


def _prices(company: Company) -> list[LoadedPrice]:
    return [
        LoadedPrice(item_id=company.items[sku], currency=CURRENCY, valid_from=_SINCE, amount=cents)
        for sku, cents in company.prices.items()
    ]


def _sites(company: Company) -> list[LoadedSite]:
    return [
        LoadedSite(
            id=company.sites[code],
            code=code,
            name=city,
            address={
                "name": f"Juniper Trail Outfitters, {city}",
                "line1": street,
                "city": city,
                "region": region,
                "postal_code": postal_code,
                "country": "US",
            },
            rank=rank,
        )
        for code, city, street, region, postal_code, rank in _SITES
    ]


def _location_id(site: str, code: str) -> LocationId:
    return LocationId(uuid5(_NAMESPACE, f"{site}/{code}"))


def _locations(company: Company) -> list[LoadedLocation]:
    return [
        LoadedLocation(
            id=_location_id(site, code),
            site_id=company.sites[site],
            code=code,
            kind=kind,
            sellable=sellable,
            valued=valued,
        )
        for site, *_ in _SITES
        for code, kind, sellable, valued in _PLACES
    ]


def _stock(company: Company) -> list[Arrival]:
    return [
        Arrival(
            key=f"opening/{SOURCE}/{sku}/{site}",
            item_id=company.items[sku],
            location_id=_location_id(site, _PLACES[0][0]),
            quantity=Decimal(units),
        )
        for sku, _, _, _, there in _ITEMS
        for site, units in there.items()
    ]
