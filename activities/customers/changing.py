"""Changing customers: a use case in the caller's transaction, with its events."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from activities.holds import place
from activities.orders.waiting import wake_waiting
from db.customers import CustomerRow, change_customer
from db.documents import ORDERS
from db.events import Event, add_events
from db.orders.reads import running_of
from db.orders.terms import has_open_terms
from db.outbox import signal
from domain.access import EVERYTHING, Reach
from domain.customers import CustomerChange, CustomerStatus
from domain.documents import Document, Kind, Signal
from domain.errors import IllegalMove
from domain.holds import HoldPlacement, HoldReason
from domain.ids import new_id
from domain.metadata import merged
from domain.orders.status import RUNNING

_CREDIT = frozenset({"terms_days", "credit_limit_amount", "credit_limit_currency"})
_MOVES = {CustomerStatus.ACTIVE: "reactivated", CustomerStatus.SUSPENDED: "suspended"}


async def apply_change(
    db: AsyncConnection,
    customer: CustomerRow,
    change: CustomerChange,
    *,
    actor: str,
    reach: Reach = EVERYTHING,
) -> CustomerRow:
    """Change a locked customer and return its row; what is no news changes nothing.

    One who is suspended has the open orders held (customers, section 2): a person releases each.
    With other terms of payment, its orders that wait for credit look again. Raises AlreadyExists
    for another customer's email, and IllegalMove for a credit in another currency while orders on
    terms are open.
    """
    given = _columns(merged(change.model_dump(), customer))
    if "flags" in given:
        # As the row has them, so that the same ones are no news.
        given["flags"] = [*given["flags"]]
    values = {name: value for name, value in given.items() if getattr(customer, name) != value}
    if not values:
        return customer
    if "credit_limit_currency" in values:
        await _check_settled(db, customer)
    row = await change_customer(db, customer, values, reach)
    # Which fields, not what they say: names and addresses are personal.
    fields = sorted(values.keys() - {"status"} - _CREDIT)
    told: dict[str, dict[str, Any]] = {"changed": {"fields": fields}} if fields else {}
    if "status" in values:
        told[_MOVES[CustomerStatus(row.status)]] = {"from": customer.status, "to": row.status}
    if _CREDIT & values.keys():
        told["credit_changed"] = {"from": _terms_of(customer), "to": _terms_of(row)}
    await add_events(
        db,
        [
            Event(
                f"customer.{what}",
                subject=str(row.id),
                subject_id=row.id,
                actor=actor,
                correlation_id=f"customer/{row.id}",
                data={"customer_id": str(row.id), **data},
            )
            for what, data in told.items()
        ],
    )
    if values.get("status") == CustomerStatus.SUSPENDED:
        await _hold_orders(db, row, actor)
    if _CREDIT & values.keys():
        await wake_waiting(db, row.id)
    return row


async def _check_settled(db: AsyncConnection, customer: CustomerRow) -> None:
    """Raise IllegalMove while orders are open that count in a credit's present currency."""
    currency = customer.credit_limit_currency
    if currency is not None and await has_open_terms(db, customer.id, currency):
        raise IllegalMove(
            f"orders on terms in {currency} are open: the credit stays in {currency} until they are"
            " paid; a limit of 0 lets no other one pass",
            current_status=customer.status,
            allowed=[],
        )


def _columns(given: dict[str, Any]) -> dict[str, Any]:
    """Return what is given as the columns have it."""
    if "credit_limit" not in given:
        return given
    limit = given.pop("credit_limit") or {"amount": None, "currency": None}
    return {**given, **{f"credit_limit_{part}": value for part, value in limit.items()}}


def _terms_of(customer: CustomerRow) -> dict[str, Any]:
    amount, currency = customer.credit_limit_amount, customer.credit_limit_currency
    limit = None if amount is None else {"amount": amount, "currency": currency}
    return {"terms_days": customer.terms_days, "credit_limit": limit}


async def _hold_orders(db: AsyncConnection, customer: CustomerRow, actor: str) -> None:
    """Stop what the customer has ordered and what has not ended; what was held stays held."""
    for order_id in await running_of(db, customer.id):
        order = await ORDERS.lock(db, order_id)
        document = Document(Kind.ORDER, order_id)
        placement = HoldPlacement(
            document=document,
            hold_id=new_id(),
            reason=HoldReason.MANUAL,
            note="the customer is suspended",
            actor=actor,
        )
        if order.status in RUNNING and await place(db, order, placement):
            await signal(db, document, Signal.PAYMENT_REPORTED)
