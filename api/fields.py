"""Fields that several views show, each explained once for all of them."""

from datetime import datetime
from typing import Annotated, Any, TypeVar
from uuid import UUID

from fastapi import Path
from pydantic import Field

from domain.ids import ItemId, OrderId, SiteId
from domain.metadata import FORM
from domain.money import Money
from domain.quantities import Total

Id = TypeVar("Id", bound=UUID)

WITHHELD = "Null for callers who may not see it."
"""Describes a field that `domain.disclosure` withholds from some."""

# Of every document.
OwnId = Annotated[Id, Field(description="Made here; it never changes.")]
Number = Annotated[
    str, Field(description="Its name for people, such as `SO-1042`; unique, and never changes.")
]
CreatedAt = Annotated[datetime, Field(description="When it came to be, in UTC (RFC 3339).")]
UpdatedAt = Annotated[
    datetime, Field(description="When `version` was last counted up, in UTC (RFC 3339).")
]
Version = Annotated[
    int,
    Field(description="Counted up by every change of the document itself; its `ETag` begins so."),
]
Source = Annotated[
    str, Field(description="The integration that brought it, by its name; else `api`.")
]
ExternalReference = Annotated[
    str | None, Field(description="What its source calls it, once within the source.")
]
KeptMetadata = Annotated[dict[str, str] | None, Field(description=f"{FORM}. {WITHHELD}")]
Actor = Annotated[
    str,
    Field(
        description="Whose doing it is, such as `key:my-shop`, or `system` for the product itself;"
        " `company` in the place of people and keys that the caller may not know."
    ),
]

# What others are called by.
OrderRef = Annotated[OrderId, Field(description="The order that it belongs to.")]
ItemRef = Annotated[ItemId, Field(description="Which item.")]
Sku = Annotated[str, Field(description="The item's name for people.")]
SiteRef = Annotated[SiteId, Field(description="Which warehouse or plant.")]

# Of stock.
OnHand = Annotated[Total, Field(description="Units that are there.")]
Reserved = Annotated[Total, Field(description="Units of those that are promised to orders.")]
Available = Annotated[
    Total,
    Field(
        description="Units that can still be sold: what is there and not promised, where the site"
        " is active and the location is one to sell from."
    ),
]

# Of a shipment and its parcels.
Carrier = Annotated[str, Field(description="Who transports it, by name.")]
TrackingNumber = Annotated[
    str,
    Field(
        description="The carrier's number for the parcel; carriers use numbers again once a journey"
        " is over."
    ),
]
MoreParcels = Annotated[
    bool,
    Field(description="Whether it has more parcels than are shown, which are 200 at most."),
]
Trouble = Annotated[
    str | None,
    Field(
        description="Trouble with a parcel, such as `address_problem`, that lies over the status"
        " until the carrier's next scan; null without any."
    ),
]
DeliveredAt = Annotated[
    datetime | None,
    Field(description="When the last parcel was delivered; null as long as it is not."),
]
SignedBy = Annotated[
    str, Field(description="Who took the goods, as the carrier says; empty where it does not.")
]

# Of an attempt to pay.
Provider = Annotated[
    str, Field(description="The payment provider that is asked, by name; `bank` for a transfer.")
]
Method = Annotated[
    str, Field(description="How the customer pays: `card`, `bank_transfer` or `net_terms`.")
]
ToPay = Annotated[Money, Field(description="What is to be paid by this attempt.")]
Authorized = Annotated[Money, Field(description="What is still reserved on the card.")]
Captured = Annotated[Money, Field(description="What was taken so far.")]
Refunded = Annotated[Money, Field(description="What was given back of it.")]
ChargedBack = Annotated[Money, Field(description="What the cardholder's bank took back of it.")]


def by_id(what: str, alias: str | None = None) -> Any:
    """Describe a part of a path that says which document is meant."""
    return Path(alias=alias, description=f"Which {what}, by its `id`.")
