"""HTTP for a customer's credit: the limit, what confirmed orders on terms owe, what is left."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from pydantic import Field

from api.deps import Db, require
from api.fields import Number, by_id
from api.problems import READ, problems
from db.customers import CustomerRow, get_customer
from db.orders.terms import OwingRow, exposure_of, orders_behind
from domain.access import Caller
from domain.errors import NotFound
from domain.ids import OrderId
from domain.money import Money
from domain.orders.terms import Credit, due_on
from domain.value import Value

router = APIRouter(prefix="/customers", tags=["customers"])

MOST_ORDERS = 100
"""So many of the orders behind a credit are shown."""


class OwingView(Value):
    """A confirmed order on terms that is not settled."""

    id: OrderId
    """See `GET /orders/{id}`."""
    number: Number
    owes: Money
    """What is still to be paid of it."""
    over: Money
    """What has come beyond that."""
    due_on: date
    """The day by whose end, by UTC, it is to be paid."""
    overdue: bool
    """Whether that day is over."""


class CreditView(Value):
    """What a customer may still buy on terms."""

    terms_days: int
    """So many days after its confirmation an order is to be paid; 0: none are on terms."""
    limit: Money | None = Field(
        description="The most that its orders may owe together; null: none are on terms."
    )
    exposure: Money | None
    """What its confirmed orders owe together, less what has come beyond; null without a limit."""
    open_credit: Money | None
    """What is left of the limit; null without one."""
    orders: tuple[OwingView, ...]
    """The orders behind that, the oldest first; a key confined to its source sees its own ones."""
    more_orders: bool
    """Whether there are more of them than are shown here."""


@router.get("/{customer_id}/credit", responses=problems(*READ, NotFound))
async def credit(
    customer_id: Annotated[UUID, by_id("customer")],
    caller: Annotated[Caller, require("credit:read")],
    db: Db,
) -> CreditView:
    """What a customer owes on terms, and what it may still buy; not for customers."""
    customer = await get_customer(db, customer_id, caller.reach)
    amount, currency = customer.credit_limit_amount, customer.credit_limit_currency
    if amount is None or currency is None:
        return _view(customer, None, ())
    held = Credit(currency, amount, await exposure_of(db, customer_id, currency))
    behind = await orders_behind(db, customer_id, currency, MOST_ORDERS + 1, caller.reach)
    return _view(customer, held, behind)


def _view(customer: CustomerRow, held: Credit | None, owing: Sequence[OwingRow]) -> CreditView:
    currency = held.currency if held else ""
    today = datetime.now(UTC).date()

    def money(amount: int) -> Money:
        return Money(amount=max(0, amount), currency=currency)

    def line(order: OwingRow) -> OwingView:
        due = due_on(order.confirmed_at, order.terms_days) or today
        return OwingView(
            id=OrderId(order.id),
            number=order.number,
            owes=money(order.owes),
            over=money(-order.owes),
            due_on=due,
            overdue=order.owes > 0 and due < today,
        )

    return CreditView(
        terms_days=customer.terms_days,
        limit=money(held.limit) if held else None,
        exposure=money(held.exposure) if held else None,
        open_credit=money(held.left) if held else None,
        orders=tuple(map(line, owing[:MOST_ORDERS])),
        more_orders=len(owing) > MOST_ORDERS,
    )
