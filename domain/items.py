"""Items: what is stocked, made and sold, with list prices."""

from decimal import Decimal
from enum import StrEnum
from typing import Annotated
from unicodedata import normalize

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from domain.errors import Malformed
from domain.ids import ItemId
from domain.metadata import FORM, Metadata
from domain.money import Money
from domain.quantities import exact
from domain.value import Change, Name, Value
from domain.warranties.terms import Code

Rate = Annotated[
    Decimal,
    BeforeValidator(exact),
    Field(ge=0, lt=1, decimal_places=6, allow_inf_nan=False),
    WithJsonSchema({"type": "string", "pattern": r"^0(\.[0-9]{1,6})?$", "examples": ["0.080000"]}),
]
"""A fraction: 0.08 is 8 %."""


def sku_key(sku: str) -> str:
    """Return that by which two SKUs are the same: in any case, composed or decomposed.

    Canonical caseless matching of the Unicode standard (3.13, D145), composed once more so that a
    key is short. Ours alone folds: a database's ``lower`` depends on its locale.
    """
    return normalize("NFC", normalize("NFD", sku).casefold())


def _one_per_currency(prices: tuple[Money, ...]) -> tuple[Money, ...]:
    if len({price.currency for price in prices}) != len(prices):
        raise ValueError("give at most one price per currency")
    return prices


Weight = Annotated[int, Field(strict=True, ge=0, le=10_000_000)]
"""Grams of one unit."""
ReturnDays = Annotated[int, Field(strict=True, ge=0, le=3650)]
"""Days from its delivery in which a unit may come back; 0: never."""
ShelfLife = Annotated[int, Field(strict=True, ge=0, le=3650)]
"""Days that a lot must have left to be promised."""
Prices = Annotated[tuple[Money, ...], Field(max_length=50), AfterValidator(_one_per_currency)]
"""List prices, at most one per currency."""


WINDOW = (
    "For so many days after its delivery a unit may come back, the last one inclusive; 0: never,"
    " it is a final sale"
)


FEE = (
    "The share of the money for a returned unit that is kept: `0.15` is 15 %. Never of what comes"
    " back for our own fault, nor of a withdrawal"
)


COST = "What one unit is worth to the company, for what repairs and replacements cost"
TERM = "The code of the warranty term that it is sold with"
BACKORDERABLE = "Whether orders with `shortage_policy` `backorder` may wait for it"


class ItemStatus(StrEnum):
    """Whether new documents may name the item."""

    ACTIVE = "active"
    DISCONTINUED = "discontinued"


class Tracking(StrEnum):
    """Whether the units of an item are known one by one, or by the lot that they belong to."""

    NONE = "none"
    SERIAL = "serial"
    LOT = "lot"


TRACKED = (
    "`serial`: each unit has a serial and a history of its own, and stock is counted by naming its"
    " units; `lot`: stock is counted by lot, and what expires first leaves first; `none`: only"
    " quantities are counted"
)


SHELF_LIFE = (
    "Of an item that is tracked by lot: so many days before its last one a lot is promised no more;"
    " 0: on its last day it still is"
)


SERIAL_AT_SHIPPING = (
    "Whether its units, which are only counted in stock, are scanned when they leave, so that each"
    " has a warranty of its own; of an item with `tracking` `none` and a `warranty_term`"
)


class Listing(Value):
    """What an order needs to know of an item: its name, whether it is for sale, and its prices."""

    item_id: ItemId
    sku: str
    name: str
    sellable: bool
    tax_rate: Decimal
    prices: dict[str, int]
    """List price by currency, in minor units."""
    backorderable: bool = False
    serial_at_shipping: bool = False


class CreateItem(Value):
    """A new item with its list prices, at most one per currency."""

    sku: Name
    """Its name for people; belongs to one item, in whatever case. It stays."""
    name: Name
    """What it is, as it stands on orders."""
    sellable: bool = True
    """Whether orders may name it."""
    tax_rate: Rate = Decimal(0)
    """The share of the price that comes on top as tax: `0.08` is 8 %."""
    weight_grams: Weight = 0
    """Of one unit; what parcels are packed by."""
    prices: Prices = ()
    """List prices without tax, one per currency in which it is sold."""
    # What follows is left out of what names a request where it is not given, as the release before
    # wrote it.
    return_window_days: ReturnDays | None = Field(
        default=None,
        exclude_if=lambda given: given is None,
        description=f"{WINDOW}; the company's setting when left out.",
    )
    restocking_fee_rate: Rate = Field(
        default=Decimal(0), exclude_if=lambda given: not given, description=f"{FEE}."
    )
    tracking: Tracking = Field(
        default=Tracking.NONE,
        exclude_if=lambda given: given is Tracking.NONE,
        description=f"{TRACKED}.",
    )
    min_shelf_life_days: ShelfLife = Field(
        default=0, exclude_if=lambda given: not given, description=f"{SHELF_LIFE}."
    )
    warranty_term: Code | None = Field(
        default=None, exclude_if=lambda given: given is None, description=f"{TERM}; null: none."
    )
    backorderable: bool = Field(
        default=False, exclude_if=lambda given: not given, description=f"{BACKORDERABLE}."
    )
    standard_cost: Money | None = Field(
        default=None,
        exclude_if=lambda given: given is None,
        description=f"{COST}; null: it is not known.",
    )
    serial_at_shipping: bool = Field(
        default=False, exclude_if=lambda given: not given, description=f"{SERIAL_AT_SHIPPING}."
    )
    metadata: Metadata = Field(
        default={}, exclude_if=lambda given: not given, description=f"{FORM}."
    )


class ItemChange(Change):
    """What of an item is to change; orders keep the names and prices they were placed with."""

    name: Name | None = None
    """What it is, as it stands on orders from now on."""
    sellable: bool | None = None
    """Whether orders may name it."""
    tax_rate: Rate | None = None
    """The share of the price that comes on top as tax: `0.08` is 8 %."""
    weight_grams: Weight | None = None
    """Of one unit; what parcels are packed by from now on."""
    prices: Prices | None = Field(
        default=None, description="Valid from now on; prices in other currencies stay."
    )
    status: ItemStatus | None = Field(
        default=None, description="A discontinued item is ordered no more; what is open goes on."
    )
    return_window_days: ReturnDays | None = Field(
        default=None,
        description=f"{WINDOW}. Holds for what was sold before, too; null: the company's setting.",
    )
    restocking_fee_rate: Rate | None = Field(
        default=None, description=f"{FEE}. Holds for returns that are requested from now on."
    )
    tracking: Tracking | None = Field(
        default=None,
        description=f"{TRACKED}. It stays once there has been stock of the item.",
    )
    min_shelf_life_days: ShelfLife | None = Field(
        default=None, description=f"{SHELF_LIFE}. What is promised already stays so."
    )
    warranty_term: Code | None = Field(
        default=None,
        description=f"{TERM}; null: none. Holds for what is delivered from now on.",
    )
    backorderable: bool | None = Field(
        default=None, description=f"{BACKORDERABLE}. What waits already goes on waiting."
    )
    standard_cost: Money | None = Field(
        default=None,
        description=f"{COST}; null: it is not known. Holds for what leaves stock from now on.",
    )
    serial_at_shipping: bool | None = Field(
        default=None, description=f"{SERIAL_AT_SHIPPING}. Holds for what is ordered from now on."
    )
    metadata: Metadata | None = Field(
        default=None, description=f"{FORM}. Other keys stay; null or an empty text removes one."
    )

    @classmethod
    def may_be_empty(cls) -> frozenset[str]:
        """Return the fields that null empties."""
        return frozenset({"return_window_days", "warranty_term", "standard_cost"})


def check_scanned(tracking: str, warranty_term: str | None, *, serial_at_shipping: bool) -> None:
    """Raise Malformed unless an item whose units are scanned when they leave gains by it."""
    wrong = ""
    if serial_at_shipping and tracking != Tracking.NONE:
        wrong = f"of an item that is tracked by {tracking}"
    elif serial_at_shipping and warranty_term is None:
        wrong = "of an item that is sold without a warranty"
    if wrong:
        raise Malformed(
            f"serial_at_shipping is not {wrong}",
            errors=[{"pointer": "/serial_at_shipping", "message": f"not {wrong}"}],
        )
