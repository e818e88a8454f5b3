"""Holds: reasons to stop a document of any kind, placed and released by a person or a rule."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any
from uuid import UUID

from pydantic import model_validator

from domain.documents import Document, Kind
from domain.errors import AlreadyExists
from domain.value import Actor, Text, Value


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


def already_held(kind: Kind, reason: HoldReason) -> AlreadyExists:
    """Return the refusal of a second open hold of the same reason."""
    return AlreadyExists(f"the {kind} is already on hold for {reason}")
