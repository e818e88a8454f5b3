"""Documents and the process of each kind: the one table that everything about runs is read from."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


class Kind(StrEnum):
    """The kinds of documents that a process carries to their end."""

    ORDER = "order"
    SHIPMENT = "shipment"
    REFUND = "refund"
    RETURN = "return"
    CLAIM = "claim"
    SITE = "site"
    """No document: what waits for its stock is served by a run."""
    WORK_ORDER = "work_order"


class Signal(StrEnum):
    """Facts that a run is told of; each makes it look at its document again."""

    SHIPMENT_ENDED = "shipment_ended"
    PAYMENT_REPORTED = "payment_reported"
    CARRIER_REPORTED = "carrier_reported"
    RETURN_CHANGED = "return_changed"
    REFUND_SETTLED = "refund_settled"
    CLAIM_CHANGED = "claim_changed"
    GOODS_RESERVED = "goods_reserved"
    STOCK_CHANGED = "stock_changed"
    WORK_ORDER_CHANGED = "work_order_changed"


@dataclass(frozen=True, slots=True)
class Document:
    """One document of a kind; written as ``order/0193…``."""

    kind: Kind
    id: UUID

    def __str__(self) -> str:
        return f"{self.kind}/{self.id}"


@dataclass(frozen=True, slots=True)
class Process:
    """What carries a kind of document: its workflow, the stem of its run ids, its signals."""

    workflow: str
    """The workflow's type at Temporal."""
    stem: str
    path: str
    """Where the documents are found over HTTP."""
    signals: tuple[Signal, ...]
    """The first one wakes a run whose document needs nothing but another look."""


DECIDE = "decide"
"""The update by which every process takes a person's answer to what it asked."""
PLACE_HOLD = "place_hold"
RELEASE_HOLD = "release_hold"
"""The updates by which a process that can be held is stopped and let go on."""

PROCESSES: Mapping[Kind, Process] = {
    Kind.ORDER: Process(
        workflow="OrderFulfillment",
        stem="order-fulfillment",
        path="orders",
        signals=(Signal.SHIPMENT_ENDED, Signal.PAYMENT_REPORTED, Signal.GOODS_RESERVED),
    ),
    Kind.SHIPMENT: Process(
        workflow="ShipmentTracking",
        stem="shipment-tracking",
        path="shipments",
        signals=(Signal.CARRIER_REPORTED,),
    ),
    Kind.REFUND: Process(
        workflow="PaymentRefund",
        stem="payment-refund",
        path="refunds",
        signals=(Signal.PAYMENT_REPORTED,),
    ),
    Kind.RETURN: Process(
        workflow="ReturnAuthorization",
        stem="return-authorization",
        path="returns",
        signals=(Signal.RETURN_CHANGED, Signal.REFUND_SETTLED),
    ),
    Kind.CLAIM: Process(
        workflow="WarrantyClaimReview",
        stem="warranty-claim-review",
        path="warranties/claims",
        signals=(Signal.CLAIM_CHANGED,),
    ),
    Kind.SITE: Process(
        workflow="InventoryReplenishment",
        stem="inventory-replenishment",
        path="inventory/sites",
        signals=(Signal.STOCK_CHANGED,),
    ),
    Kind.WORK_ORDER: Process(
        workflow="WorkOrderExecution",
        stem="work-order-execution",
        path="work_orders",
        signals=(Signal.WORK_ORDER_CHANGED,),
    ),
}


def run_id(kind: Kind, number: str) -> str:
    """Return the workflow id of a document's run: ``order-fulfillment/SO-1042``.

    The human number is unique and never changes, and it is what an operator looks for.
    """
    return f"{PROCESSES[kind].stem}/{number}"


def correlation_id(document: Document) -> str:
    """Return what the events of a process are correlated by: its stem and the document's id."""
    return f"{PROCESSES[document.kind].stem}/{document.id}"


@dataclass(frozen=True, slots=True)
class Run:
    """What a document's run is known by at Temporal."""

    document: Document
    number: str
    status: str
    customer_id: UUID | None
    """Whose it is; None where it is the house's own."""
    summary: str
    """One line for people: what the document is about."""

    @property
    def id(self) -> str:
        """The workflow id."""
        return run_id(self.document.kind, self.number)

    @property
    def workflow(self) -> str:
        """The workflow's type."""
        return PROCESSES[self.document.kind].workflow
