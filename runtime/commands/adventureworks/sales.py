"""The sales orders, and the one rule by which their prices become cents."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

from domain.money import half_up
from runtime.commands.adventureworks.files import day, number, read_rows, whole


@dataclass(frozen=True)
class SalesLine:
    """Units of a product at a price before discount; ``discount`` is a fraction."""

    product_id: int
    quantity: int
    unit_price: Decimal
    discount: Decimal

    @property
    def unit_cents(self) -> int:
        """The price of one unit after discount, rounded half up."""
        return half_up(self.unit_price * (1 - self.discount) * 100)


@dataclass(frozen=True)
class SalesOrder:
    """One order as the shop sends it."""

    order_id: int
    number: str
    ordered_on: date
    customer_id: int
    ship_to_id: int
    tax: Decimal
    freight: Decimal
    total_due: Decimal
    lines: tuple[SalesLine, ...]

    @property
    def tax_cents(self) -> int:
        """The tax of the whole order, rounded half up."""
        return half_up(self.tax * 100)

    @property
    def freight_cents(self) -> int:
        """The shipping of the whole order, rounded half up."""
        return half_up(self.freight * 100)

    @property
    def total_cents(self) -> int:
        """What the order costs by the rule: unit prices, tax and freight each rounded half up."""
        net = sum(line.quantity * line.unit_cents for line in self.lines)
        return net + self.tax_cents + self.freight_cents

    @property
    def difference(self) -> Decimal:
        """How far the rule's total is from the recorded one, in dollars."""
        return Decimal(self.total_cents) / 100 - self.total_due


def read_orders(folder: Path) -> list[SalesOrder]:
    """Read every sales order with its lines, oldest first."""
    lines: dict[int, list[tuple[int, SalesLine]]] = defaultdict(list)
    for row in read_rows(folder, _lines_table(folder), "SalesOrderDetailID", "OrderQty"):
        line = SalesLine(
            product_id=whole(row, "ProductID"),
            quantity=whole(row, "OrderQty"),
            unit_price=number(row, "UnitPrice"),
            discount=number(row, "UnitPriceDiscount"),
        )
        lines[whole(row, "SalesOrderID")].append((whole(row, "SalesOrderDetailID"), line))
    orders = []
    for row in read_rows(folder, "Sales.SalesOrderHeader", "SalesOrderNumber", "TotalDue"):
        order_id = whole(row, "SalesOrderID")
        ordered = sorted(lines.get(order_id, ()), key=lambda numbered: numbered[0])
        orders.append(
            SalesOrder(
                order_id=order_id,
                number=row["SalesOrderNumber"],
                ordered_on=day(row, "OrderDate"),
                customer_id=whole(row, "CustomerID"),
                ship_to_id=whole(row, "ShipToAddressID"),
                tax=number(row, "TaxAmt"),
                freight=number(row, "Freight"),
                total_due=number(row, "TotalDue"),
                lines=tuple(line for _, line in ordered),
            )
        )
    return sorted(orders, key=lambda order: (order.ordered_on, order.order_id))


def _lines_table(folder: Path) -> str:
    """Return the table of order lines: the original, or one rebuilt from the stock's ledger."""
    original = "Sales.SalesOrderDetail"
    return original if (folder / f"{original}.csv").exists() else f"{original}.reconstructed"


def choose(orders: list[SalesOrder], count: int, since: date | None) -> list[SalesOrder]:
    """Return the newest ``count`` orders, or the first ``count`` from a day on; oldest first."""
    if since is None:
        return orders[-count:] if count else []
    return [order for order in orders if order.ordered_on >= since][:count]
