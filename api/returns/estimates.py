"""Views of what a return would give back, and of what may come back at all."""

from collections.abc import Mapping, Sequence
from datetime import date
from uuid import UUID

from activities.returns.estimating import OrderDue
from api.fields import OrderRef, Sku
from api.rows import view
from domain.ids import LineId, OrderId
from domain.money import Money
from domain.refunds.due import LimitedBy
from domain.returns.rules import NotReturnable, SoldLine, Window, why_none
from domain.returns.status import ReturnKind
from domain.value import Value


class EstimateLineView(Value):
    """What would go back for one line."""

    order_line_id: LineId
    """The order's line."""
    units: int
    """How many of the units have money to give back."""
    amount: Money
    """What would go back for them, before the fee."""
    tax: Money
    """The tax in `amount`."""
    fee: Money
    """What would be kept of `amount`: the restocking fee, the days of a warranty that are over, and
    its part of `label_fee`."""


class OrderEstimateView(Value):
    """What would go back of one order."""

    order_id: OrderRef
    amount: Money
    """All that would go back, less `fee`."""
    tax: Money
    """The tax in `amount`."""
    fee: Money
    """What would be kept of the lines."""
    label_fee: Money
    """What of `fee` is for the label under which the goods come."""
    shipping: Money
    """What of `amount` is for shipping, with its tax."""
    lines: tuple[EstimateLineView, ...]
    """What would go back for each line."""
    limited: bool
    """Whether it is less than the goods' price, because money went back otherwise before."""
    limited_by: LimitedBy | None
    """Why it is less: `units_refunded`, money for some of the units went back without a return;
    `payments`, these have no more to give. Null where it is not less."""
    discount_kept: bool
    """Whether the order has a discount and goods of it stay: nothing of the discount is taken back,
    also where the goods that stay would not have earned it."""


class EstimateView(Value):
    """What a return would give back if all of it came and were accepted; nothing has moved."""

    amount: Money
    """All that would go back, less `fee`."""
    fee: Money
    """What would be kept."""
    label_fee: Money
    """What of `fee` is for the label under which the goods come; kept once."""
    orders: tuple[OrderEstimateView, ...]
    """The same by order."""


class ReturnableLineView(Value):
    """How many units of a line can be returned today, and until when."""

    order_line_id: LineId
    """The order's line."""
    sku: Sku
    delivered: int
    """Units that reached the customer."""
    coming_back: int
    """Units on returns that have not come yet."""
    returned: int
    """Units that came back; those that were never delivered too."""
    returnable: int
    """Units that can be returned today."""
    until: date | None
    """The last day for those that are left, inclusive, in UTC; null while it is not known, and
    where nothing can be returned."""
    why_none: NotReturnable | None
    """Why none can be returned today: `not_delivered`; `all_back`, every unit is on a return;
    `non_returnable`, a final sale; `window_closed`, `until` was the last day. Null where some
    can."""


class ReturnableView(Value):
    """What of an order can be returned today."""

    order_id: OrderRef
    kind: ReturnKind
    """The kind of return that is meant: a withdrawal has a window of its own."""
    lines: tuple[ReturnableLineView, ...]
    """Each line of the order."""


def estimate_view(dues: Sequence[OrderDue]) -> EstimateView:
    """Show what would go back; all of it is in one currency."""
    total = sum(each.due.amount for each in dues)
    return EstimateView(
        amount=Money(amount=total, currency=dues[0].currency),
        fee=Money(amount=sum(each.due.fee for each in dues), currency=dues[0].currency),
        label_fee=Money(amount=sum(each.due.label_fee for each in dues), currency=dues[0].currency),
        orders=tuple(_order_estimate(each) for each in dues),
    )


def _order_estimate(each: OrderDue) -> OrderEstimateView:
    def amount(minor: int) -> Money:
        return Money(amount=minor, currency=each.currency)

    return OrderEstimateView(
        order_id=OrderId(each.order_id),
        amount=amount(each.due.amount),
        tax=amount(each.due.tax),
        fee=amount(each.due.fee),
        label_fee=amount(each.due.label_fee),
        shipping=amount(each.due.shipping),
        lines=tuple(
            EstimateLineView(
                order_line_id=LineId(line.line_id),
                units=line.units,
                amount=amount(line.amount),
                tax=amount(line.tax),
                fee=amount(line.fee),
            )
            for line in each.due.lines
        ),
        limited=each.limited_by is not None,
        limited_by=each.limited_by,
        discount_kept=each.keeps_discount,
    )


def returnable_view(
    order_id: UUID, kind: ReturnKind, lines: Sequence[SoldLine], windows: Mapping[UUID, Window]
) -> ReturnableView:
    """Show what of an order can be returned."""
    return ReturnableView(
        order_id=OrderId(order_id),
        kind=kind,
        lines=tuple(
            view(
                ReturnableLineView,
                line,
                order_line_id=line.id,
                returnable=min(line.left, windows[line.id].units),
                until=windows[line.id].until,
                why_none=why_none(line, windows[line.id]),
            )
            for line in lines
        ),
    )
