"""The customers: persons who buy in the web shop, and stores with the person who buys for them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from runtime.commands.adventureworks.addresses import PostalAddress
from runtime.commands.adventureworks.files import read_rows, whole

_PREFERRED = {"2": 0, "3": 1, "4": 2}
"""Home, main office, primary: which of several addresses is the customer's."""


@dataclass(frozen=True)
class Buyer:
    """A customer; a store that names no person has no email: its contact has another account."""

    customer_id: int
    account: str
    company: bool
    name: str
    email: str | None
    phone: str | None
    address: PostalAddress | None


def read_customers(
    folder: Path, addresses: Mapping[int, PostalAddress]
) -> tuple[list[Buyer], dict[int, str]]:
    """Read every customer; those without a name come second, with the reason."""
    people = {
        row["BusinessEntityID"]: " ".join(
            part for part in (row["FirstName"], row["MiddleName"], row["LastName"]) if part
        )
        for row in read_rows(folder, "Person.Person", "FirstName", "MiddleName", "LastName")
    }
    emails = _by_entity(folder, "Person.EmailAddress", "EmailAddress")
    phones = _by_entity(folder, "Person.PersonPhone", "PhoneNumber")
    stores = _by_entity(folder, "Sales.Store", "Name")
    homes = _homes(folder)
    buyers: list[Buyer] = []
    refused: dict[int, str] = {}
    for row in read_rows(folder, "Sales.Customer", "PersonID", "StoreID", "AccountNumber"):
        person, store = row["PersonID"], row["StoreID"]
        name = stores.get(store) if store else people.get(person)
        customer_id = whole(row, "CustomerID")
        if not name:
            refused[customer_id] = "it names neither a person nor a store"
            continue
        email = emails.get(person)
        buyers.append(
            Buyer(
                customer_id=customer_id,
                account=row["AccountNumber"],
                company=bool(store),
                name=name,
                email=email.lower() if email else None,
                phone=phones.get(person),
                address=addresses.get(homes.get(store or person, 0)),
            )
        )
    return buyers, refused


def _by_entity(folder: Path, table: str, column: str) -> dict[str, str]:
    rows = read_rows(folder, table, "BusinessEntityID", column)
    return {row["BusinessEntityID"]: row[column] for row in rows}


def _homes(folder: Path) -> dict[str, int]:
    found: dict[str, tuple[int, int]] = {}
    for row in read_rows(folder, "Person.BusinessEntityAddress", "AddressID", "AddressTypeID"):
        entity = row["BusinessEntityID"]
        choice = (_PREFERRED.get(row["AddressTypeID"], 9), whole(row, "AddressID"))
        found[entity] = min(choice, found.get(entity, choice))
    return {entity: address_id for entity, (_, address_id) in found.items()}
