"""Creating customers: a use case in the caller's transaction, with its event."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from db.customers import CustomerRow, add_customer
from db.events import add_event
from domain.access import EVERYTHING, Reach
from domain.customers import CreateCustomer


async def create_customer(
    db: AsyncConnection,
    customer_id: UUID,
    customer: CreateCustomer,
    *,
    actor: str,
    reach: Reach = EVERYTHING,
) -> CustomerRow:
    """Add a customer and return its row.

    Raises AlreadyExists, with the id of the first one within ``reach`` if there is one.
    """
    row = await add_customer(db, customer_id, customer, reach)
    await add_event(
        db,
        "customer.created",
        subject=str(customer_id),
        subject_id=customer_id,
        actor=actor,
        correlation_id=f"customer/{customer_id}",
        data={"customer_id": str(customer_id), "kind": row.kind, "source": row.source},
    )
    return row
