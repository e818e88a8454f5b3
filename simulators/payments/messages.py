"""What the payment provider and its clients say to each other."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Kind = Literal["authorization", "capture", "void", "refund", "chargeback"]
Outcome = Literal["succeeded", "failed", "action_required", "pending"]
Amount = Annotated[int, Field(strict=True, ge=1, le=10**15)]
"""Minor units of the currency."""
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
Label = Annotated[str, StringConstraints(max_length=200)]


class Request(BaseModel):
    """A body; unknown fields are refused."""

    model_config = ConfigDict(extra="forbid")


class AuthorizationRequest(Request):
    """Reserve money of the card behind the token."""

    token: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    amount: Amount
    currency: Currency
    metadata: Annotated[dict[Label, Label], Field(max_length=20)] = {}
    return_url: (
        Annotated[str, StringConstraints(pattern=r"^https://\S+$", max_length=2000)] | None
    ) = Field(default=None, description="Where the customer goes after confirming or failing.")


class MoneyRequest(Request):
    """Capture, void or refund this much of an authorization."""

    amount: Amount
    currency: Currency


class Settlement(Request):
    """How a pending operation ends; one that succeeded may also fail later."""

    key: str
    outcome: Literal["succeeded", "failed"]
    failure_code: Label = ""


class Correction(Request):
    """The amount that an operation should have moved."""

    key: str
    amount: Amount


class Operation(BaseModel):
    """One movement of money. ``executed`` counts how often money moved: 1, or 0 when it did not.

    ``requests`` counts how often the operation was asked for with its key.
    """

    sequence: int
    id: str
    key: str
    kind: Kind
    authorization: str
    authorization_expires_at: str
    amount: int
    currency: str
    outcome: Outcome
    redirect_url: str = Field(
        default="",
        description="The page on which the customer confirms or fails, while that is required.",
    )
    failure_code: str
    failure_message: str
    executed: int
    requests: int
    created_at: str
    updated_at: str


class OperationList(BaseModel):
    """Operations, oldest first; ask on with ``after`` = the last sequence."""

    data: list[Operation]


class Authorization(BaseModel):
    """Reserved money and what became of it."""

    id: str
    amount: int
    currency: str
    outcome: Outcome
    failure_code: str
    captured: int
    voided: int
    refunded: int
    charged_back: int
    capturable: int
    refundable: int
    expires_at: str
    created_at: str
    metadata: dict[str, str]
