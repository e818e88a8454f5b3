"""Holds: reasons to stop a document of any kind, placed and released by a person or a rule."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any
from uuid import UUID

from pydantic import model_validator

from domain.access import Caller, Command
from domain.documents import Document, Kind
from domain.errors import AlreadyExists, Malformed
from domain.value import Actor, Text, Value

BY_RULE = "system"
"""Who places a hold that a rule demands."""


class HoldReason(StrEnum):
    """Why a document is stopped."""

    AWAITING_PAYMENT = "awaiting_payment"
    CREDIT_LIMIT = "credit_limit"
    FRAUD_REVIEW = "fraud_review"
    ADDRESS_PROBLEM = "address_problem"
    OUT_OF_STOCK = "out_of_stock"
    QUALITY = "quality"
    CUSTOMER_REQUEST = "customer_request"
    SUPPLIER_PROBLEM = "supplier_problem"
    MANUAL = "manual"


HOLD_OWNERS: Mapping[HoldReason, str] = {
    HoldReason.AWAITING_PAYMENT: "finance",
    HoldReason.CREDIT_LIMIT: "finance",
    HoldReason.FRAUD_REVIEW: "finance",
    HoldReason.ADDRESS_PROBLEM: "support",
    HoldReason.OUT_OF_STOCK: "support",
    HoldReason.QUALITY: "support",
    HoldReason.CUSTOMER_REQUEST: "support",
    HoldReason.SUPPLIER_PROBLEM: "support",
    HoldReason.MANUAL: "support",
}
"""Who is asked about a hold that stays: a role that may release it."""


class PlaceHold(Value):
    """The body of a hold."""

    reason: HoldReason = HoldReason.MANUAL
    """Why; one hold of each reason may be open at a time."""
    note: Text = ""
    """In words, for the people who are asked to release it."""


class ReleaseHold(Value):
    """The body of a release, which may be left out."""

    note: Text = ""
    """Why the document may go on; needed for a hold `credit_limit` that was placed by a rule."""


class _HoldRequest(Value):
    document: Document
    hold_id: UUID
    actor: Actor

    @model_validator(mode="before")
    @classmethod
    def _of_an_order(cls, given: Any) -> Any:
        # The histories of runs have requests from when only orders could be held.
        if isinstance(given, dict) and "order_id" in given:
            given = dict(given)
            given["document"] = {"kind": Kind.ORDER, "id": given.pop("order_id")}
        return given


class HoldPlacement(_HoldRequest):
    """A request to stop a document; the id makes a repeat the same hold."""

    reason: HoldReason
    note: Text


class HoldRelease(_HoldRequest):
    """A request to let a document go on."""

    note: Text = ""
    """Why, in words of the person who releases it."""


def check_release(caller: Caller, reason: HoldReason, placed_by: str, note: str) -> None:
    """Raise unless this caller may release such a hold, and says why where that has to be said.

    One for want of credit is for those who grant credit (Forbidden), with a reason (Malformed).
    """
    if reason is not HoldReason.CREDIT_LIMIT or placed_by != BY_RULE:
        return
    caller.require(Command.CUSTOMERS_CREDIT)
    if not note.strip():
        raise Malformed(
            "say why the order may go beyond the credit",
            errors=[{"pointer": "/note", "message": "needed to release a hold for want of credit"}],
        )


def already_held(kind: Kind, reason: HoldReason) -> AlreadyExists:
    """Return the refusal of a second open hold of the same reason."""
    return AlreadyExists(f"the {kind} is already on hold for {reason}")
