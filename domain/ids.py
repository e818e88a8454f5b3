"""Identifiers: UUIDv7 made here, and names for whose id each one is."""

from typing import NewType
from uuid import UUID, uuid5

from uuid_utils.compat import uuid7

CustomerId = NewType("CustomerId", UUID)
ItemId = NewType("ItemId", UUID)
SiteId = NewType("SiteId", UUID)
LocationId = NewType("LocationId", UUID)
LotId = NewType("LotId", UUID)
OrderId = NewType("OrderId", UUID)
LineId = NewType("LineId", UUID)
PaymentId = NewType("PaymentId", UUID)
ShipmentId = NewType("ShipmentId", UUID)
ParcelId = NewType("ParcelId", UUID)
RefundId = NewType("RefundId", UUID)
ReturnId = NewType("ReturnId", UUID)
ReturnLineId = NewType("ReturnLineId", UUID)
DispositionId = NewType("DispositionId", UUID)
WithdrawalId = NewType("WithdrawalId", UUID)
WarrantyId = NewType("WarrantyId", UUID)
ClaimId = NewType("ClaimId", UUID)
WarrantyTermId = NewType("WarrantyTermId", UUID)
WorkOrderId = NewType("WorkOrderId", UUID)
OperationId = NewType("OperationId", UUID)
PartId = NewType("PartId", UUID)
TechnicianId = NewType("TechnicianId", UUID)
TimeEntryId = NewType("TimeEntryId", UUID)
TaskId = NewType("TaskId", UUID)


def new_id() -> UUID:
    """Return a fresh UUIDv7: sortable by the time of its making."""
    return uuid7()


def derived_id(parent: UUID, name: str) -> UUID:
    """Return the same id for the same parent and name, so that a repeated step repeats its ids."""
    return uuid5(parent, name)


def following_id(parent: UUID, name: str, nth: int) -> UUID:
    """Return the same UUIDv7 for the same parent and name, which sorts by its parent's time.

    Of those with one parent the ``nth`` sorts before the next one, below 4,096. RFC 9562, 5.7: the
    number takes the place of ``rand_a``, a digest that of ``rand_b``.
    """
    moment = parent.int >> 80
    digest = derived_id(parent, name).int & ((1 << 62) - 1)
    return UUID(int=moment << 80 | 7 << 76 | (nth & 0xFFF) << 64 | 0b10 << 62 | digest)
