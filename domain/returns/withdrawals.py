"""Withdrawals: what a consumer states, and the acknowledgement of it that is kept word for word.

Directive 2011/83/EU with the article 11a that directive (EU) 2023/2673 put into it: a statement is
declared, shown, and takes effect when it is confirmed. No reason is asked for.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from domain.customers import Email
from domain.errors import QuantityExceeded
from domain.ids import LineId, OrderId
from domain.orders.placing import MOST_LINES
from domain.policy import ReturnCost
from domain.returns.requests import RequestReturn, ReturnLine, Units
from domain.returns.rules import SoldLine
from domain.returns.status import ReturnKind, ShipBack
from domain.value import Name, Value

REFUNDED_WITHIN = timedelta(days=14)
"""From the confirmation (2011/83/EU, 13 (1)); goods or proof of their sending may be awaited."""

LINK_LIVES = timedelta(hours=24)
"""So long the token in a link that was mailed to a guest can be used."""
LINKS_A_DAY = 5
"""So many links of one order are mailed in 24 hours at most."""

Token = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[\w-]+$")]
"""What proves that a guest reads the e-mail of an order's customer."""


class WithdrawnLine(Value):
    """Delivered units of one line of an order that a consumer withdraws from."""

    order_line_id: LineId
    """Which goods, by the `id` that the order shows."""
    quantity: Units
    """How many units of the line."""


class Declaration(Value):
    """What a consumer states; it gives no reason, and none is asked for."""

    lines: tuple[WithdrawnLine, ...] | None = Field(
        default=None,
        min_length=1,
        max_length=MOST_LINES,
        description="The goods that are withdrawn from; everything delivered when left out.",
    )
    name: Name | None = None
    """The consumer's name; the customer's when left out."""
    email: Email | None = None
    """Where the acknowledgement is to be sent; the customer's own when left out."""

    @model_validator(mode="after")
    def _lines_differ(self) -> Self:
        lines = [line.order_line_id for line in self.lines or ()]
        if len(set(lines)) < len(lines):
            raise ValueError("lines must name each line of the order once")
        return self


class DeclareWithdrawal(Declaration):
    """State that a consumer withdraws from an order; it takes effect when it is confirmed."""

    order_id: OrderId
    """The order that is withdrawn from."""


class AskForLink(Value):
    """Ask for a link by which a guest can withdraw."""

    order_number: Name
    """The order's name for people, such as `SO-1042`."""
    email: Email
    """The e-mail address with which it was ordered."""


@dataclass(frozen=True)
class Goods:
    """Units of a line as a statement names them."""

    order_line_id: LineId
    sku: str
    name: str
    quantity: int


def withdrawn_units(
    lines: Sequence[WithdrawnLine] | None, sold: Sequence[SoldLine]
) -> dict[LineId, int]:
    """Return the units of each line that are withdrawn from: by default all that are left.

    Raises QuantityExceeded when nothing is left.
    """
    if lines is not None:
        return {line.order_line_id: line.quantity for line in lines}
    units = {LineId(line.id): line.left for line in sold if line.left}
    if not units:
        raise QuantityExceeded(
            "nothing of the order was delivered that is on no return; what is on its way or not"
            " sent yet is cancelled with the order",
            remaining_units=0,
        )
    return units


def request_of(order_id: OrderId, units: dict[LineId, int], cost: ReturnCost) -> RequestReturn:
    """Return the return that a withdrawal asks for."""
    return RequestReturn(
        order_id=order_id,
        kind=ReturnKind.WITHDRAWAL,
        ship_back=ship_back_of(ShipBack.OWN, cost),
        lines=tuple(
            ReturnLine(order_line_id=line_id, quantity=quantity)
            for line_id, quantity in units.items()
        ),
    )


def ship_back_of(asked: ShipBack, cost: ReturnCost) -> ShipBack:
    """Return how withdrawn goods come back: under a label of ours where we bear what that costs."""
    ours = asked is ShipBack.OWN and cost is ReturnCost.MERCHANT
    return ShipBack.LABEL if ours else asked


def statement_of(name: str, order_number: str, goods: Sequence[Goods]) -> str:
    """Return a consumer's statement in words, as it is shown before it is confirmed."""
    listed = "\n".join(f"- {each.quantity} x {each.sku}, {each.name}" for each in goods)
    return (
        f"I, {name}, withdraw from the contract of sale of these goods of the order"
        f" {order_number}:\n{listed}\n"
    )


_COSTS = {
    ReturnCost.CUSTOMER: "You bear the direct cost of sending the goods back.",
    ReturnCost.MERCHANT: "We bear the cost of sending the goods back: use the label that we send.",
}


@dataclass(frozen=True)
class Receipt:
    """What an acknowledgement tells beside the statement."""

    order_number: str
    return_number: str
    name: str
    email: str | None
    declared_at: datetime
    received_at: datetime
    ship_back_by: datetime | None
    """None where the goods stay with the consumer."""


def acknowledgement_of(statement: str, receipt: Receipt, cost: ReturnCost) -> str:
    """Return the acknowledgement of a confirmed withdrawal: its content, and when it was received.

    It is written once and kept; it can be stored and reproduced unchanged.
    """
    until = receipt.received_at + REFUNDED_WITHIN
    return f"""\
ACKNOWLEDGEMENT OF RECEIPT OF A WITHDRAWAL

We have received your withdrawal. It is effective; you need not do anything more to withdraw.

Received:  {moment(receipt.received_at)} (date and time in UTC, RFC 3339)
Declared:  {moment(receipt.declared_at)}
Order:     {receipt.order_number}
Return:    {receipt.return_number}
Name:      {receipt.name}
Sent to:   {receipt.email or "-"}

Your statement:

{statement}
What follows:

{_sending(receipt, cost)}
We pay back what you paid for the goods by the means with which you paid, without undue delay and
by {until:%Y-%m-%d}; we may wait until we have the goods, or proof that you have sent them. If you
withdraw from the whole order, the cost of its standard delivery is paid back, too.
"""


def _sending(receipt: Receipt, cost: ReturnCost) -> str:
    if receipt.ship_back_by is None:
        return "You may keep the goods: nothing has to be sent back."
    by = f"{receipt.ship_back_by.astimezone(UTC):%Y-%m-%d}"
    return (
        f"Please send the goods back by {by}, and put the number {receipt.return_number} into the"
        f" parcel.\n{_COSTS[cost]}"
    )


def moment(at: datetime) -> str:
    """Write a moment in UTC to the second (RFC 3339)."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
