"""Waiting demand: whose turn it is when stock comes in, and how much each one gets of it."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby
from uuid import UUID

from domain.documents import Document
from domain.value import Value


@dataclass(frozen=True, slots=True)
class Demand:
    """Units of one item that a line of a document lacks."""

    document: Document
    line_id: UUID
    item_id: UUID
    quantity: Decimal
    all_or_none: bool
    """Whether the document takes all that it lacks, or nothing; else it takes whole units."""


@dataclass(frozen=True, slots=True)
class Free:
    """What is free of an item, and of one lot of it, at a location of the site."""

    item_id: UUID
    location_id: UUID
    quantity: Decimal
    lot_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Served:
    """What a line gets of what is free at a location."""

    demand: Demand
    free: Free
    quantity: Decimal


class Review(Value):
    """What came of one look at a site's stock."""

    again: bool
    """Whether there is more to be served at once."""
    waits: bool
    """Whether demand still waits for something of which the site has some, though not enough."""


def serve(queue: Iterable[Demand], stock: Iterable[Free]) -> list[Served]:
    """Share what is free out to those who wait, in the order of the queue.

    A demand that is not served withholds what it lacks from those behind it, as far as it is there:
    else small ones would take what a large one is being waited for, time and again. All demands of
    a document that takes all or nothing follow one another in the queue.
    """
    shelves = _Shelves(stock)
    served: list[Served] = []
    for _, following in groupby(queue, key=_together):
        demands = list(following)
        if all(not each.all_or_none or shelves.has(demands, each.item_id) for each in demands):
            for each in demands:
                served += shelves.take(each)
        else:
            for each in demands:
                # Set aside, and given to no one in this pass.
                list(shelves.take(each))
    return served


def _together(demand: Demand) -> tuple[Document, UUID | None]:
    """Return what demands have in common that are served together."""
    return demand.document, None if demand.all_or_none else demand.line_id


class _Shelves:
    """What is left of the stock, in the order in which it is given."""

    def __init__(self, stock: Iterable[Free]) -> None:
        self._left: defaultdict[UUID, dict[Free, Decimal]] = defaultdict(dict)
        for each in stock:
            if each.quantity > 0:
                self._left[each.item_id][each] = each.quantity

    def has(self, demands: Sequence[Demand], item_id: UUID) -> bool:
        """Whether there is all of an item that these lack together."""
        lacking = sum(each.quantity for each in demands if each.item_id == item_id)
        return sum(self._left[item_id].values()) >= lacking

    def take(self, demand: Demand) -> Iterator[Served]:
        """Take as much as there is for a demand, whole units unless it takes all or nothing."""
        lacking = demand.quantity
        for free, there in self._left[demand.item_id].items():
            part = min(lacking, there)
            part = part if demand.all_or_none else Decimal(int(part))
            if part > 0:
                lacking -= part
                self._left[demand.item_id][free] -= part
                yield Served(demand, free, part)
