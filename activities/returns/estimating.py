"""What a return gives back: by order, for the units that are accepted so far."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from db.ledgers import ledger_of
from db.orders.reads import get_order_row
from db.orders.tables import OrderRow
from db.refunds.refundable import billed_order, paid_order
from db.returns.labels import find_live_label
from db.returns.returnable import accepted_of, label_fee_kept, refunded_by, sold_lines
from db.returns.tables import ReturnRow
from db.returns.writes import GoodsRow, goods_of
from db.shipments.refunds import paid_for
from domain.answers import UndeliverableAnswer
from domain.orders.status import CaptureOn
from domain.policy import Policy
from domain.refunds.due import Due, LimitedBy
from domain.refunds.rules import Kept, PaidOrder, give_back
from domain.returns.rules import Accepted, Postage, SoldLine, is_faulty, shipping_due
from domain.returns.status import (
    PROMISED,
    RUNNING,
    LabelStatus,
    ResolutionWanted,
    ReturnKind,
    ReturnStatus,
)
from domain.warranties.coverage import DaysLeft


@dataclass(frozen=True)
class Units:
    """Units of an order's line, why they come back, and what is kept of their money."""

    line_id: UUID
    quantity: int
    reason: str | None
    fee_rate: Decimal = Decimal(0)
    deducted: int = 0
    """What is kept beside that because of the state that they are in, in minor units."""
    days: DaysLeft | None = None
    """By which days of a warranty it goes back; None: all of it."""
    given: int = 0
    """Further units that are accepted, and whose money goes back already."""

    @property
    def accepted(self) -> int:
        """All of them: the shipping goes back with the last ones, whenever their money does."""
        return self.quantity + self.given

    @property
    def kept(self) -> Kept:
        """What of their money does not go back."""
        return Kept(self.fee_rate, self.deducted, self.days)


@dataclass(frozen=True)
class OrderDue:
    """What goes back of one order."""

    order_id: UUID
    currency: str
    due: Due
    limited_by: LimitedBy | None
    """Why that is less than the goods' price; None where it is not."""
    keeps_discount: bool
    """Whether the order has a discount, and goods of it stay with the customer."""
    paid: PaidOrder


async def estimate(
    db: AsyncConnection,
    orders: Mapping[UUID, OrderRow],
    sold: Mapping[UUID, SoldLine],
    units: Mapping[UUID, list[Units]],
    kind: ReturnKind,
    policy: Policy,
    *,
    without: UUID | None = None,
    label_fee: int = 0,
) -> list[OrderDue]:
    """Return what goes back of each order if all these units, by order, are accepted (returns R9).

    As things are at this moment. What is accepted on other returns counts for the shipping, that of
    the return ``without`` is what is given here. ``label_fee`` is kept once: of the orders one
    after the other, as far as the money for their goods goes.
    """
    dues = []
    for order_id, wanted in units.items():
        order = orders[order_id]
        paid = await billed_order(db, order)
        others = await accepted_of(db, order_id, without=without)
        accepted = Accepted(
            units=others.units + sum(each.accepted for each in wanted),
            faulty=others.faulty + sum(each.accepted for each in wanted if is_faulty(each.reason)),
        )
        total = sum(line.sold for line in sold.values() if line.order_id == order_id)
        postage = Postage(
            order.shipping_service,
            order.currency,
            order.shipping_amount,
            order.shipping_tax_amount,
        )
        due, limited_by = give_back(
            {each.line_id: each.quantity for each in wanted if each.quantity > 0},
            paid,
            shipping=shipping_due(accepted, total, kind, policy, postage),
            kept={each.line_id: each.kept for each in wanted},
            label_fee=label_fee,
        )
        label_fee -= due.label_fee
        keeps = order.discount_amount > 0 and accepted.units < total
        dues.append(OrderDue(order_id, order.currency, due, limited_by, keeps, paid))
    return dues


def units_of(line: GoodsRow, quantity: int, given: int = 0) -> Units:
    """Return units of a return's line, with the terms that the return has for them."""
    days = None
    if line.days_left is not None and line.days_of is not None:
        days = DaysLeft(line.days_left, line.days_of)
    return Units(
        line.order_line_id,
        quantity,
        line.reason,
        line.restocking_fee_rate,
        line.deducted,
        days=days,
        given=given,
    )


def is_estimated(found: ReturnRow) -> bool:
    """Whether a return may still give money back, and nothing of it was set in motion."""
    wanted = found.resolution_wanted == ResolutionWanted.REFUND
    wanted = wanted and found.parcel_answer != UndeliverableAnswer.WRITE_OFF
    return wanted and found.resolution is None and found.status in RUNNING


async def estimate_return(
    db: AsyncConnection, found: ReturnRow, policy: Policy
) -> list[OrderDue] | None:
    """Return what a return would give back if all that may yet be accepted of it were.

    As things are at this moment, without locks. None where that is settled, or was never to be.
    """
    if not is_estimated(found):
        return None
    goods = await goods_of(db, found.id)
    orders = {each: await get_order_row(db, each) for each in {line.order_id for line in goods}}
    sold = await sold_lines(db, list(orders))
    coming = found.status in PROMISED
    units = [
        units_of(line, (line.quantity if coming else line.received) - line.rejected)
        for line in goods
    ]
    if found.shipment_id is not None:
        order = orders[found.order_id]
        return [await _undelivered(db, order, found, found.shipment_id, units)]
    fee = await label_fee_due(db, found) if found.status != ReturnStatus.REQUESTED else None
    return await estimate(
        db,
        orders,
        sold,
        by_order(sold, units),
        ReturnKind(found.kind),
        policy,
        without=found.id,
        label_fee=found.label_fee_amount if fee is None else fee,
    )


async def label_fee_due(db: AsyncConnection, found: ReturnRow) -> int | None:
    """Return what a locked return is still to keep for the label under which its goods came.

    Nothing where it was given back unused; None while the carrier has yet to take it back.
    """
    if not found.label_fee_amount:
        return 0
    label = await find_live_label(db, found.id)
    if label is None:
        return 0
    if label.status is not LabelStatus.BOOKED:
        return None
    return found.label_fee_amount - await label_fee_kept(db, found.id)


async def units_due(
    db: AsyncConnection, found: ReturnRow, goods: Sequence[GoodsRow]
) -> list[Units]:
    """Return the accepted units of a return, less those that it has given money for."""
    if found.parcel_answer == UndeliverableAnswer.WRITE_OFF:
        return []
    before = await refunded_by(db, found.id)
    return [
        units_of(line, line.accepted - given, given)
        for line in goods
        if line.accepted
        for given in [before.get(line.order_line_id, 0)]
    ]


async def dues_of(
    db: AsyncConnection,
    orders: Mapping[UUID, OrderRow],
    found: ReturnRow,
    units: list[Units],
    policy: Policy,
    label_fee: int,
) -> list[OrderDue]:
    """Return what a locked inspected return gives back of each order for these units."""
    if found.shipment_id is not None:
        order = orders[found.order_id]
        return [await _undelivered(db, order, found, found.shipment_id, units)]
    sold = await sold_lines(db, list(orders))
    kind = ReturnKind(found.kind)
    by = by_order(sold, units)
    return await estimate(db, orders, sold, by, kind, policy, without=found.id, label_fee=label_fee)


async def _undelivered(
    db: AsyncConnection, order: OrderRow, found: ReturnRow, shipment_id: UUID, units: list[Units]
) -> OrderDue:
    """Return what goes back for units that never were delivered, of a shipment's own money.

    The postage too, if nothing of the order has reached the customer: unless that was the
    customer's fault, as the answer says.
    """
    paid = await billed_order(db, order, shipment_id)
    # What was taken for it elsewhere, by a chargeback for instance, the customer has already.
    charged = (await ledger_of(db, order.id)).charged_for(shipment_id)
    giving = [one for one in paid.payments if charged is not None and one.id == charged.id]
    paid = replace(paid, payments=giving)
    others = (await paid_for(db, [shipment_id]))[shipment_id].others
    if order.capture_on == CaptureOn.CONFIRMATION:
        # All its units are of one kind: some of these may have been given back as others.
        lines = (await paid_order(db, order)).lines
        units = [
            replace(each, quantity=min(each.quantity, lines[each.line_id].units_left))
            for each in units
        ]
    ours = found.parcel_answer not in (None, UndeliverableAnswer.REFUND)
    due, limited_by = give_back(
        {each.line_id: each.quantity for each in units if each.quantity > 0},
        paid,
        shipping=paid.shipping_amount if units and ours and others <= 0 else 0,
        kept={each.line_id: each.kept for each in units},
    )
    return OrderDue(order.id, order.currency, due, limited_by, keeps_discount=False, paid=paid)


def by_order(lines: Mapping[UUID, SoldLine], units: list[Units]) -> dict[UUID, list[Units]]:
    """Sort units by the orders of their lines, in the order in which orders are locked."""
    sorted_: dict[UUID, list[Units]] = {}
    for each in units:
        sorted_.setdefault(lines[each.line_id].order_id, []).append(each)
    return dict(sorted(sorted_.items()))


def decision_of(rule: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return how a decision is kept: the rule, and what it looked at."""
    return {"rule": rule, "inputs": dict(inputs)}
