"""Changing customers: a use case in the caller's transaction, with its events."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from db.customers import CustomerRow, change_customer
from db.events import Event, add_events
from domain.access import EVERYTHING, Reach
from domain.customers import CustomerChange, CustomerStatus
from domain.metadata import merged

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
    return row
