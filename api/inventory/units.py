"""HTTP for serial units: one unit, with all that has happened to it."""

from datetime import UTC, date, datetime
from typing import Annotated, Any
from uuid import UUID

import fastapi
from fastapi import APIRouter, Path, Response
from pydantic import Field
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from activities.inventory.inspecting import inspect_unit
from api.answers import keyed_response
from api.deps import Books, Db, require
from api.fields import Actor, CreatedAt, ItemRef, Number, OwnId, Sku
from api.idempotency import RequiredKey, idempotent_change
from api.pages import Query
from api.problems import BODY, KEYED, READ, problems
from api.rows import view
from api.warranties.views import LastDay, promise_of
from db.inventory.unit_reads import MOST_EVENTS, get_history, get_unit
from db.warranties.reads import WarrantyRead, warranties_of
from domain.access import Caller
from domain.adjustments import InspectUnit
from domain.disclosure import disclose_actor
from domain.documents import PROCESSES, Kind
from domain.errors import IllegalMove, NotFound
from domain.ids import CustomerId, ItemId, LineId, LocationId, OrderId, ShipmentId, WarrantyId
from domain.units import Ownership, Serial, UnitEventKind, UnitStatus
from domain.value import Name, Value
from domain.warranties.coverage import judge
from domain.warranties.status import ShownStatus

router = APIRouter(prefix="/inventory/units", tags=["inventory"])

MOST_WARRANTIES = 20
_UNTOLD = "null for callers who may not see it"


class UnitEventView(Value):
    """Something that happened to a unit: what it became by that, and where it was then."""

    sequence: int
    """Counts the unit's events from 1, without a gap."""
    kind: UnitEventKind
    """What happened."""
    from_status: UnitStatus | None
    """What it was before; null with the first event."""
    to_status: UnitStatus
    """What it was then."""
    location_id: LocationId | None
    """Where it was then; null while a customer had it."""
    location: str | None
    """The location's code."""
    site: str | None
    """The code of the location's site; null outside of any."""
    holder_customer_id: CustomerId | None = Field(
        description=f"The customer who had it then; {_UNTOLD}."
    )
    document_type: str
    """What kind of document it was for, such as `shipment`; empty without one."""
    document_id: UUID | None = Field(description=f"Which one; {_UNTOLD}.")
    link: str | None = Field(
        description="Where the document, or the movement of an adjustment, is read; null for"
        " callers who may not see it."
    )
    reason: str
    """Of an adjustment its reason; empty where `kind` says all."""
    actor: Actor
    occurred_at: datetime
    """When it happened, in UTC (RFC 3339)."""


class UnitWarrantyView(Value):
    """What was promised with a unit, in short; `GET /warranties/{id}` has all of it."""

    id: OwnId[WarrantyId]
    number: Number
    status: ShownStatus
    """Where it is today."""
    term_code: str
    """What its term is called."""
    starts_on: date
    """The first day, by UTC."""
    ends_on: LastDay


class ComponentView(Value):
    """A component of a unit."""

    serial: str
    """What stands on it."""
    sku: Sku
    position: str
    """Where it is."""
    since: datetime
    """When it was put in, in UTC (RFC 3339)."""


class UnitView(Value):
    """One piece of an item with serials: at a location, with a customer, or in another unit."""

    id: OwnId[UUID]
    item_id: ItemRef
    sku: Sku
    serial: Serial
    """As it was first given; compared in whatever case."""
    status: UnitStatus
    """What it is, wherever it lies."""
    ownership: Ownership
    """Whose it is: the house's own, or a customer's that is with us."""
    location_id: LocationId | None
    """Where it is; null while a customer has it, or it is in another unit."""
    location: str | None
    """The location's code."""
    site: str | None
    """The code of the location's site; null outside of any."""
    installed_in: str | None
    """The serial of the unit that it is a component of; null outside of any."""
    position: str | None
    """Where it is in that."""
    components: tuple[ComponentView, ...] = Field(
        description="What is in it by its genealogy, in order of their positions; at most 200."
    )
    holder_customer_id: CustomerId | None = Field(description=f"Who has it; {_UNTOLD}.")
    order_id: OrderId | None = Field(
        description=f"The order that it is picked for or was last sold with; {_UNTOLD}."
    )
    order_line_id: LineId | None = Field(description=f"The line of that order; {_UNTOLD}.")
    shipment_id: ShipmentId | None = Field(
        description=f"The shipment that it is picked for or left with; {_UNTOLD}."
    )
    created_at: CreatedAt
    history: tuple[UnitEventView, ...] = Field(
        description=f"What happened to it, newest first; the latest {MOST_EVENTS} at most."
    )
    more_history: bool
    """Whether more has happened than is shown."""
    warranties: tuple[UnitWarrantyView, ...] = Field(
        description="What was promised with it, newest first: of what the caller may see the"
        f" latest {MOST_WARRANTIES} at most."
    )


class UnitQuery(Query):
    """Of which item; needed where units of several items have the serial."""

    item_id: ItemId | None = None
    """The item, if not by `sku`."""
    sku: Name | None = None
    """The item by its name for people, in any case; if not by `item_id`."""


@router.get("/{serial:path}", responses=problems(*READ, NotFound))
async def show(
    serial: Annotated[Serial, Path(description="What stands on it, in any case.")],
    query: Annotated[UnitQuery, fastapi.Query()],
    caller: Annotated[Caller, require("inventory:read")],
    db: Db,
) -> UnitView:
    """One unit: what it is, where, and its history; an integration is told its own documents."""
    return await _shown(db, serial, query.item_id, query.sku, caller)


async def _shown(
    db: AsyncConnection, serial: str, item_id: UUID | None, sku: str | None, caller: Caller
) -> UnitView:
    row = await get_unit(db, serial, item_id=item_id, sku=sku, reach=caller.reach)
    events, more = await get_history(db, row.id, caller.reach)
    promised = await warranties_of(db, row.id, caller.reach, MOST_WARRANTIES)
    return view(
        UnitView,
        row,
        **_told(row, "holder_customer_id", "order_id", "shipment_id"),
        order_line_id=row.last_line_id if row.told else None,
        history=[_event(event, caller) for event in events],
        more_history=more,
        warranties=[_warranty(each) for each in promised],
    )


@router.post(
    "/inspect",
    response_model=UnitView,
    responses=problems(*READ, *BODY, *KEYED, NotFound, IllegalMove),
)
async def inspect(
    body: InspectUnit,
    caller: Annotated[Caller, require("inventory:inspect")],
    key: RequiredKey,
    books: Books,
) -> Response:
    """Put a unit that lies in quarantine on a shelf of its site, or write it off."""

    async def write(db: AsyncConnection, movement_id: UUID) -> UnitView:
        await inspect_unit(db, movement_id, body, actor=caller.subject, reach=caller.reach)
        return await _shown(db, body.serial, body.item_id, body.sku, caller)

    route = "POST /inventory/units/inspect"
    return keyed_response(await idempotent_change(books, caller, key, route, body, write))


def _warranty(row: WarrantyRead) -> UnitWarrantyView:
    status = judge(promise_of(row), datetime.now(UTC).date()).shown
    return view(UnitWarrantyView, row, status=status)


def _event(row: Row[Any], caller: Caller) -> UnitEventView:
    return view(
        UnitEventView,
        row,
        location_id=row.to_location_id,
        holder_customer_id=row.to_holder_id if row.told else None,
        **_told(row, "document_id"),
        # Whose an adjustment is, its movement says as well.
        actor=disclose_actor(row.actor, caller, told=row.told or row.movement_id is not None),
        link=_link(row),
    )


def _told(row: Row[Any], *names: str) -> dict[str, Any]:
    return {name: getattr(row, name) if row.told else None for name in names}


def _link(row: Row[Any]) -> str | None:
    if row.movement_id is not None:
        return f"/inventory/movements/{row.movement_id}"
    if row.document_id is None or not row.told:
        return None
    return f"/{PROCESSES[Kind(row.document_type)].path}/{row.document_id}"
