"""Disclosure: which command a caller must be allowed to give to be shown a part of a document.

A route asks whether a caller may read a document at all. These tables ask the same of what the
document's views embed: its fields, its events, and what its process waits for. What is withheld
is null in a view, and absent from the data of an event.
"""

from collections.abc import Mapping
from typing import Any

from domain.access import Caller, Command
from domain.orders.status import CancelReason
from domain.tasks import TaskKind

C = Command

FIELDS: Mapping[str, Mapping[str, Command]] = {
    "order": {
        "holds": C.INTERNALS_READ,
        "payments": C.PAYMENTS_READ,
        "metadata": C.INTERNALS_READ,
        "priority": C.INTERNALS_READ,
    },
    "customer": dict.fromkeys(
        ("flags", "terms_days", "credit_limit", "metadata"), C.INTERNALS_READ
    ),
    "item": {
        "stock": C.INVENTORY_READ,
        "more_stock": C.INVENTORY_READ,
        "metadata": C.INTERNALS_READ,
        "standard_cost": C.COSTS_READ,
    },
    "shipment": {"label_url": C.INTERNALS_READ, "label_cost": C.INTERNALS_READ},
    "shipment line": {"location_id": C.INVENTORY_READ},
    "refund": dict.fromkeys(
        ("reason", "failure_code", "failure_message", "cancel_reason"), C.INTERNALS_READ
    ),
    "return": {
        **dict.fromkeys(("decision", "notes", "label_cost", "send_back_cost"), C.INTERNALS_READ),
        **dict.fromkeys(("estimate", "refunds", "refunded"), C.REFUNDS_READ),
    },
    "parcel sent back": {"label_url": C.INTERNALS_READ},
    "disposition": {"location_id": C.INVENTORY_READ, "note": C.INTERNALS_READ},
    "warranty": {"proof_of_purchase": C.INTERNALS_READ, "claims": C.CLAIMS_READ},
    "claim": {
        **dict.fromkeys(("checks", "note"), C.INTERNALS_READ),
        "work_orders": C.WORK_ORDERS_READ,
        "cost": C.COSTS_READ,
    },
    "work order": {"cost": C.COSTS_READ},
    "technician": {"hourly_rate": C.COSTS_READ},
    "warranty term": {"auto_limit": C.INTERNALS_READ},
    "process": {"runs": C.INTERNALS_READ},
}
"""Fields of views that not everybody sees who may read the document."""

_TOPICS: Mapping[str, Command] = {
    "order": C.ORDERS_READ,
    "shipment": C.SHIPMENTS_READ,
    "customer": C.CUSTOMERS_READ,
    "item": C.ITEMS_READ,
    "inventory": C.INVENTORY_READ,
    "lot": C.INVENTORY_READ,
    "site": C.INVENTORY_READ,
    "refund": C.REFUNDS_READ,
    "return": C.RETURNS_READ,
    "warranty": C.WARRANTIES_READ,
    "warranty_term": C.WARRANTIES_READ,
    "claim": C.CLAIMS_READ,
    "work_order": C.WORK_ORDERS_READ,
    "technician": C.WORK_ORDERS_READ,
    "task": C.TASKS_READ,
}
_OF_PAYMENTS = "order.payment_"
_PAYMENT = dict.fromkeys(
    ("payment_id", "kind", "amount", "failure_code", "source"), C.PAYMENTS_READ
)
_MOVE = dict.fromkeys(("from", "to", "order_id", "shipment_id"))

EVENTS: Mapping[str, Mapping[str, Command | None]] = {
    "order.placed": {"total": None, "return_id": None},
    "order.stock_reserved": {
        **dict.fromkeys(("plan", "candidates"), C.INVENTORY_READ),
        "backordered": None,
    },
    "order.backordered": {"lines": None},
    "order.still_backordered": {"backordered": None, "skus": None},
    "order.cancelled": {"reason": None},
    "order.changed": {"fields": None},
    "order.lines_cancelled": {"lines": None, "reason": None},
    "order.payment_received": {"received_on": C.PAYMENTS_READ},
    "order.transfer_reminder": {"payment_due_at": None},
    "order.payment_overdue": {"due_on": C.PAYMENTS_READ, "owes": C.PAYMENTS_READ},
    "order.credited": {"amount": C.PAYMENTS_READ, "return_id": C.RETURNS_READ},
    "order.lines_not_cancelled": {"lines": None, "reason": None},
    "order.withdrawal_declared": {"withdrawal_id": None, "units": None},
    "shipment.planned": {"units": None, "replaces": None},
    "shipment.picked": {"units": None, "to_pick": None},
    "shipment.packed": {"parcels": None},
    "shipment.shortage_reported": {"lines": C.INVENTORY_READ},
    "order.goods_missing": {"lines": C.INVENTORY_READ, "shipment_id": None},
    "shipment.cancelled": {"replaced_by": None},
    "shipment.exception": {"reason": None},
    "shipment.written_off": {"refunded": C.PAYMENTS_READ, "return_id": C.RETURNS_READ},
    "shipment.overdue": {"promised_on": None},
    "refund.requested": {"amount": None},
    "refund.succeeded": {"amount": None},
    "return.requested": {"units": None},
    "return.rejected": {"reason": None},
    "return.cancelled": {"reason": None},
    "return.label_booked": {"parcels": None},
    "return.parcel_moved": {"parcel_status": None, "direction": None},
    "return.send_back_booked": dict.fromkeys(("carrier", "parcels", "tracking_numbers")),
    "return.goods_left": {"units": None, "tracking_numbers": None},
    "return.replacement_lost": dict.fromkeys(("order", "shipment", "units")),
    "return.replacement_found": {"shipments": None},
    "return.ship_back_extended": {"ship_back_by": None},
    "return.ship_back_reminder": {"ship_back_by": None},
    "return.changed": {"ship_back": None},
    "return.goods_received": {"units": None},
    "return.goods_lost": {"units": None},
    "return.inspected": {"accepted": None},
    "return.withdrawal_acknowledged": {"withdrawal_id": None, "received_at": None},
    "return.resolved": {"resolution": None, "amount": C.REFUNDS_READ},
    "return.replaced": {"order_id": None},
    "return.closed": {"resolution": None},
    "claim.filed": dict.fromkeys(("warranty_id", "failed_on", "symptom", "quantity")),
    "claim.under_review": {"rule": None},
    "claim.evidence_added": {"links": None},
    "claim.evidence_reminder": {"evidence_due_at": None},
    "claim.approved": dict.fromkeys(("resolution", "replacement_timing", "goodwill")),
    "claim.denied": dict.fromkeys(("rule", "reason", "return_id")),
    "claim.appealed": {"reason": None, "rule": None},
    "claim.withdrawn": dict.fromkeys(("reason", "return_id", "return_status")),
    "claim.settled": dict.fromkeys(("resolution", "return_id")),
}
"""What of an event's data is for more than `internals:read`: None for all who see the document."""

MONEY_TASKS = frozenset(
    {
        TaskKind.CAPTURE_FAILED,
        TaskKind.CAPTURE_REFUSED,
        TaskKind.OVERPAID,
        TaskKind.PAY_OUT,
        TaskKind.PARCEL_LOST,
        TaskKind.UNDELIVERABLE,
        TaskKind.UNDO_FAILED,
        TaskKind.PAYMENT_MISMATCH,
        TaskKind.REFUND_APPROVAL,
        TaskKind.REFUND_UNSETTLED,
        TaskKind.REFUND_FAILED,
        TaskKind.UNASKED_REFUND,
        TaskKind.CHARGEBACK,
        TaskKind.REFUND_STOPPED,
        TaskKind.RETURN_REVIEW,
        TaskKind.RETURN_UNSERVED,
        TaskKind.KEPT_GOODS,
        TaskKind.REPLACEMENT_LOST,
        TaskKind.CLAIM_REVIEW,
        TaskKind.RENEWAL_FAILED,
    }
)
"""Tasks whose facts tell of payments."""

WAITS: Mapping[str, tuple[Command, str]] = {
    "task": (C.TASKS_READ, "a decision"),
    "hold": (C.INTERNALS_READ, "the hold"),
    "dispatch": (C.INTERNALS_READ, "the next step"),
    "step": (C.INTERNALS_READ, "the next step"),
    "work": (C.WORK_ORDERS_READ, "the repair"),
}
"""Who is told what exactly a process waits for, by what it is, and what others are told."""


def disclose(view: str, values: Mapping[str, Any], caller: Caller | None) -> dict[str, Any]:
    """Return the values of a view with null for what is withheld; no caller sees everything."""
    if caller is None:
        return dict(values)
    hidden = withheld(view, caller)
    return {name: None if name in hidden else value for name, value in values.items()}


def withheld(view: str, caller: Caller) -> frozenset[str]:
    """Return the fields of a view that the caller may not see."""
    return frozenset(name for name, command in FIELDS[view].items() if not caller.may(command))


def disclose_event(event: Mapping[str, Any], caller: Caller) -> dict[str, Any]:
    """Return an event with what of its data and of its actor the caller may see."""
    kind = event["type"].rpartition(".")[0]
    data = {
        name: disclose_reason(value, caller) if name == "reason" else value
        for name, value in event["data"].items()
        if all(caller.may(command) for command in _needed(kind, name))
    }
    return {**event, "data": data, "actor": disclose_actor(event["actor"], caller)}


def _needed(kind: str, field: str) -> set[Command]:
    of_payments = kind.startswith(_OF_PAYMENTS)
    listed = {**_MOVE, **(_PAYMENT if of_payments else {}), **EVENTS.get(kind, {})}
    needed = {
        _TOPICS.get(kind.partition(".")[0], C.INTERNALS_READ),
        listed.get(field, C.INTERNALS_READ),
        C.PAYMENTS_READ if of_payments else None,
    }
    return {command for command in needed if command is not None}


def may_see_money(task_role: str, caller: Caller) -> bool:
    """Whether a caller sees a task's payments: who may read them, or is asked the question."""
    return caller.role == task_role or caller.may(C.PAYMENTS_READ)


def disclose_actor(actor: str, caller: Caller, *, told: bool = True) -> str:
    """Return who did something; other people and keys are ``company`` to outsiders.

    So they are to all callers who are not ``told`` of the document.
    """
    insider = told and caller.may(C.INTERNALS_READ)
    return actor if insider or ":" not in actor or actor == caller.subject else "company"


def disclose_reason(reason: str | None, caller: Caller | None) -> str | None:
    """Return why an order was cancelled, unless that is a suspicion that outsiders do not see."""
    suspicion = reason == CancelReason.FRAUD
    return reason if not suspicion or caller is None or caller.may(C.INTERNALS_READ) else None


def wait_withheld(what: str, caller: Caller) -> str | None:
    """Return what a caller is told in the place of what is awaited; None to tell that itself."""
    command, instead = WAITS.get(what, (None, ""))
    return None if command is None or caller.may(command) else instead
