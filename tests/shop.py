"""The company of the tests: two sites, a customer, items with the stock a test asks for, orders."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import orjson
from sqlalchemy import text

from activities.inventory.accepting import create_site
from activities.orders.accepting import accept_orders
from activities.orders.cancelling import cancel_lines
from activities.orders.promising import Decision
from activities.orders.rows import Submission
from api.orders.rendering import fresh_order_json
from api.orders.router import ROUTE
from db.customers import add_customer
from db.documents import ORDERS
from db.engine import Database, open_engine
from db.idempotency import Answer, Claim
from db.inventory.receiving import Arrival, open_stock
from db.items import add_item, change_item
from db.verify.books import verify
from domain.addresses import Address
from domain.customers import CreateCustomer
from domain.ids import CustomerId, ItemId, LocationId, OrderId, SiteId, derived_id, new_id
from domain.inventory import CreateLocation, CreateSite, LocationKind
from domain.items import CreateItem
from domain.money import Money
from domain.orders.cancelling import CancelLine, LineCancellation
from domain.orders.placing import LineRequest, OrderPayment, PlaceOrder
from domain.orders.receipts import PaymentMethod
from domain.orders.status import CancelReason, CaptureOn, ShortagePolicy
from domain.policy import Policy

PRICE = 2500
SITES = ("AUS", "RNO")
PLACES = (CreateLocation(code="A-1"), CreateLocation(code="Q-1", kind=LocationKind.QUARANTINE))
"""A shelf to sell from, and one for quarantine, at each site."""
HOME = "78701"
"""A postal code to which the sandbox carrier delivers."""


class Shop:
    """The company's master data, and orders placed with it."""

    def __init__(self, books: Database) -> None:
        """Keep these books; call ``open`` before anything else."""
        self.books = books
        self.customer_id = CustomerId(new_id())
        self.sites = {code: SiteId(new_id()) for code in SITES}
        self.shelves = {
            code: LocationId(derived_id(site, "A-1")) for code, site in self.sites.items()
        }
        self.numbers: dict[UUID, str] = {site: code for code, site in self.sites.items()}
        """The human numbers of documents that were seen, and the codes of the sites."""

    async def open(self) -> None:
        """Write the customer and the sites, each with a shelf and a quarantine area."""
        async with self.books.begin() as db:
            await add_customer(db, self.customer_id, CreateCustomer(name="Ada Lovelace"))
            for rank, code in enumerate(SITES, start=1):
                site = CreateSite(
                    code=code, name=code, address=address(), rank=rank, locations=PLACES
                )
                await create_site(db, self.sites[code], site, actor="tests")

    async def buyer(self, limit: int, days: int = 30) -> CustomerId:
        """Add a company that buys on terms, up to this limit in USD (minor units)."""
        customer = CustomerId(new_id())
        credit = Money(amount=limit, currency="USD")
        company = CreateCustomer(name="ACME", terms_days=days, credit_limit=credit)
        async with self.books.begin() as db:
            await add_customer(db, customer, company)
        return customer

    async def on_terms(self, customer: CustomerId, units: int = 1) -> OrderId:
        """Place an order on terms for so many units of a new item."""
        mug, method = await self.item(AUS=units), PaymentMethod.NET_TERMS
        return await self.place((mug, units), token=None, method=method, customer_id=customer)

    async def item(self, **stock: int) -> ItemId:
        """Add an item with so many units per site (``AUS=3``)."""
        item_id = ItemId(new_id())
        price = Money(amount=PRICE, currency="USD")
        item = CreateItem(
            sku=f"SKU-{item_id}",
            name="Mug",
            weight_grams=400,
            tax_rate=Decimal("0.08"),
            prices=(price,),
        )
        arrivals = [
            Arrival(f"open/{item_id}/{code}", item_id, self.shelves[code], Decimal(units))
            for code, units in stock.items()
        ]
        async with self.books.begin() as db:
            await add_item(db, item_id, item)
            await open_stock(db, arrivals, actor="tests")
        return item_id

    async def backorderable(self, **stock: int) -> ItemId:
        """Add an item with so many units per site, for which orders may wait."""
        item_id = await self.item(**stock)
        async with self.books.begin() as db:
            await change_item(db, item_id, {"backorderable": True})
        return item_id

    def submission(
        self,
        lines: Sequence[tuple[ItemId, int]],
        *,
        token: str | None = "tok_ok",
        postal_code: str = HOME,
        key: str | None = None,
        capture_on: CaptureOn = CaptureOn.SHIPMENT,
        method: PaymentMethod = PaymentMethod.CARD,
        customer_id: CustomerId | None = None,
        waits: bool = False,
        whole: bool = False,
        priority: int = 3,
        promised_on: date | None = None,
    ) -> Submission:
        """Return a request for an order; the same key is the same request."""
        order = PlaceOrder(
            customer_id=customer_id or self.customer_id,
            lines=tuple(LineRequest(item_id=item, quantity=units) for item, units in lines),
            ship_to=address(postal_code),
            payment=OrderPayment(token=token, method=method),
            capture_on=capture_on,
            shortage_policy=ShortagePolicy.BACKORDER if waits else ShortagePolicy.REFUSE,
            ship_complete=whole,
            priority=priority,
            promised_on=promised_on,
        )
        claim = Claim("shop", key or uuid4().hex, ROUTE, "the same body")
        return Submission(OrderId(new_id()), order, actor="shop", claim=claim)

    async def ask(self, submissions: Sequence[Submission]) -> list[Decision]:
        """Submit orders in one transaction."""
        async with self.books.begin() as db:
            decisions = await accept_orders(db, submissions, Policy(), fresh_order_json)
        for each in decisions:
            if isinstance(each, Answer):
                self.numbers[each.resource_id] = orjson.loads(each.body)["number"]
        return decisions

    async def place(self, *lines: tuple[ItemId, int], **how: Any) -> OrderId:
        """Place an order that must be accepted."""
        [decision] = await self.ask([self.submission(lines, **how)])
        assert isinstance(decision, Answer), decision
        return OrderId(decision.resource_id)

    async def cancel_units(self, order_id: OrderId, units: int, line: int = 0) -> None:
        """Ask to cancel so many units of an order's line, counted from 0."""
        rows = await self.rows(
            "SELECT id FROM order_lines WHERE order_id = :id ORDER BY position", id=order_id
        )
        asked = LineCancellation(
            reason=CancelReason.CUSTOMER_REQUEST,
            actor="customer",
            lines=(CancelLine(order_line_id=rows[line]["id"], quantity=units),),
        )
        async with self.books.begin() as db:
            await cancel_lines(db, await ORDERS.lock(db, order_id), asked)

    async def one(self, query: str, **parameters: Any) -> Any:
        """Return the only value that a query finds."""
        async with self.books.read() as db:
            return (await db.execute(text(query), parameters)).scalar_one()

    async def rows(self, query: str, **parameters: Any) -> list[Mapping[str, Any]]:
        """Return what a query finds."""
        async with self.books.read() as db:
            return [dict(row) for row in (await db.execute(text(query), parameters)).mappings()]

    async def stock(self, item_id: ItemId) -> tuple[int, int]:
        """Return how many units of an item can be sold, and how many of them are promised."""
        [row] = await self.rows(
            "SELECT coalesce(sum(on_hand), 0)::int AS on_hand, coalesce(sum(reserved), 0)::int"
            " AS reserved FROM balances b JOIN locations l ON l.id = b.location_id"
            " WHERE item_id = :item AND l.sellable",
            item=item_id,
        )
        return row["on_hand"], row["reserved"]

    async def counts(self) -> dict[str, int]:
        """Return how many rows each table has that callers write to."""
        tables = await self.rows(
            "SELECT table_name AS name FROM information_schema.tables"
            " WHERE table_schema = 'public' AND table_name NOT IN ('api_keys', 'alembic_version')"
        )
        counted = " UNION ALL ".join(
            f"SELECT '{table['name']}' AS name, count(*) AS rows FROM {table['name']}"
            for table in tables
        )
        return {row["name"]: row["rows"] for row in await self.rows(counted)}

    async def assert_sound(self) -> None:
        """Every rule of the books holds."""
        assert [found for found in await verify(self.books.engine) if found.broken] == []


@asynccontextmanager
async def opened(database_url: str) -> AsyncIterator[Shop]:
    """The company on a database that has nothing in it yet."""
    shop = Shop(Database(open_engine(database_url, application="tests")))
    try:
        await shop.open()
        yield shop
    finally:
        await shop.books.close()


def address(postal_code: str = HOME) -> Address:
    return Address(
        name="Ada Lovelace",
        line1="500 Congress Ave",
        city="Austin",
        postal_code=postal_code,
        country="US",
    )
