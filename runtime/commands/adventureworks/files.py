"""The CSV files of the AdventureWorks sample company, as typed rows."""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path

Row = Mapping[str, str]


class NotReadable(Exception):
    """The folder does not hold the files, or a file is not what it should be."""


@dataclass(frozen=True)
class Product:
    """An item; ``list_price`` 0 means that it is not sold. Weight in grams, 0 when unknown."""

    product_id: int
    number: str
    name: str
    made: bool
    list_price: Decimal
    weight_grams: int
    safety_stock: int
    reorder_point: int
    sold_from: date


@dataclass(frozen=True)
class Place:
    """A location of the company's plant."""

    location_id: int
    name: str


@dataclass(frozen=True)
class Stock:
    """What of a product is at a location."""

    product_id: int
    location_id: int
    quantity: int


def read_rows(folder: Path, table: str, *columns: str, strip: bool = True) -> Iterator[Row]:
    """Yield a table's rows, each cell trimmed. Raises NotReadable for what is not there."""
    path = folder / f"{table}.csv"
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            if missing := set(columns) - set(reader.fieldnames or ()):
                raise NotReadable(f"{path} has no column {', '.join(sorted(missing))}")
            for row in reader:
                if None in row or None in row.values():
                    raise NotReadable(f"{path}, line {reader.line_num}: the cells do not fit")
                yield {name: value.strip() for name, value in row.items()} if strip else row
    except FileNotFoundError:
        raise NotReadable(f"there is no {path}") from None
    except (csv.Error, UnicodeDecodeError) as error:
        raise NotReadable(f"{path} cannot be read: {error}") from error


def number(row: Row, column: str) -> Decimal:
    """Return the cell as an exact number. Raises NotReadable."""
    try:
        return Decimal(row[column])
    except InvalidOperation:
        raise NotReadable(f"{column} is not a number: {row[column]!r}") from None


def whole(row: Row, column: str) -> int:
    """Return the cell as an integer. Raises NotReadable."""
    try:
        return int(row[column])
    except ValueError:
        raise NotReadable(f"{column} is not an integer: {row[column]!r}") from None


def day(row: Row, column: str) -> date:
    """Return the cell's date. Raises NotReadable."""
    try:
        return datetime.fromisoformat(row[column]).date()
    except ValueError:
        raise NotReadable(f"{column} is not a date: {row[column]!r}") from None


_GRAMS = {"LB": Decimal("453.59237"), "G": Decimal(1), "": Decimal(0)}


def read_products(folder: Path) -> list[Product]:
    """Read every item."""
    return [
        Product(
            product_id=whole(row, "ProductID"),
            number=row["ProductNumber"],
            name=row["Name"],
            made=row["MakeFlag"].lower() in ("true", "1"),
            list_price=number(row, "ListPrice"),
            weight_grams=_grams(row),
            safety_stock=whole(row, "SafetyStockLevel"),
            reorder_point=whole(row, "ReorderPoint"),
            sold_from=day(row, "SellStartDate"),
        )
        for row in read_rows(folder, "Production.Product", "ProductID", "WeightUnitMeasureCode")
    ]


def _grams(row: Row) -> int:
    unit = row["WeightUnitMeasureCode"]
    if unit not in _GRAMS:
        raise NotReadable(f"unknown unit of weight {unit!r}")
    return round(number(row, "Weight") * _GRAMS[unit]) if row["Weight"] else 0


def read_places(folder: Path) -> list[Place]:
    """Read every location."""
    rows = read_rows(folder, "Production.Location", "LocationID", "Name")
    return [Place(whole(row, "LocationID"), row["Name"]) for row in rows]


def read_stock(folder: Path) -> list[Stock]:
    """Read what is where."""
    rows = read_rows(folder, "Production.ProductInventory", "ProductID", "LocationID", "Quantity")
    return [
        Stock(whole(row, "ProductID"), whole(row, "LocationID"), whole(row, "Quantity"))
        for row in rows
    ]
