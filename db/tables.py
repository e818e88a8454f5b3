"""All tables, so that migrations and checks see the whole schema."""

from db import (
    access,
    customers,
    events,
    facts,
    holds,
    idempotency,
    items,
    outbox,
    payments,
    tasks,
    watching,
)
from db.claims import tables as claims
from db.inventory import counts, lots, units
from db.inventory import tables as inventory
from db.metadata import Base
from db.orders import credit_notes
from db.orders import tables as orders
from db.refunds import tables as refunds
from db.returns import losses, withdrawals
from db.returns import tables as returns
from db.shipments import tables as shipments
from db.verify import closed
from db.warranties import tables as warranties
from db.work_orders import tables as work_orders
from db.work_orders import technicians

CAPABILITIES = (
    access,
    claims,
    closed,
    counts,
    credit_notes,
    customers,
    events,
    facts,
    holds,
    idempotency,
    inventory,
    items,
    losses,
    lots,
    orders,
    outbox,
    payments,
    refunds,
    returns,
    shipments,
    tasks,
    units,
    warranties,
    watching,
    withdrawals,
    technicians,
    work_orders,
)
metadata = Base.metadata

APPEND_ONLY = (
    "movements",
    "events",
    "payment_entries",
    "tracking_events",
    "unit_events",
    "credit_notes",
    "warranty_terms",
    "item_warranty_terms",
)
"""Tables whose rows are never changed or removed."""
