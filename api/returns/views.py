"""Views of returns, of what may come back, and of what it would give back."""

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from api.fields import (
    WITHHELD,
    Actor,
    CreatedAt,
    Number,
    OrderRef,
    OwnId,
    UpdatedAt,
    Version,
)
from api.returns.estimates import EstimateView
from api.returns.labels import ReturnLabelView, of_labels
from api.returns.lines import ReturnLineView, disposition_json
from api.rows import money, view_for
from db.returns.reads import ReturnRead
from domain.access import Caller
from domain.answers import KeptAnswer, UndeliverableAnswer
from domain.disclosure import disclose_actor
from domain.ids import (
    ClaimId,
    CustomerId,
    OrderId,
    RefundId,
    ReturnId,
    ShipmentId,
    SiteId,
)
from domain.money import Money
from domain.orders.status import OrderStatus
from domain.refunds.status import RefundStatus
from domain.returns.status import (
    ReplacementTiming,
    Resolution,
    ResolutionWanted,
    ReturnKind,
    ReturnStatus,
    ShipBack,
)
from domain.value import Value


class DecisionView(Value):
    """By which rule a return was authorized by itself or put to support."""

    rule: str
    """The rule: `within_limit`, `value_above_limit`, `customer_flagged`, `withdrawal` or
    `undeliverable`."""
    inputs: dict[str, Any]
    """What the rule looked at, by name."""


class LinkedRefundView(Value):
    """A refund for the accepted units."""

    id: RefundId
    """Which; see `/refunds`."""
    number: Number
    status: RefundStatus
    """How far it is."""
    amount: Money
    """What it gives back."""


class ReplacementView(Value):
    """The order that replaces the accepted goods."""

    id: OrderId
    """Which; see `/orders`."""
    number: Number
    status: OrderStatus
    """How far it is."""


class ReturnView(Value):
    """Goods that come back by agreement."""

    id: OwnId[ReturnId]
    number: Number
    order_id: OrderRef
    order_number: str
    """The order's name for people."""
    customer_id: CustomerId
    """Who sends them."""
    site_id: SiteId
    """Where they are to arrive."""
    kind: ReturnKind
    """What the return is for."""
    status: ReturnStatus
    """How far it is."""
    resolution_wanted: ResolutionWanted
    """What the customer gets for what is accepted, if nothing stands against it."""
    resolution: Resolution | None
    """What the customer gets, from the moment that this was set in motion; null before."""
    replacement_timing: ReplacementTiming
    """When the goods are replaced, where that is wanted."""
    replacement_order: ReplacementView | None
    """The order that replaces the accepted goods; null until it was placed, and without one."""
    replacement_due_at: datetime | None
    """When support is asked about goods that are not there to replace them, in UTC (RFC 3339);
    null unless the return waits for stock."""
    claim_id: ClaimId | None
    """The claim on a warranty for which the goods come in; null of other returns."""
    shipment_id: ShipmentId | None
    """The shipment that its carrier brings back undelivered, of a return that opened by itself."""
    parcel_answer: UndeliverableAnswer | None
    """What the customer gets for what comes back undelivered; null until support has said so."""
    kept_goods: KeptAnswer | None
    """What became of what goods are worth that were replaced in advance and did not come back; null
    until finance has said so."""
    ship_back: ShipBack
    """How the goods come back."""
    label_fee: Money
    """What is kept of the refund, once, if the goods come under our label; it was set when the
    return was asked for."""
    ship_back_by: datetime | None
    """When it expires if nothing has come, in UTC (RFC 3339); null until it is authorized, and
    where nothing has to come."""
    label: ReturnLabelView | None
    """With `ship_back: label`, the label: the newest one, once the return is authorized."""
    label_cost: Money | None = Field(
        description=f"What the carrier takes for that label. {WITHHELD}"
    )
    in_transit: bool
    """Whether the carrier has a parcel that comes back under the label."""
    send_back_label: ReturnLabelView | None
    """The label under which goods that were not accepted go to the customer again: the newest one;
    null where they go otherwise."""
    send_back_cost: Money | None = Field(
        description=f"What the carrier takes for that one. {WITHHELD}"
    )
    lines: tuple[ReturnLineView, ...]
    """What comes back."""
    estimate: EstimateView | None = Field(
        description="What it would give back now, if all that may yet be accepted of it were; null"
        " once that is settled or it has ended, where its goods are replaced, and in lists."
        f" {WITHHELD}"
    )
    refunds: tuple[LinkedRefundView, ...] | None = Field(
        description=f"The refunds for what was accepted. {WITHHELD}"
    )
    refunded: Money | None = Field(
        description=f"What has gone back to the customer for it. {WITHHELD}"
    )
    decision: DecisionView | None = Field(description=f"How it was judged. {WITHHELD}")
    notes: str | None = Field(description=f"What colleagues should know. {WITHHELD}")
    reject_reason: str
    """Why it was rejected; empty unless it was."""
    cancel_reason: str
    """Why it was given up, where that was said."""
    requested_by: Actor
    authorized_by: Actor | None
    """Who let it come; `system` by the rules, null before that."""
    created_at: CreatedAt
    authorized_at: datetime | None
    """When it was authorized, in UTC (RFC 3339)."""
    received_at: datetime | None
    """When all that would come was here, in UTC (RFC 3339)."""
    inspected_at: datetime | None
    """When every unit had been inspected, in UTC (RFC 3339)."""
    closed_at: datetime | None
    """When it was closed, in UTC (RFC 3339)."""
    updated_at: UpdatedAt
    version: Version


class ClosedView(Value):
    """The answer to closing a return: it is complete, with the return beside that."""

    id: OwnId[ReturnId]
    object: Literal["return"] = "return"
    """What kind of document it is."""
    completed: Literal[True] = True
    """That nothing about it is open."""
    document: ReturnView
    """The return as it is now."""


def return_view(
    row: ReturnRead, caller: Caller, estimate: EstimateView | None = None
) -> ReturnView:
    """Show a return as the caller may see it."""
    lines = [
        {
            **line,
            "dispositions": [
                disposition_json(each, row.currency, caller) for each in line["dispositions"]
            ],
        }
        for line in row.lines
    ]
    refunds = [
        {
            "id": each["id"],
            "number": each["number"],
            "status": each["status"],
            "amount": money(each["amount"], each["currency"]),
        }
        for each in row.refunds
    ]
    given = sum(each["amount"] for each in row.refunds if each["status"] == RefundStatus.SUCCEEDED)
    return view_for(
        caller,
        "return",
        ReturnView,
        row,
        lines=lines,
        refunds=refunds,
        refunded=money(given, row.currency),
        estimate=estimate,
        label_fee=money(row.label_fee_amount, row.currency),
        **of_labels(row.label, row.send_back_label, caller),
        requested_by=disclose_actor(row.requested_by, caller),
        authorized_by=row.authorized_by and disclose_actor(row.authorized_by, caller),
    )
