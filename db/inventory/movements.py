"""What is given to the stock ledger, such as quantities that go elsewhere, and its answer."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from db.inventory.tables import BalanceRow
from domain.ids import new_id
from domain.inventory import MovementKind


@dataclass(frozen=True, slots=True)
class Movement:
    """A quantity of an item that goes from one location to another; ``key`` names it for ever.

    It uses up the reservation that it names. It occurs when it is posted if no time is given.
    """

    key: str
    kind: MovementKind
    item_id: UUID
    quantity: Decimal | int
    from_location_id: UUID
    to_location_id: UUID
    actor: str
    reason: str = ""
    document_type: str = ""
    document_id: UUID | None = None
    line_id: UUID | None = None
    reservation_id: UUID | None = None
    occurred_at: datetime | None = None
    lot_id: UUID | None = None
    reverses_id: UUID | None = None
    balances_id: UUID | None = None
    id: UUID = field(default_factory=new_id)


@dataclass(frozen=True, slots=True)
class Place:
    """What a balance is of."""

    item_id: UUID
    location_id: UUID
    lot_id: UUID | None = None
    counted_at: datetime | None = None
    """When it was counted."""


@dataclass(frozen=True, slots=True)
class Switch:
    """A reservation that is to be of other stock of its item."""

    id: UUID
    location_id: UUID
    lot_id: UUID | None


@dataclass(frozen=True, slots=True)
class Share:
    """A part of a reservation that becomes one of its own."""

    id: UUID
    source: UUID
    quantity: Decimal | int


@dataclass(frozen=True, slots=True)
class LinePick:
    """A quantity of one item at one location, wanted for one line of a document."""

    line_id: UUID
    item_id: UUID
    location_id: UUID
    quantity: Decimal | int
    lot_id: UUID | None = None
    share: str = ""
    """Sets it apart from what the line holds there already."""


@dataclass(frozen=True, slots=True)
class ByHand:
    """What is known of a reservation that a person made; of others nothing."""

    reference: str | None = None
    expires_at: datetime | None = None
    source: str | None = None
    reserved_by: str | None = None


BY_NONE = ByHand()
"""What is known of those that documents hold."""


@dataclass(frozen=True, slots=True)
class Posted:
    """How many movements were new, and the balances as they are after them."""

    made: int
    balances: list[BalanceRow]
