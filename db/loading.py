"""Bulk loading of customers, items and places: an idempotent upsert of many rows at once."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from decimal import Decimal
from typing import ClassVar
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from db.engine import to_json
from domain.ids import CustomerId, ItemId, LocationId, SiteId
from domain.items import Tracking

_BATCH = 5000


@dataclass(frozen=True)
class Loadable:
    """A row to be there afterwards; its id is derived from its source, so a repeat finds it.

    ``never_shared`` are expressions that no two rows may agree on, with the words for a row that
    does; ``ours`` are columns that are only set when the row is new.
    """

    table: ClassVar[str]
    key: ClassVar[tuple[str, ...]] = ("id",)
    never_shared: ClassVar[dict[str, str]] = {}
    ours: ClassVar[frozenset[str]] = frozenset()
    versioned: ClassVar[bool] = False


@dataclass(frozen=True)
class LoadedCustomer(Loadable):
    """Who buys; ``email`` is trimmed and in lower case."""

    table = "customers"
    never_shared: ClassVar[dict[str, str]] = {
        "{0}.email": "another customer has this email",
        "({0}.source, {0}.external_reference)": "another customer has this reference",
    }
    ours = frozenset({"status"})
    versioned = True

    id: CustomerId
    kind: str
    name: str
    email: str | None
    phone: str | None
    source: str
    external_reference: str | None
    address: dict[str, str] | None
    status: str = "active"


@dataclass(frozen=True)
class LoadedItem(Loadable):
    """What is stocked and sold."""

    table = "items"
    never_shared: ClassVar[dict[str, str]] = {"{0}.sku_key": "another item has this SKU"}
    ours = frozenset({"status", "tracking"})
    versioned = True

    id: ItemId
    sku: str
    sku_key: str
    name: str
    sellable: bool
    weight_grams: int
    status: str = "active"
    tracking: Tracking = Tracking.NONE


@dataclass(frozen=True)
class LoadedPrice(Loadable):
    """A list price in minor units."""

    table = "prices"
    key = ("item_id", "currency", "valid_from")

    item_id: ItemId
    currency: str
    valid_from: datetime
    amount: int


@dataclass(frozen=True)
class LoadedSite(Loadable):
    """A warehouse or plant."""

    table = "sites"
    never_shared: ClassVar[dict[str, str]] = {"{0}.code": "another site has this code"}
    versioned = True

    id: SiteId
    code: str
    name: str
    address: dict[str, str]
    rank: int


@dataclass(frozen=True)
class LoadedLocation(Loadable):
    """A place inside a site."""

    table = "locations"
    never_shared: ClassVar[dict[str, str]] = {
        "({0}.site_id, {0}.code)": "another location of the site has this code"
    }

    id: LocationId
    site_id: SiteId
    code: str
    kind: str
    sellable: bool
    valued: bool


@dataclass(frozen=True)
class LoadedReorderRule(Loadable):
    """When to buy or make an item for a site."""

    table = "reorder_rules"
    never_shared: ClassVar[dict[str, str]] = {
        "({0}.item_id, {0}.site_id)": "the item has another rule for this site"
    }

    id: UUID
    item_id: ItemId
    site_id: SiteId
    source: str
    reorder_point: Decimal
    safety_stock: Decimal


@dataclass(frozen=True)
class Loaded:
    """How many rows were new or different, how many were there already, and which were refused."""

    written: int
    unchanged: int
    refused: tuple[tuple[Loadable, str], ...] = ()


async def load_rows(db: AsyncConnection, rows: Sequence[Loadable]) -> Loaded:
    """Insert what is missing and change what differs; the rows are of one kind."""
    written = 0
    refused: list[tuple[Loadable, str]] = []
    for start in range(0, len(rows), _BATCH):
        batch = rows[start : start + _BATCH]
        kind = type(batch[0])
        conflicts = await _find_conflicts(db, kind, batch) if kind.never_shared else {}
        refused += [(row, conflicts[name]) for row in batch if (name := _id(row)) in conflicts]
        good = [row for row in batch if _id(row) not in conflicts]
        result = await db.execute(text(_upsert(kind)), {"rows": _json(good)})
        written += len(result.all())
    return Loaded(written, len(rows) - written - len(refused), tuple(refused))


async def _find_conflicts(
    db: AsyncConnection, kind: type[Loadable], batch: Sequence[Loadable]
) -> dict[object, str]:
    """Return why rows may not be written, by id: the table or an earlier row has what they name."""
    found: dict[object, str] = {}
    for expression, why in kind.never_shared.items():
        mine, theirs = expression.format("g"), expression.format("o")
        rows = await db.execute(
            text(
                f"""WITH given AS (SELECT * FROM
                    jsonb_populate_recordset(NULL::{kind.table}, CAST(:rows AS jsonb)))
                SELECT g.id FROM given g JOIN {kind.table} o ON {theirs} = {mine} AND o.id <> g.id
                UNION SELECT g.id FROM given g JOIN given o ON {theirs} = {mine} AND o.id < g.id"""
            ),
            {"rows": _json(batch)},
        )
        for row in rows:
            found.setdefault(row.id, why)
    return found


def _id(row: Loadable) -> object:
    return getattr(row, "id", None)


def _upsert(kind: type[Loadable]) -> str:
    names = [field.name for field in fields(kind)]
    changing = [name for name in names if name not in kind.key and name not in kind.ours]
    changes = ", ".join(f"{name} = excluded.{name}" for name in changing)
    if kind.versioned:
        changes += f", version = {kind.table}.version + 1"
    ours = ", ".join(f"{kind.table}.{name}" for name in changing)
    theirs = ", ".join(f"excluded.{name}" for name in changing)
    return f"""INSERT INTO {kind.table} ({", ".join(names)}) SELECT {", ".join(names)}
    FROM jsonb_populate_recordset(NULL::{kind.table}, CAST(:rows AS jsonb))
    ON CONFLICT ({", ".join(kind.key)}) DO UPDATE SET {changes}
    WHERE ROW({ours}) IS DISTINCT FROM ROW({theirs}) RETURNING 1"""


def _json(rows: Sequence[Loadable]) -> str:
    return to_json([asdict(row) for row in rows])


async def count_customers(db: AsyncConnection, source: str) -> int:
    """Return how many customers came from a source."""
    counted = await db.execute(
        text("SELECT count(*) FROM customers WHERE source = :source"), {"source": source}
    )
    return int(counted.scalar_one())
