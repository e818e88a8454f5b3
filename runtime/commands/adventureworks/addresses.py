"""Postal addresses, with those put right that an unquoted comma has torn apart."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from runtime.commands.adventureworks.files import Row, read_rows, whole


@dataclass(frozen=True)
class PostalAddress:
    """A place that mail reaches; ``repaired`` where a part had to be put together or looked up."""

    line1: str
    line2: str
    city: str
    region: str
    postal_code: str
    country: str
    repaired: bool = False

    def to(self, name: str) -> dict[str, str]:
        """Write the address as orders carry it, for this recipient."""
        return {
            "name": name[:200],
            "line1": self.line1,
            "line2": self.line2,
            "city": self.city,
            "region": self.region,
            "postal_code": self.postal_code,
            "country": self.country,
        }


@dataclass(frozen=True)
class Torn:
    """The rest of an address whose cells moved to the right: its postal code is lost."""

    line1: str
    line2: str
    city: str
    province: str | None


T = TypeVar("T", str, tuple[str, str])
Region = tuple[str, str]
"""Country and the code of the province."""

_CELLS = ("AddressLine1", "AddressLine2", "City", "StateProvinceID", "PostalCode")


def mend(cells: Sequence[str]) -> Torn:
    """Put the five address cells of a shifted row together again.

    A comma inside a street was taken for the end of its cell, so a piece that belongs to the one
    before it begins with a space; the province stands where the postal code should be.
    """
    known = cells[4].strip().isdigit()
    city = cells[3] if known else cells[4]
    pieces: list[str] = []
    for piece in cells[: 3 if known else 4]:
        if piece.startswith(" ") and pieces:
            pieces[-1] += f",{piece}"
        elif piece.strip():
            pieces.append(piece)
    pieces += ["", ""]
    province = cells[4].strip() if known else None
    return Torn(pieces[0].strip(), pieces[1].strip(), city.strip(), province)


def read_addresses(folder: Path) -> tuple[dict[int, PostalAddress], dict[int, str]]:
    """Read all addresses by id; those that cannot be mended come second, with the reason."""
    provinces = {
        row["StateProvinceID"]: row
        for row in read_rows(folder, "Person.StateProvince", "StateProvinceCode")
    }
    sound: dict[int, PostalAddress] = {}
    torn: dict[int, Torn] = {}
    for row in read_rows(folder, "Person.Address", *_CELLS, strip=False):
        address_id = whole(row, "AddressID")
        province = provinces.get(row["StateProvinceID"].strip())
        if province is None:
            torn[address_id] = mend([row[cell] for cell in _CELLS])
            continue
        sound[address_id] = PostalAddress(
            line1=row["AddressLine1"].strip(),
            line2=row["AddressLine2"].strip(),
            city=row["City"].strip(),
            region=province["StateProvinceCode"],
            postal_code=row["PostalCode"].strip(),
            country=province["CountryRegionCode"],
        )
    return _mended(sound, torn, provinces)


def _mended(
    sound: dict[int, PostalAddress], torn: Mapping[int, Torn], provinces: Mapping[str, Row]
) -> tuple[dict[int, PostalAddress], dict[int, str]]:
    """Give the torn addresses the commonest postal code of their city, else of their province."""
    of_city: dict[tuple[str, Region], Counter[str]] = defaultdict(Counter)
    of_region: dict[Region, Counter[str]] = defaultdict(Counter)
    regions: dict[str, Counter[Region]] = defaultdict(Counter)
    for address in sound.values():
        region = (address.country, address.region)
        of_city[address.city, region][address.postal_code] += 1
        of_region[region][address.postal_code] += 1
        regions[address.city][region] += 1
    found = dict(sound)
    lost: dict[int, str] = {}
    for address_id, piece in torn.items():
        row = provinces.get(piece.province or "")
        if row is not None:
            region = (row["CountryRegionCode"], row["StateProvinceCode"])
        elif regions[piece.city]:
            region = _commonest(regions[piece.city])
        else:
            lost[address_id] = "its province is unknown"
            continue
        codes = of_city[piece.city, region] or of_region[region] or _french(region)
        if not codes or not piece.line1 or not piece.city:
            lost[address_id] = "its postal code is lost"
            continue
        found[address_id] = PostalAddress(
            piece.line1, piece.line2, piece.city, region[1], _commonest(codes), region[0], True
        )
    return found, lost


def _french(region: Region) -> Counter[str]:
    """Postal codes in France begin with their department; its capital's goes on with zeros."""
    return Counter([f"{region[1]}000"] if region[0] == "FR" else [])


def _commonest(counted: Counter[T]) -> T:
    """Return the most frequent value; of equally frequent ones the smallest."""
    return min(counted, key=lambda value: (-counted[value], value))
