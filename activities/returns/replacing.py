"""Goods of returns anew: a replacement order is placed once, or the return waits for stock."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from activities.orders.accepting import place_order
from activities.orders.rows import Submission
from db.documents import RETURNS
from db.orders.tables import OrderRow
from db.returns.losses import are_all_owed
from db.returns.replacements import find_replacement, replacements_of
from db.returns.tables import ReturnRow
from db.returns.writes import GoodsRow, goods_of
from db.tasks import cancel_tasks, open_task
from domain.addresses import Address
from domain.documents import Kind
from domain.errors import DomainError
from domain.ids import CustomerId, ItemId, OrderId, ReturnId, ShipmentId, following_id
from domain.money import Money
from domain.orders.placing import LineRequest, PlaceOrder, Service
from domain.policy import Policy
from domain.returns.status import (
    ReplacementTiming,
    ResolutionWanted,
    ReturnStatus,
)
from domain.tasks import TaskKind


async def place_replacement(
    db: AsyncConnection,
    orders: Mapping[UUID, OrderRow],
    found: ReturnRow,
    units: Mapping[UUID, int],
    policy: Policy,
) -> bool:
    """Order these units, by item, for nothing, to where the goods of a locked return came from.

    Placed before, it stays as it is, be it cancelled. False when it cannot be placed now: the
    return waits, from its first attempt on for as long as the policy says, until support is asked.
    """
    if await find_replacement(db, found.id) is not None:
        return True
    order = replacement(
        following_id(found.id, "replacement", 0),
        orders[found.order_id],
        found,
        units,
        to=found.resend_to,
    )
    refusal = await order_anew(db, found, order, policy)
    await wait_for_stock(db, found, refusal, policy)
    return refusal is None


async def order_anew(
    db: AsyncConnection, found: ReturnRow, order: Submission, policy: Policy
) -> DomainError | None:
    """Place an order that replaces goods of a locked return; return why that is refused."""
    try:
        number = await place_order(db, order, policy)
    except DomainError as refusal:
        return refusal
    data = {"order_id": order.order_id, "order": number}
    again = order.replaces_shipment_id
    data |= {"shipment_id": again} if again else {}
    await RETURNS.add_event(db, found, "replaced", "system", data)
    return None


async def wait_for_stock(
    db: AsyncConnection, found: ReturnRow, refusal: DomainError | None, policy: Policy
) -> None:
    """Have a locked return wait for as long as the policy says from its first refusal on.

    Without a refusal it waits no more, and support is not asked about stock.
    """
    if refusal is None:
        await cancel_tasks(db, found.id, TaskKind.NO_REPLACEMENT_STOCK)
        await RETURNS.change(db, found, replacement_due_at=None)
    elif found.replacement_due_at is None:
        due = datetime.now(UTC) + patience(policy)
        await RETURNS.change(db, found, replacement_due_at=due)
        data = {"reason": refusal.detail, "until": due}
        await RETURNS.add_event(db, found, "not_replaceable", "system", data)


def replacement(
    order_id: UUID,
    order: OrderRow,
    found: ReturnRow,
    units: Mapping[UUID, int],
    *,
    to: Mapping[str, Any] | None = None,
    shipment_id: UUID | None = None,
) -> Submission:
    """Return the order of these units, by item, for nothing, as ``order`` was sent.

    To the address ``to``, where there is another; in the place of a lost shipment, where one is
    given.
    """
    nothing = Money(amount=0, currency=found.currency)
    placed = PlaceOrder(
        source=order.source,
        customer_id=CustomerId(found.customer_id),
        currency=found.currency,
        lines=tuple(
            LineRequest(item_id=ItemId(item_id), quantity=quantity, unit_price=nothing)
            for item_id, quantity in units.items()
        ),
        ship_to=Address.model_validate(to or order.ship_to),
        bill_to=Address.model_validate(order.bill_to),
        shipping_service=Service(order.shipping_service),
        tax=nothing,
        shipping=nothing,
    )
    return Submission(
        OrderId(order_id),
        placed,
        actor="system",
        replaces_return_id=ReturnId(found.id),
        replaces_shipment_id=ShipmentId(shipment_id) if shipment_id else None,
        may_set_prices=True,
    )


async def replace_in_advance(
    db: AsyncConnection, orders: Mapping[UUID, OrderRow], found: ReturnRow, policy: Policy
) -> None:
    """Order all units of a locked authorized return anew, if they are to be sent in advance."""
    if found.replacement_timing != ReplacementTiming.IN_ADVANCE:
        return
    units: Counter[UUID] = Counter()
    for line in await goods_of(db, found.id):
        units[line.item_id] += line.quantity
    await place_replacement(db, orders, found, units, policy)


def accepted_units(goods: Sequence[GoodsRow]) -> dict[UUID, int]:
    """Return how many units of each item were accepted."""
    units: Counter[UUID] = Counter()
    for line in goods:
        units[line.item_id] += line.accepted
    return {item_id: quantity for item_id, quantity in units.items() if quantity}


async def send_nothing(db: AsyncConnection, found: ReturnRow, actor: str) -> None:
    """Let a locked return be settled by money from now on, and nothing be sent in advance."""
    await refund_instead(db, found, actor)
    # Nothing is sent in advance any more: what is accepted is refunded once it is here.
    await RETURNS.change(db, found, replacement_timing=ReplacementTiming.AFTER_INSPECTION)


async def refund_lost(db: AsyncConnection, found: ReturnRow, actor: str) -> None:
    """Have money given for what got lost that replaced goods of a locked return.

    Its run does so once the goods are inspected. If all that was sent before that got lost, and
    money is the answer for all of it, it is as if nothing had been replaced: what is accepted is
    refunded.
    """
    if found.status != ReturnStatus.INSPECTED and await is_all_owed(db, found.id):
        await send_nothing(db, found, actor)


async def is_all_owed(db: AsyncConnection, return_id: UUID) -> bool:
    """Whether nothing stands of what replaced goods of a return, and money is owed for all."""
    stand = any(each.stands for each in await replacements_of(db, return_id))
    return not stand and await are_all_owed(db, return_id)


async def refund_instead(db: AsyncConnection, found: ReturnRow, actor: str) -> None:
    """Let a locked return be settled by money from now on, whatever was wanted before."""
    await want_instead(db, found, ResolutionWanted.REFUND, actor)


async def want_instead(
    db: AsyncConnection, found: ReturnRow, wanted: ResolutionWanted, actor: str
) -> None:
    """Let a locked return be settled so from now on, whatever was wanted before."""
    await RETURNS.change(
        db, found, resolution=None, resolution_wanted=wanted, replacement_due_at=None
    )
    if found.resolution_wanted != wanted:
        data = {"resolution_wanted": wanted, "before": found.resolution_wanted}
        await RETURNS.add_event(db, found, "resolution_changed", actor, data)


async def is_replaced(db: AsyncConnection, found: ReturnRow) -> bool:
    """Whether the replacement has left the house; one that was given up is asked about."""
    placed = await find_replacement(db, found.id)
    if placed is not None and placed.given_up:
        await ask_how_served(db, found, placed.number)
        return False
    return placed is not None and placed.handed_over


async def ask_how_served(db: AsyncConnection, found: ReturnRow, given_up: str) -> None:
    """Ask support what the customer gets in the place of a refund or order that was given up."""
    facts = {"return": found.number, "order_id": found.order_id, "given_up": given_up}
    told = f"{given_up} of {found.number} was given up."
    await open_task(db, TaskKind.RETURN_UNSERVED, Kind.RETURN, found.id, facts, told=told)


def patience(policy: Policy) -> timedelta:
    """Return how long a return waits for stock before support is asked, and again."""
    return timedelta(days=policy.replacement_wait_days)
