"""Requests for money to go back: what is asked for, and the answers of people to it."""

from typing import Self

from pydantic import Field, model_validator

from domain.ids import LineId, OrderId
from domain.money import Money
from domain.orders.placing import MOST_LINES
from domain.value import Name, Value


class RefundLine(Value):
    """Units of an order's line, or an amount of it without units, that are given back."""

    order_line_id: LineId
    """Which goods, by the `id` that the order shows."""
    units: int = Field(default=0, strict=True, ge=0, le=1_000_000)
    """How many delivered units are given back; 0 for an amount alone.

    Of an order that was paid for as a whole when it was confirmed: of all units.
    """
    amount: Money | None = None
    """How much goes back for the line; the units' share of what was paid when left out."""

    @model_validator(mode="after")
    def _is_about_something(self) -> Self:
        if self.units == 0 and self.amount is None:
            raise ValueError("say how many units, or what amount, of the line is given back")
        if self.amount is not None and self.amount.amount == 0:
            raise ValueError("amount must be more than 0")
        return self


class RefundParts(Value):
    """What of an order's money is to go back: lines, shipping or goodwill."""

    order_id: OrderId
    """Whose money."""
    lines: tuple[RefundLine, ...] = Field(default=(), max_length=MOST_LINES)
    """Goods; each line of the order at most once."""
    shipping: Money | None = None
    """How much of the order's shipping, with its tax."""
    goodwill: Money | None = None
    """How much without goods."""
    fee: Money | None = Field(
        default=None,
        exclude_if=lambda given: given is None,
        description="How much of what goes back for `lines` is kept, such as a restocking fee.",
    )

    @model_validator(mode="after")
    def _is_about_something(self) -> Self:
        lines = [line.order_line_id for line in self.lines]
        if len(set(lines)) < len(lines):
            raise ValueError("lines must name each line of the order once")
        others = [money for money in (self.shipping, self.goodwill) if money is not None]
        if not lines and not others:
            raise ValueError("give lines, shipping or goodwill")
        if any(money.amount == 0 for money in others):
            raise ValueError("shipping and goodwill must be more than 0 where they are given")
        if self.fee is not None and not (self.lines and self.fee.amount):
            raise ValueError("a fee is kept of lines, and must be more than 0 where it is given")
        return self


class RequestRefund(RefundParts):
    """Money to go back to the customer of an order, and why."""

    reason: Name
    """Why; for colleagues and the audit."""


class CancelRefund(Value):
    """Give a refund up."""

    reason: Name
    """Why, for example because the customer was paid by bank transfer."""
