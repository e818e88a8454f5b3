"""Changing customers: a use case in the caller's transaction, with its events."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from activities.holds import place
from db.customers import CustomerRow, change_customer
from db.documents import ORDERS
from db.events import Event, add_events
from db.orders.reads import running_of
from db.outbox import signal
from domain.access import EVERYTHING, Reach
from domain.customers import CustomerChange, CustomerStatus
from domain.documents import Document, Kind, Signal
from domain.holds import HoldPlacement, HoldReason
from domain.ids import new_id
from domain.metadata import merged
from domain.orders.status import RUNNING

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
    Raises AlreadyExists for another customer's email.
    """
    given = merged(change.model_dump(), customer)
    values = {name: value for name, value in given.items() if getattr(customer, name) != value}
    if not values:
        return customer
    row = await change_customer(db, customer, values, reach)
    # Which fields, not what they say: names and addresses are personal.
    fields = sorted(values.keys() - {"status"})
    told: dict[str, dict[str, Any]] = {"changed": {"fields": fields}} if fields else {}
    if "status" in values:
        told[_MOVES[CustomerStatus(row.status)]] = {"from": customer.status, "to": row.status}
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
    return row


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
