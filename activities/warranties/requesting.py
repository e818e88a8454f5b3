"""Warranties that customers ask for, on goods that no order of ours has brought.

A person has to see the proof of purchase: support is asked, in the caller's transaction, and what
it answers registers the goods, or does not (warranties R2).
"""

from typing import NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from activities.warranties.registering import register_by_hand, speaks_against
from db.items import get_item
from db.tasks import TaskRow, answers_first, find_open, open_task
from db.warranties.reads import is_registered
from domain.access import Reach
from domain.answers import RegistrationAnswer
from domain.errors import AlreadyExists
from domain.ids import derived_id
from domain.tasks import Decision, TaskKind
from domain.units import serial_key
from domain.warranties.requests import RequestWarranty

WARRANTY = "warranty"
"""What is asked about: a warranty that is not there before the answer, by the id it will have."""


class Requested(NamedTuple):
    """A warranty that was asked for: its id once it is registered, and what support is asked."""

    id: UUID
    task_id: UUID
    task_number: str


async def request_warranty(
    db: AsyncConnection, asked: RequestWarranty, *, actor: str, reach: Reach
) -> Requested:
    """Ask support to register goods; asked again while it has not answered it is the same request.

    Raises what `register_by_hand` does where nothing depends on the proof, and AlreadyExists, with
    its id, for goods that are registered by the same proof.
    """
    against = await speaks_against(db, asked.as_registered(), reach)
    by = asked.proof_of_purchase if asked.serial is None else serial_key(asked.serial)
    # The same however often it is asked.
    warranty_id = derived_id(asked.customer_id, f"warranty/{asked.item_id}/{by}")
    if await is_registered(db, warranty_id):
        raise AlreadyExists("the goods are registered by this proof", id=str(warranty_id))
    facts = asked.model_dump(mode="json", exclude_none=True)
    facts |= {"sku": (await get_item(db, asked.item_id)).sku, "asked_by": actor}
    kind = TaskKind.WARRANTY_REGISTRATION
    told = against and f"{against[0].upper()}{against[1:]}."
    without = (RegistrationAnswer.REGISTER,) if against else ()
    await open_task(db, kind, WARRANTY, warranty_id, facts, told=told, without=without)
    task = await find_open(db, kind, warranty_id)
    if task is None:
        raise RuntimeError(f"no task was opened about the warranty {warranty_id}")
    return Requested(warranty_id, task.id, task.number)


async def settle_registration(db: AsyncConnection, task: TaskRow, decision: Decision) -> None:
    """Record what support says of a proof, and register the goods if it is right.

    Raises what `register_by_hand` does: what spoke against it may have come since it was asked.
    """
    if not await answers_first(db, decision):
        return
    if decision.choice == RegistrationAnswer.REGISTER:
        said = task.facts.items()
        asked = RequestWarranty.model_validate(
            {name: value for name, value in said if name in RequestWarranty.model_fields}
        )
        registered = asked.as_registered()
        await register_by_hand(db, task.document_id, registered, actor=decision.actor)
