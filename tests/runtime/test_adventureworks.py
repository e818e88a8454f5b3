"""The AdventureWorks files: read with their quirks, brought in once however often."""

import asyncio
import os
import shutil
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from db.engine import Database, open_engine
from db.inventory.receiving import find_available
from db.verify.books import verify
from runtime.commands.adventureworks import addresses, company, customers, files, sales
from runtime.commands.adventureworks.importing import Count, import_company
from tests.database import fresh_database
from tests.patience import PATIENCE

DATA = Path(os.environ.get("STATESET_SAMPLE_DATA", "../shared/data")) / "adventureworks" / "csv"
pytestmark = pytest.mark.skipif(
    not DATA.is_dir(),
    reason=f"there is no {DATA}: set STATESET_SAMPLE_DATA to a folder with adventureworks/csv",
)


@pytest.fixture(scope="module")
async def db(database_url: str) -> Database:
    return Database(open_engine(database_url, application="test"))


@pytest.fixture(scope="module")
async def brought_in(db: Database, whole: company.Company) -> dict[str, Count]:
    """What the first import of everything counted."""
    async with asyncio.timeout(PATIENCE):
        return await import_company(db, whole)


@pytest.fixture(scope="module")
def orders() -> list[sales.SalesOrder]:
    return sales.read_orders(DATA)


@pytest.fixture(scope="module")
def whole() -> company.Company:
    return company.read_company(DATA)


async def test_brings_everything_in_once_and_a_second_time_nothing(
    db: Database, whole: company.Company, brought_in: dict[str, Count]
) -> None:
    first = brought_in
    assert {kind: (count.read, count.written) for kind, count in first.items()} == {
        "customers": (19820, 19820),
        "items": (504, 504),
        "prices": (304, 304),
        "sites": (1, 1),
        "locations": (18, 18),
        "reorder_rules": (504, 504),
        "stock": (1069, 1065),
    }
    assert not [count for count in first.values() if count.refused]
    second = await import_company(db, whole)
    assert {kind: count.written for kind, count in second.items()} == dict.fromkeys(first, 0)
    assert second["stock"].unchanged == 1069
    assert not [found for found in await verify(db.engine) if found.broken]


async def test_reproduces_the_known_figures_of_stock(
    db: Database, whole: company.Company, brought_in: dict[str, Count]
) -> None:
    assert brought_in["stock"].read == 1069
    async with db.begin() as connection:
        available = await find_available(connection, [item.id for item in whole.items])
    levels = [(available.get(rule.item_id, 0), rule) for rule in whole.rules]
    assert sum(there < rule.reorder_point for there, rule in levels) == 79
    assert sum(there < rule.safety_stock for there, rule in levels) == 141


async def test_a_changed_customer_is_written_and_a_taken_email_refused(
    template_url: str, whole: company.Company
) -> None:
    async with fresh_database(template_url) as url:
        db = Database(open_engine(url, application="test", pool=2))
        two = whole.customers[-2:]
        small = replace(
            whole, customers=two, items=[], prices=[], rules=[], stock=[], nothing_there=0
        )
        await import_company(db, small)
        renamed = replace(two[0], name="Somebody Else")
        thief = replace(two[1], id=company.customer_id(-1), external_reference="?")
        counts = await import_company(db, replace(small, customers=[renamed, thief]))
        await db.close()
    assert counts["customers"].written == 1
    assert counts["customers"].refused == ["?: another customer has this email"]


async def test_what_belongs_to_a_refused_item_is_refused_with_it(
    template_url: str, whole: company.Company
) -> None:
    async with fresh_database(template_url) as url:
        db = Database(open_engine(url, application="test", pool=2))
        bike = next(item for item in whole.items if item.sku == "BK-M82B-38")
        other = replace(bike, id=company.item_id(-1))
        await import_company(
            db, replace(whole, customers=[], items=[other], prices=[], rules=[], stock=[])
        )
        counts = await import_company(db, replace(whole, customers=[]))
        await db.close()
    assert counts["items"].refused == ["BK-M82B-38: another item has this SKU"]
    assert len(counts["prices"].refused) == len(counts["reorder_rules"].refused) == 1
    assert counts["stock"].refused


def test_total_due_is_what_the_parts_add_up_to(orders: list[sales.SalesOrder]) -> None:
    assert len(orders) == 31465
    assert sum(len(order.lines) for order in orders) == 121317
    for order in orders:
        exact = sum(line.quantity * line.unit_price * (1 - line.discount) for line in order.lines)
        assert abs(exact + order.tax + order.freight - order.total_due) < Decimal("0.002")


def test_cents_are_rounded_half_up_per_unit_and_per_order() -> None:
    line = sales.SalesLine(1, 3, Decimal("2024.994"), Decimal("0.02"))
    assert line.unit_cents == 198449  # 1984.49412
    half = sales.SalesLine(1, 1, Decimal("0.125"), Decimal(0))
    assert half.unit_cents == 13
    order = sales.SalesOrder(
        *(1, "SO1", date(2014, 1, 1), 1, 1), Decimal("0.005"), Decimal("1.004"), Decimal(0), (line,)
    )
    assert (order.tax_cents, order.freight_cents) == (1, 100)
    assert order.total_cents == 3 * 198449 + 1 + 100


def test_the_newest_orders_are_chosen_or_the_first_from_a_day_on(
    orders: list[sales.SalesOrder],
) -> None:
    newest = sales.choose(orders, 3, None)
    assert [order.number for order in newest] == ["SO75121", "SO75122", "SO75123"]
    first = sales.choose(orders, 2, date(2011, 5, 31))
    assert [order.number for order in first] == ["SO43659", "SO43660"]
    assert sales.choose(orders, 0, None) == []


def test_addresses_torn_by_a_comma_are_put_together_again() -> None:
    found, lost = addresses.read_addresses(DATA)
    assert (len(found), lost) == (19613, {492: "its province is unknown"})
    assert sum(address.repaired for address in found.values()) == 1852
    street = found[34]
    assert (street.line1, street.line2, street.city) == ("94, rue Descartes", "", "Bordeaux")
    assert (street.country, street.region) == ("FR", "33")
    bradford = found[644]
    assert (bradford.line1, bradford.line2) == ("Bradford", "Raven House, Kingsgate")
    assert found[635].city == "London"
    assert all(a.line1 and a.city and a.postal_code and len(a.country) == 2 for a in found.values())


def test_every_customer_has_a_name_and_an_address_and_no_two_share_an_email() -> None:
    found, _ = addresses.read_addresses(DATA)
    buyers, refused = customers.read_customers(DATA, found)
    assert not refused
    assert sum(buyer.company for buyer in buyers) == 1336
    emails = [buyer.email for buyer in buyers if buyer.email]
    assert len(emails) == len(set(emails)) == 19119
    assert all(buyer.name for buyer in buyers)
    assert sum(buyer.address is None for buyer in buyers) == 2  # both accounts at address 492


def test_a_missing_file_or_cell_is_told_by_name(tmp_path: Path) -> None:
    with pytest.raises(files.NotReadable, match=r"there is no .*Production\.Product\.csv"):
        files.read_products(tmp_path)
    shutil.copy(DATA / "Production.Location.csv", tmp_path)
    path = tmp_path / "Production.Location.csv"
    path.write_text(path.read_text() + "99\n")
    with pytest.raises(files.NotReadable, match="line 16: the cells do not fit"):
        files.read_places(tmp_path)
    path.write_text("LocationID,Name\nx,Shelf\n")
    with pytest.raises(files.NotReadable, match="LocationID is not an integer: 'x'"):
        files.read_places(tmp_path)
