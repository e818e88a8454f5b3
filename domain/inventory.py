"""Stock: locations, movements, reservations, and the allocation of an order to sites."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from domain.addresses import Address
from domain.errors import OutOfStock
from domain.ids import ItemId, LocationId, LotId, SiteId
from domain.value import Change, Name, Value


class LocationKind(StrEnum):
    """What a location is for; only ``stock`` can be sold from."""

    STOCK = "stock"
    RECEIVING = "receiving"
    QUARANTINE = "quarantine"
    DAMAGED = "damaged"
    REPAIR = "repair"
    TRANSIT = "transit"
    SUPPLIER = "supplier"
    CUSTOMER = "customer"
    PRODUCTION = "production"
    LOSS = "loss"
    OPENING = "opening"


VIRTUAL = frozenset(
    {
        LocationKind.SUPPLIER,
        LocationKind.CUSTOMER,
        LocationKind.PRODUCTION,
        LocationKind.LOSS,
        LocationKind.OPENING,
    }
)
"""Kinds that only make a movement two-sided and carry no balance."""


class CreateLocation(Value):
    """A bin or area of a new site; its stock can be sold if it is of the kind ``stock``."""

    code: Name
    """Its name in the site, where it is the only one of that name."""
    kind: LocationKind = LocationKind.STOCK
    """What it is for; one of the kinds inside a site."""
    valued: bool = True
    """Whether what lies there counts in the value of the stock."""

    @model_validator(mode="after")
    def _holds_stock(self) -> Self:
        if self.kind in VIRTUAL:
            raise ValueError(f"{self.kind} is not a place in a site")
        return self


Rank = Annotated[int, Field(strict=True, ge=0, le=10_000)]
"""Sites of a lower rank are served from first."""

_AT_EACH_SITE = (
    LocationKind.STOCK,
    LocationKind.RECEIVING,
    LocationKind.QUARANTINE,
    LocationKind.DAMAGED,
    LocationKind.REPAIR,
)


class CreateSite(Value):
    """A new warehouse or plant with its locations; lower ``rank`` is served from first."""

    code: Name = Field(description="Its name on documents, of which there is one. It stays.")
    name: Name
    """What people call it."""
    address: Address = Field(description="Where its shipments leave from.")
    rank: Rank = Field(default=100, description="0 to 10,000; a lower one is served from first.")
    locations: tuple[CreateLocation, ...] = Field(
        default=(),
        max_length=1000,
        description="Each with a code of its own. A kind that is missing gets one location, whose"
        " code is its kind in capitals.",
    )

    @property
    def places(self) -> tuple[CreateLocation, ...]:
        """The locations of the new site: those given, and one of each kind that is missing."""
        given = {place.kind for place in self.locations}
        missing = [kind for kind in _AT_EACH_SITE if kind not in given]
        return (
            *self.locations,
            *(CreateLocation(code=kind.upper(), kind=kind) for kind in missing),
        )

    @model_validator(mode="after")
    def _codes_differ(self) -> Self:
        if len({place.code for place in self.places}) != len(self.places):
            raise ValueError("give each location a code of its own; a missing kind's is its name")
        return self


class SiteChange(Change):
    """What of a site is to change; what is left out stays."""

    name: Name | None = None
    """What people call it."""
    address: Address | None = Field(
        default=None,
        description="Where shipments leave from that are planned from now on.",
    )
    rank: Rank | None = Field(
        default=None, description="0 to 10,000; a lower one is served from first."
    )
    active: bool | None = Field(
        default=None,
        description="False: nothing more is promised from there; what is promised still leaves.",
    )


class MovementKind(StrEnum):
    """Why a quantity went from one location to another."""

    RECEIPT = "receipt"
    ISSUE = "issue"
    RETURN = "return"
    PRODUCTION = "production"
    ADJUSTMENT = "adjustment"
    TRANSFER = "transfer"
    COUNT = "count"
    SCRAP = "scrap"


class ReservationStatus(StrEnum):
    """Whether a promise still stands."""

    ACTIVE = "active"
    CONSUMED = "consumed"
    RELEASED = "released"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Shelf:
    """What is free of one item, and one lot of it, at one location."""

    item_id: ItemId
    sku: str
    location_id: LocationId
    location_code: str
    site_id: SiteId
    site_code: str
    site_rank: int
    available: int
    lot_id: LotId | None = None
    received_on: date = date.min
    expires_on: date = date.max
    """The last day of its lot; the end of time where it has none."""

    @property
    def turn(self) -> tuple[date, date, str, str]:
        """Sort key inside a site: what expires first, then what came first."""
        return (self.expires_on, self.received_on, self.location_code, str(self.lot_id))


@dataclass(frozen=True, slots=True)
class Pick:
    """A quantity of one item, and one lot of it, to be taken from one location."""

    item_id: ItemId
    location_id: LocationId
    site_id: SiteId
    quantity: int
    lot_id: LotId | None = None


def allocate(
    demand: Mapping[ItemId, int],
    shelves: Iterable[Shelf],
    skus: Mapping[ItemId, str],
    may_wait: Set[ItemId] = frozenset(),
) -> list[Pick]:
    """Serve the whole demand or raise OutOfStock with every shortage at once.

    Of the items that ``may_wait`` as much as there is: the rest is no shortage.
    If one site can serve everything, the one of lowest rank, then code; otherwise repeatedly the
    site that covers the most units still open. Inside a site the lot that expires first, then the
    one that came first; of items without lots the locations in order of their code.
    """
    sites: dict[SiteId, list[Shelf]] = {}
    for shelf in shelves:
        if shelf.available > 0 and shelf.item_id in demand:
            sites.setdefault(shelf.site_id, []).append(shelf)
    if may_wait:
        demand = _what_there_is(demand, sites, may_wait)
    _refuse_shortages(demand, sites, skus)
    for at_site in sites.values():
        at_site.sort(key=lambda shelf: shelf.turn)
    left = dict(demand)
    plan: list[Pick] = []
    while left:
        best = min(sites.values(), key=lambda at_site: _preference(left, at_site))
        for shelf in best:
            take = min(left.get(shelf.item_id, 0), shelf.available)
            if take > 0:
                plan.append(
                    Pick(
                        item_id=shelf.item_id,
                        location_id=shelf.location_id,
                        site_id=shelf.site_id,
                        quantity=take,
                        lot_id=shelf.lot_id,
                    )
                )
                left[shelf.item_id] -= take
                if not left[shelf.item_id]:
                    del left[shelf.item_id]
        del sites[best[0].site_id]
    return plan


def _what_there_is(
    demand: Mapping[ItemId, int],
    sites: Mapping[SiteId, Sequence[Shelf]],
    may_wait: Set[ItemId],
) -> dict[ItemId, int]:
    """Return the demand, of the items that may wait no more than is free."""
    free = _free(sites)
    least = {
        item: min(wanted, free[item]) if item in may_wait else wanted
        for item, wanted in demand.items()
    }
    return {item: wanted for item, wanted in least.items() if wanted}


def _free(sites: Mapping[SiteId, Sequence[Shelf]]) -> Counter[ItemId]:
    free: Counter[ItemId] = Counter()
    for at_site in sites.values():
        for shelf in at_site:
            free[shelf.item_id] += shelf.available
    return free


def _preference(left: Mapping[ItemId, int], at_site: Sequence[Shelf]) -> tuple[int, int, str]:
    """Sort key: most units covered first, then lowest rank, then code."""
    free: dict[ItemId, int] = {}
    for shelf in at_site:
        free[shelf.item_id] = free.get(shelf.item_id, 0) + shelf.available
    covered = sum(min(quantity, free.get(item, 0)) for item, quantity in left.items())
    return (-covered, at_site[0].site_rank, at_site[0].site_code)


def _refuse_shortages(
    demand: Mapping[ItemId, int],
    sites: Mapping[SiteId, Sequence[Shelf]],
    skus: Mapping[ItemId, str],
) -> None:
    free = _free(sites)
    shortages = [
        {"sku": skus[item], "requested": wanted, "available": free[item]}
        for item, wanted in demand.items()
        if free[item] < wanted
    ]
    if shortages:
        names = ", ".join(str(short["sku"]) for short in shortages)
        raise OutOfStock(f"not enough of {names}", shortages=shortages)


def assign(
    lines: Sequence[tuple[int, ItemId, int]], plan: Iterable[Pick]
) -> list[tuple[int, Pick]]:
    """Give the picks of a plan to the lines (position, item, quantity) in order.

    Two lines of one item share its picks; each result is the part of one pick for one line. Where
    they do not suffice, the first lines are served.
    """
    pools: dict[ItemId, list[Pick]] = {}
    for pick in plan:
        pools.setdefault(pick.item_id, []).append(pick)
    given: list[tuple[int, Pick]] = []
    for position, item_id, quantity in lines:
        left = quantity
        pool = pools.get(item_id, [])
        while left and pool:
            pick = pool.pop(0)
            if pick.quantity > left:
                pool.insert(0, replace(pick, quantity=pick.quantity - left))
                pick = replace(pick, quantity=left)
            given.append((position, pick))
            left -= pick.quantity
    return given
