"""Withdrawals in two steps, by known callers and by guests: use cases in the caller's transaction.

What is declared takes effect when it is confirmed: then it is a return, authorized at once, and its
acknowledgement is kept word for word.
"""

import secrets
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from activities.returns.accepting import check_requested, lock_order, request_return
from activities.returns.estimating import OrderDue
from db.access import hash_of
from db.customers import get_customer
from db.documents import ORDERS, RETURNS
from db.orders.reads import get_order_row
from db.orders.tables import OrderRow
from db.returns.returnable import sold_lines
from db.returns.withdrawals import (
    WithdrawalRead,
    add_link,
    count_links,
    find_meant,
    get_withdrawal,
    lock_link,
    names_of,
    use_link,
    write_confirmation,
    write_withdrawal,
)
from domain.access import EVERYTHING, Reach
from domain.errors import IllegalMove
from domain.ids import LineId, OrderId, derived_id, new_id
from domain.policy import Policy, ReturnCost
from domain.returns.requests import RequestReturn
from domain.returns.rules import SoldLine
from domain.returns.withdrawals import (
    LINK_LIVES,
    LINKS_A_DAY,
    AskForLink,
    Declaration,
    Goods,
    Receipt,
    WithdrawnLine,
    acknowledgement_of,
    request_of,
    ship_back_of,
    statement_of,
    withdrawn_units,
)

GUEST = "guest"
"""Who acts by a link: the actor of what follows."""


async def declare_withdrawal(
    db: AsyncConnection,
    withdrawal_id: UUID,
    order_id: UUID,
    asked: Declaration,
    policy: Policy,
    *,
    actor: str,
    reach: Reach = EVERYTHING,
) -> None:
    """Write what a consumer states; it takes effect when it is confirmed.

    Raises NotFound, QuantityExceeded and WindowClosed as a request of that return would.
    """
    order = await lock_order(db, order_id, reach)
    sold = await sold_lines(db, [order.id])
    units = withdrawn_units(asked.lines, list(sold.values()))
    cost = policy.withdrawal_return_cost
    check_requested(request_of(OrderId(order.id), units, cost), sold, policy)
    names = await names_of(db, list(units))
    goods = [
        Goods(LineId(line_id), sku, name, units[LineId(line_id)])
        for line_id, (sku, name) in names.items()
    ]
    customer = await get_customer(db, order.customer_id)
    # Of what is put into a text, white space must not make lines of their own.
    name = " ".join((asked.name or customer.name).split())
    await write_withdrawal(
        db,
        {
            "id": withdrawal_id,
            "order_id": order.id,
            "name": name,
            "email": asked.email or customer.email,
            "lines": [
                {
                    "order_line_id": str(each.order_line_id),
                    "sku": each.sku,
                    "name": each.name,
                    "quantity": each.quantity,
                }
                for each in goods
            ],
            "statement": statement_of(name, order.number, goods),
            "declared_by": actor,
            "declared_at": _now(),
        },
    )
    data = {"withdrawal_id": withdrawal_id, "units": sum(units.values())}
    await ORDERS.add_event(db, order, "withdrawal_declared", actor, data)


async def confirm_withdrawal(
    db: AsyncConnection,
    withdrawal_id: UUID,
    return_id: UUID,
    policy: Policy,
    *,
    actor: str,
    reach: Reach = EVERYTHING,
) -> None:
    """Let a withdrawal take effect, as a return that is authorized at once; once is enough.

    ``return_id`` is used the first time. Raises NotFound, QuantityExceeded, and WindowClosed when
    its window has ended since it was declared.
    """
    found = await get_withdrawal(db, withdrawal_id, reach, to_confirm=True)
    if found.confirmed_at is not None:
        return
    units = {LineId(UUID(each["order_line_id"])): each["quantity"] for each in found.lines}
    cost = policy.withdrawal_return_cost
    asked = request_of(OrderId(found.order_id), units, cost)
    await request_return(db, return_id, asked, policy, actor=actor, reach=reach)
    await _acknowledge(db, found, return_id, cost, actor)


async def record_withdrawal(
    db: AsyncConnection,
    return_id: UUID,
    asked: RequestReturn,
    policy: Policy,
    *,
    actor: str,
    reach: Reach = EVERYTHING,
) -> list[OrderDue]:
    """Write a withdrawal in time that staff was told of, such as by letter: it is in effect.

    It is acknowledged like one that was declared and confirmed here. Returns what it would give
    back. Raises what those do, and
    NotFound for lines of another order.
    """
    cost = policy.withdrawal_return_cost
    withdrawal_id = derived_id(return_id, "withdrawal")
    stated = Declaration(
        lines=tuple(
            WithdrawnLine(order_line_id=line.order_line_id, quantity=line.quantity)
            for line in asked.lines
        )
    )
    await declare_withdrawal(
        db, withdrawal_id, asked.order_id, stated, policy, actor=actor, reach=reach
    )
    asked = asked.model_copy(update={"ship_back": ship_back_of(asked.ship_back, cost)})
    dues = await request_return(db, return_id, asked, policy, actor=actor, reach=reach, staff=True)
    found = await get_withdrawal(db, withdrawal_id)
    await _acknowledge(db, found, return_id, cost, actor)
    return dues


async def _acknowledge(
    db: AsyncConnection, found: WithdrawalRead, return_id: UUID, cost: ReturnCost, actor: str
) -> None:
    """Write what a withdrawal has opened, and the text that acknowledges it."""
    made = await RETURNS.lock(db, return_id)
    received_at = _now()
    receipt = Receipt(
        order_number=found.order_number,
        return_number=made.number,
        name=found.name,
        email=found.email,
        declared_at=found.declared_at,
        received_at=received_at,
        ship_back_by=made.ship_back_by,
    )
    values = {
        "confirmed_by": actor,
        "confirmed_at": received_at,
        "return_id": return_id,
        "acknowledgement": acknowledgement_of(found.statement, receipt, cost),
    }
    await write_confirmation(db, found.id, values)
    data = {"withdrawal_id": found.id, "received_at": received_at}
    await RETURNS.add_event(db, made, "withdrawal_acknowledged", "system", data)


def acknowledgement(found: WithdrawalRead) -> str:
    """Return the acknowledgement as it was written; raise IllegalMove before it is confirmed."""
    if found.acknowledgement is None:
        raise IllegalMove(
            "the withdrawal is declared and not confirmed",
            current_status="declared",
            allowed=["confirm"],
        )
    return found.acknowledgement


async def ask_for_link(db: AsyncConnection, asked: AskForLink) -> None:
    """Have a link mailed to the customer of an order, if number and e-mail address fit.

    Silent when they do not, and when enough links of the order were made lately: who asks is not
    told. Only the token's hash is kept with the link; the event that has it mailed is the feed's,
    where `internals:read` is needed to see it.
    """
    order_id = await find_meant(db, asked.order_number, asked.email)
    if order_id is None:
        return
    order = await ORDERS.lock(db, order_id)
    if await count_links(db, order_id, timedelta(days=1)) >= LINKS_A_DAY:
        return
    token = secrets.token_urlsafe(32)
    expires_at = _now() + LINK_LIVES
    await add_link(db, new_id(), order_id, hash_of(token), expires_at)
    data = {"token": token, "expires_at": expires_at, "customer_id": order.customer_id}
    await ORDERS.add_event(db, order, "withdrawal_link_requested", GUEST, data)


async def declare_by_link(
    db: AsyncConnection, token: str, asked: Declaration, policy: Policy
) -> UUID:
    """Write what a guest states, and return the withdrawal's id; a link declares once.

    The same statement again returns the first one. Raises NotFound for a link that is not known or
    over, IllegalMove for another statement, and what `declare_withdrawal` does.
    """
    link = await lock_link(db, hash_of(token), _now())
    declared = asked.model_dump(mode="json")
    if link.withdrawal_id is not None:
        if declared == link.declared:
            return link.withdrawal_id
        raise IllegalMove(
            "something else was declared by this link: ask for another one",
            current_status="declared",
            allowed=[],
        )
    withdrawal_id = new_id()
    await declare_withdrawal(db, withdrawal_id, link.order_id, asked, policy, actor=GUEST)
    await use_link(db, link.id, withdrawal_id, declared)
    return withdrawal_id


async def confirm_by_link(db: AsyncConnection, token: str, policy: Policy) -> UUID:
    """Let what was declared by a link take effect, and return the withdrawal's id; as `by_link`."""
    withdrawal_id = await by_link(db, token)
    await confirm_withdrawal(db, withdrawal_id, new_id(), policy, actor=GUEST)
    return withdrawal_id


async def by_link(db: AsyncConnection, token: str) -> UUID:
    """Return what was declared by a link; raise NotFound, and IllegalMove when nothing was."""
    link = await lock_link(db, hash_of(token), _now())
    if link.withdrawal_id is None:
        raise IllegalMove("nothing is declared yet", current_status="asked", allowed=["declare"])
    return link.withdrawal_id


async def order_of_link(
    db: AsyncConnection, token: str
) -> tuple[OrderRow, list[SoldLine], Mapping[UUID, tuple[str, str]]]:
    """Return the order of a link, its lines, and SKU and name of each; raise NotFound."""
    link = await lock_link(db, hash_of(token), _now())
    lines = await sold_lines(db, [link.order_id])
    names = await names_of(db, list(lines))
    return await get_order_row(db, link.order_id), list(lines.values()), names


def _now() -> datetime:
    """Return the moment to the second, as acknowledgements write it."""
    return datetime.now(UTC).replace(microsecond=0)
