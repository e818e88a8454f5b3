"""Refused movements of an order's money, of which a person has to hear.

A void, because the provider's people must say whether the money is free; and what finance asked for
by hand, because no run looks whether it came.
"""

from sqlalchemy.ext.asyncio import AsyncConnection

from db.orders.tables import OrderRow
from db.tasks import open_task
from domain.access import Role
from domain.documents import Kind
from domain.payments import EntryKind, Refusal
from domain.tasks import TaskKind

_AT_ONCE = {
    EntryKind.VOID: "The provider refused to drop the reservation of {}.",
    EntryKind.CAPTURE: "The provider refused to pay what was to be captured by hand, {}.",
}
_AFTER_ALL = {
    EntryKind.VOID: "The provider has not dropped the reservation of {} after all.",
    EntryKind.CAPTURE: "The provider has not paid what was captured by hand after all, {}.",
}


async def ask_about_refused(
    db: AsyncConnection,
    order: OrderRow,
    kind: EntryKind,
    refused: Refusal,
    *,
    by_hand: bool,
    after_all: bool = False,
) -> None:
    """Tell a person that a void or a capture of a locked order's money was refused.

    That is finance for what was asked for ``by_hand``; ``after_all`` is said of what the provider
    takes back. Silent while another step that could not be undone is asked about.
    """
    facts = {
        "order": order.number,
        "failure_code": refused.code,
        "refused": refused.model_dump(),
    }
    told = (_AFTER_ALL if after_all else _AT_ONCE)[kind].format(refused)
    role = Role.FINANCE if by_hand else ""
    await open_task(db, TaskKind.UNDO_FAILED, Kind.ORDER, order.id, facts, role=role, told=told)
