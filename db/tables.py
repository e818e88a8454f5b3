"""All tables, so that migrations and checks see the whole schema."""

from db import access, customers, events, facts, holds, idempotency, items, outbox, payments, tasks
from db.inventory import tables as inventory
from db.metadata import Base
from db.orders import tables as orders
from db.refunds import tables as refunds
from db.shipments import tables as shipments

CAPABILITIES = (
    access,
    customers,
    events,
    facts,
    holds,
    idempotency,
    inventory,
    items,
    orders,
    outbox,
    payments,
    refunds,
    shipments,
    tasks,
)
metadata = Base.metadata

APPEND_ONLY = ("movements", "events", "payment_entries", "tracking_events")
"""Tables whose rows are never changed or removed."""
