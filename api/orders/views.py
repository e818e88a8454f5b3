"""An order as callers see it."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Self
from uuid import UUID

from pydantic import Field

from api.fields import (
    WITHHELD,
    Actor,
    Authorized,
    Captured,
    Carrier,
    ChargedBack,
    ExternalReference,
    ItemRef,
    KeptMetadata,
    Method,
    MoreParcels,
    Number,
    OwnId,
    Provider,
    Refunded,
    Sku,
    Source,
    ToPay,
    Trouble,
    UpdatedAt,
    Version,
)
from api.orders.rendering import NEWEST, order_json
from domain.access import Caller
from domain.addresses import Address
from domain.holds import HoldReason
from domain.ids import CustomerId, LineId, OrderId, PaymentId, ReturnId, ShipmentId
from domain.money import Money
from domain.orders.placing import Service
from domain.orders.status import (
    CancelReason,
    CaptureOn,
    FulfillmentStatus,
    OrderKind,
    OrderReturnStatus,
    OrderStatus,
    ShortagePolicy,
)
from domain.payments import PaymentStatus
from domain.priority import URGENCY
from domain.shipments.status import ShipmentStatus
from domain.value import Value


class LineView(Value):
    """One line, with counters of what happened to its units."""

    id: OwnId[LineId]
    item_id: ItemRef
    sku: Sku
    name: str
    """The item's name when the order was placed."""
    quantity: int
    """Units that were ordered; what became of them is counted below."""
    unit_price: Money
    """Of one unit, without tax; kept as it was when the order was placed."""
    discount: Money
    """What the line was lowered by."""
    tax_rate: Decimal
    """The item's when the order was placed: `0.08` is 8 %."""
    tax: Money
    """Of the whole line."""
    total: Money
    """Price times quantity, less the discount, and the tax."""
    cancelled: int
    """Units that will not be sent."""
    shipped: int
    """Units that have left with a carrier, the written off and delivered ones among them."""
    delivered: int
    """Units that have arrived."""
    written_off: int
    """Units that were shipped and will not arrive."""
    coming_back: int
    """Units on returns that have not come yet."""
    returned: int
    """Units that came back on returns."""
    backordered: int
    """Units that wait for stock: to be sent, and not promised yet."""


class HoldView(Value):
    """An open reason to stop."""

    id: OwnId[UUID]
    reason: HoldReason
    """Why the order is stopped."""
    note: str
    """In words of the person who placed it; empty without any."""
    placed_by: Actor
    placed_at: datetime
    """When it was placed, in UTC (RFC 3339)."""


class ShipmentSummary(Value):
    """A shipment of the order; more at /shipments/{id}."""

    id: OwnId[ShipmentId]
    number: Number
    status: ShipmentStatus
    """How far it is: as far as the parcel that is least far."""
    carrier: Carrier
    exception_reason: Trouble
    tracking_numbers: tuple[str, ...]
    """The carrier's numbers of its parcels; empty before there is a label."""
    more_parcels: MoreParcels


class PaymentSummary(Value):
    """An attempt to pay; more at /payments/{id}."""

    id: OwnId[PaymentId]
    provider: Provider
    method: Method
    amount: ToPay
    authorized: Authorized
    captured: Captured
    refunded: Refunded
    charged_back: ChargedBack
    failure_code: str | None
    """Why its newest failure happened, in the provider's word; null without a failure."""


class OrderView(Value):
    """An order."""

    id: OwnId[OrderId]
    number: Number
    customer_id: CustomerId
    """Who buys."""
    kind: OrderKind
    """What it is for."""
    replaces_return_id: ReturnId | None
    """The return whose goods it replaces, see `/returns`; null for what a customer ordered."""
    replaces_shipment_id: ShipmentId | None
    """The lost shipment of an earlier replacement whose goods it sends once more; null for all
    other orders."""
    source: Source
    external_reference: ExternalReference
    status: OrderStatus
    """Where it is between being accepted and its end."""
    fulfillment_status: FulfillmentStatus
    """How far its goods are; computed from the lines."""
    payment_status: PaymentStatus
    """How its money stands; computed from the payments."""
    return_status: OrderReturnStatus
    """How much of it comes back; computed from the lines."""
    on_hold: bool
    """Whether a hold stops it."""
    backordered: int
    """Units of it that wait for stock."""
    cancel_pending: bool
    """Whether a cancellation was asked for and is not done yet."""
    currency: str
    """Of all its amounts (ISO 4217)."""
    subtotal: Money
    """The lines without tax."""
    discount: Money
    """What the whole was lowered by."""
    shipping: Money
    """What the customer pays for the transport, without tax."""
    shipping_tax: Money
    """The tax on that."""
    tax: Money
    """The tax of all lines."""
    total: Money
    """What the customer owes: lines and shipping with their tax, less the discount."""
    lines: tuple[LineView, ...]
    """What was ordered, in the order in which it was given."""
    ship_to: Address
    """Where the goods go."""
    bill_to: Address
    """Who is billed."""
    shipping_service: Service
    """How the customer wants the goods to travel."""
    shortage_policy: ShortagePolicy
    """Whether it waits for what is missing, of items that allow that."""
    ship_complete: bool
    """Whether nothing leaves before there is stock for all of it."""
    priority: int | None = Field(
        description=f"Whose turn it is where several wait for stock: {URGENCY} {WITHHELD}"
    )
    promised_on: date | None
    """By which day the customer was promised the goods, by UTC; null: by none."""
    notes: str
    """For the people who pack the goods; empty without any."""
    payment_method: str
    """How the customer pays: `card`, `bank_transfer` or `net_terms`; `none` where nothing is to be
    paid."""
    capture_on: CaptureOn
    """When the money is taken: at each hand-over, or all of it at the confirmation."""
    terms_days: int | None
    """So many days after its confirmation it is to be paid; null unless it is on terms."""
    due_on: date | None
    """The day by whose end, by UTC, it is to be paid; null unless it is on terms and confirmed."""
    credited: Money
    """What an order on terms owes less, because goods came back or never arrived."""
    holds: tuple[HoldView, ...] | None = Field(description=f"The open ones. {WITHHELD}")
    shipments: tuple[ShipmentSummary, ...]
    """Its goods, by what travels together; of very many those with a label, then the newest."""
    more_shipments: bool
    """Whether it has more of them than are shown here; all are at `/shipments?order_id=`."""
    payments: tuple[PaymentSummary, ...] | None = Field(
        description=f"The newest {NEWEST} attempts; all at `/payments?order_id=`. {WITHHELD}"
    )
    metadata: KeptMetadata
    placed_at: datetime
    """When it was accepted, in UTC (RFC 3339)."""
    payment_due_at: datetime
    """Not paid by then it is cancelled; a hold keeps it for up to 30 days."""
    confirmed_at: datetime | None
    """When its money was secured; null before."""
    completed_at: datetime | None
    """When the last of its goods had arrived or was written off; null before."""
    cancelled_at: datetime | None
    """When it was cancelled; null unless it was."""
    cancel_reason: CancelReason | None
    """Why it was cancelled; null unless it was, and where that is a suspicion of fraud for callers
    who may not know."""
    updated_at: UpdatedAt
    version: Version

    @classmethod
    def of(cls, row: Mapping[str, Any], caller: Caller | None = None) -> Self:
        """Build the view from an order's row with its parts as JSON lists, for a caller if any."""
        return cls.model_validate(order_json(row, caller))
