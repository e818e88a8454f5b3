"""Bring AdventureWorks' master data and opening stock into the books, as often as one likes."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from db.engine import Database
from db.inventory.receiving import Arrival, open_stock
from db.loading import Loadable, load_rows
from runtime.commands.adventureworks.company import SOURCE, Company

ACTOR = f"import:{SOURCE}"


@dataclass
class Count:
    """What became of one kind of row."""

    read: int = 0
    written: int = 0
    unchanged: int = 0
    refused: list[str] = field(default_factory=list)


async def import_company(db: Database, company: Company) -> dict[str, Count]:
    """Write everything in one transaction; return what became of each kind of row."""
    counts: dict[str, Count] = {}
    gone: set[object] = set()
    async with db.begin() as connection:
        kinds: dict[str, Sequence[Loadable]] = {
            "customers": company.customers,
            "items": company.items,
            "prices": company.prices,
            "sites": [company.site],
            "locations": company.locations,
            "reorder_rules": company.rules,
        }
        for kind, rows in kinds.items():
            possible, refused = _possible(rows, gone)
            refused = [*company.refused.get(kind, ()), *refused]
            loaded = await load_rows(connection, possible)
            gone |= {getattr(row, "id", None) for row, _ in loaded.refused}
            refused += [f"{_name(row)}: {why}" for row, why in loaded.refused]
            read = len(rows) + len(company.refused.get(kind, ()))
            counts[kind] = Count(read, loaded.written, loaded.unchanged, refused)
        stock, refused = _possible(company.stock, gone)
        written = await open_stock(connection, stock, actor=ACTOR)
    counts["stock"] = Count(
        read=len(company.stock) + company.nothing_there,
        written=written,
        unchanged=len(stock) - written + company.nothing_there,
        refused=refused,
    )
    return counts


R = TypeVar("R", Loadable, Arrival)


def _possible(rows: Sequence[R], gone: set[object]) -> tuple[list[R], list[str]]:
    """Return the rows whose item, site and location were not refused, and a word on the others."""
    possible: list[R] = []
    refused: list[str] = []
    for row in rows:
        needs = {getattr(row, name, None) for name in ("item_id", "site_id", "location_id")}
        if needs & gone - {None}:
            refused.append(f"{_name(row)}: what it belongs to was refused")
        else:
            possible.append(row)
    return possible, refused


def _name(row: Loadable | Arrival) -> str:
    for attribute in ("external_reference", "sku", "code", "key", "id", "item_id"):
        if (name := getattr(row, attribute, None)) is not None:
            return str(name)
    return repr(row)
