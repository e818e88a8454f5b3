"""What people ask about warranties."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from domain.ids import CustomerId, ItemId, LineId
from domain.units import Serial
from domain.value import Day, Name, Value
from domain.warranties.terms import Code, Months

FOR_STAFF = ("proof_of_purchase", "term", "starts_on")
"""What only staff may say of a warranty that is registered by hand."""


class RegisterWarranty(Value):
    """Units to be registered: of a delivered line of an order, or bought where the proof says."""

    order_line_id: LineId | None = None
    """The line of the order that delivered them; its customer is the owner."""
    item_id: ItemId | None = None
    """What was bought, where there is no order of ours."""
    customer_id: CustomerId | None = None
    """Whose it is, where there is no order of ours."""
    serial: Serial | None = None
    """What stands on the unit, where the item is tracked by serial: then `quantity` is 1."""
    proof_of_purchase: Name | None = Field(
        default=None,
        description="What shows that they were bought, such as a receipt's number or its address;"
        " only staff gives it, who has seen it.",
    )
    quantity: Annotated[int, Field(strict=True, ge=1, le=100_000)] = 1
    """How many units."""
    term: Code | None = Field(
        default=None,
        description="The code of the term, in its newest version; only staff gives it. When left"
        " out, the one that the item was sold with.",
    )
    starts_on: Day | None = Field(
        default=None,
        description="The first day; only staff gives it, and has to without an order of ours. When"
        " left out, as the term says.",
    )

    @model_validator(mode="after")
    def _of_an_order_or_proven(self) -> Self:
        if self.serial is not None and self.quantity != 1:
            raise ValueError("a serial is one unit's: quantity is 1")
        elsewhere = (self.item_id, self.customer_id, self.proof_of_purchase)
        if self.order_line_id is not None:
            if any(given is not None for given in elsewhere):
                raise ValueError("an order's line says whose it is and what: give it alone")
        elif None in (*elsewhere, self.starts_on):
            raise ValueError(
                "give order_line_id, or item_id, customer_id, proof_of_purchase and starts_on"
            )
        return self


class RequestWarranty(Value):
    """Goods that were bought elsewhere, and what shows that: support is asked to register them."""

    item_id: ItemId
    """What was bought."""
    customer_id: CustomerId
    """Whose it is."""
    serial: Serial | None = Field(
        default=None,
        description="What stands on the unit, where the item is tracked by serial: then `quantity`"
        " is 1.",
    )
    proof_of_purchase: Name
    """What shows that they were bought, such as a receipt's number or its address."""
    quantity: Annotated[int, Field(strict=True, ge=1, le=100_000)] = 1
    """How many units."""
    starts_on: Day
    """The day on which they were bought: the first one of the warranty."""

    @model_validator(mode="after")
    def _one_unit_by_serial(self) -> Self:
        if self.serial is not None and self.quantity != 1:
            raise ValueError("a serial is one unit's: quantity is 1")
        return self

    def as_registered(self) -> RegisterWarranty:
        """Return what staff registers by it."""
        return RegisterWarranty.model_validate(self.model_dump())


class VoidWarranty(Value):
    """Why a warranty is taken back."""

    reason: Name
    """Why, for whoever asks later; the owner is shown it, too."""


class ExtendWarranty(Value):
    """By how much longer a warranty is to hold, and why."""

    months: Months
    """Whole months, on top of those that it has; all of them count from the first day."""
    reason: Name
    """Why."""
