"""What is stocked, made and sold."""

from decimal import Decimal
from enum import StrEnum

from domain.ids import ItemId
from domain.value import Value


class ItemStatus(StrEnum):
    """Whether new documents may name the item."""

    ACTIVE = "active"
    DISCONTINUED = "discontinued"


class Listing(Value):
    """What an order needs to know of an item: its name, whether it is for sale, and its prices."""

    item_id: ItemId
    sku: str
    name: str
    sellable: bool
    tax_rate: Decimal
    prices: dict[str, int]
    """List price by currency, in minor units."""
