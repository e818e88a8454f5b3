"""HTTP for shipments: what is on its way and what the carrier says."""

from functools import partial
from typing import Annotated, Any
from uuid import UUID

import fastapi
from fastapi import APIRouter, Request, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from activities.shipments.packing import pack_shipment
from activities.shipments.picking import pick_shipment
from activities.shipments.reporting import report_scan
from api.answers import keyed_response
from api.deps import Books, Db, require
from api.documents import process, timeline
from api.etags import IfNoneMatch, tagged
from api.fields import by_id
from api.headers import LOCATED
from api.idempotency import OptionalKey, RequiredKey, idempotent_change, idempotent_create
from api.notifier import Notifier
from api.pages import DatedQuery, Page, link
from api.problems import BODY, KEYED, NOT_MODIFIED, READ, problems
from api.rows import last_id, money, shown, view
from api.shipments.views import (
    ShipmentQuery,
    ShipmentView,
    TrackingEventView,
    TrackingQuery,
    TrackingView,
)
from api.views import Wait
from db.pages import get_page
from db.shipments.reads import PARTS_SIZE, ShipmentRead, get_shipment, search_shipments, tracking_of
from domain.access import Caller
from domain.disclosure import disclose
from domain.documents import Kind
from domain.errors import IllegalMove, NotFound, QuantityExceeded
from domain.items import Tracking
from domain.shipments.packing import MOST_PARCELS
from domain.shipments.packing_by_hand import PackShipment
from domain.shipments.picking import PickShipment
from domain.shipments.reporting import ReportScan
from domain.shipments.status import ShipmentStatus

router = APIRouter(prefix="/shipments", tags=["shipments"])


@router.get("", responses=problems(*READ))
async def search(
    query: Annotated[ShipmentQuery, fastapi.Query()],
    caller: Annotated[Caller, require("shipments:read")],
    db: Db,
    request: Request,
) -> Page[ShipmentView]:
    """Newest first; a customer, and an integration, sees those of its own orders."""
    found = search_shipments(caller.reach, **query.model_dump(exclude=set(DatedQuery.model_fields)))
    rows, more = await get_page(
        db,
        ShipmentRead,
        found,
        ShipmentRead.id,
        after=query.after,
        limit=query.limit,
        windows=[query.created(ShipmentRead.created_at)],
        parts=PARTS_SIZE,
    )
    views = shown("ShipmentView", partial(_view, caller=caller), rows)
    return Page[ShipmentView].of(views, request.url.path, query, last_id(rows, more))


@router.get(
    "/{shipment_id}",
    response_model=ShipmentView,
    responses=NOT_MODIFIED | problems(*READ, NotFound),
)
async def show(
    shipment_id: Annotated[UUID, by_id("shipment")],
    caller: Annotated[Caller, require("shipments:read")],
    db: Db,
    has: IfNoneMatch = None,
) -> Response:
    """One shipment with its lines and parcels."""
    found = _view(await get_shipment(db, shipment_id, caller.reach), caller)
    return tagged(found.version, found.model_dump_json().encode(), has)


@router.get("/{shipment_id}/tracking", responses=problems(*READ, NotFound))
async def track(
    shipment_id: Annotated[UUID, by_id("shipment")],
    caller: Annotated[Caller, require("shipments:read")],
    query: Annotated[TrackingQuery, fastapi.Query()],
    db: Db,
) -> TrackingView:
    """Where the shipment is and how it got there: its events oldest first, and on at `next`."""
    return await _tracking(db, shipment_id, caller, query)


@router.post(
    "/{shipment_id}/tracking",
    status_code=201,
    response_model=TrackingView,
    responses=LOCATED | problems(*READ, *KEYED, *BODY, NotFound, IllegalMove),
)
async def report(
    shipment_id: Annotated[UUID, by_id("shipment")],
    body: ReportScan,
    caller: Annotated[Caller, require("shipments:track")],
    key: RequiredKey,
    books: Books,
    notifier: Notifier,
) -> Response:
    """Report what happened to a parcel whose carrier does not tell us; the same rules apply."""

    async def write(db: AsyncConnection, scan_id: UUID) -> TrackingView:
        await get_shipment(db, shipment_id, caller.reach)
        await report_scan(db, scan_id, shipment_id, body, caller.subject)
        return await _tracking(db, shipment_id, caller, TrackingQuery())

    route = f"POST /shipments/{shipment_id}/tracking"
    made = await idempotent_create(books, caller, key, route, body, write)
    notifier.notify()
    return keyed_response(made, f"/shipments/{shipment_id}/tracking")


@router.post(
    "/{shipment_id}/pick",
    response_model=ShipmentView,
    responses=problems(*READ, *KEYED, *BODY, NotFound, IllegalMove, QuantityExceeded),
)
async def pick(
    shipment_id: Annotated[UUID, by_id("shipment")],
    body: PickShipment,
    caller: Annotated[Caller, require("shipments:pick")],
    key: OptionalKey,
    books: Books,
    notifier: Notifier,
) -> Response:
    """Say which serial units leave with a shipment, as scanned; with the last one it is booked.

    And of what less was found than is planned (`shortages`). Answers with the shipment that goes
    on: where something is missing of one without a label, the pick list in its place.
    """

    async def write(db: AsyncConnection, _: UUID) -> ShipmentView:
        await get_shipment(db, shipment_id, caller.reach)
        goes_on = await pick_shipment(db, shipment_id, body, actor=caller.subject)
        return _view(await get_shipment(db, goes_on), caller)

    route = f"POST /shipments/{shipment_id}/pick"
    made = await idempotent_change(books, caller, key, route, body, write)
    notifier.notify()
    return keyed_response(made)


@router.post(
    "/{shipment_id}/pack",
    response_model=ShipmentView,
    responses=problems(*READ, *KEYED, *BODY, NotFound, IllegalMove),
)
async def pack(
    shipment_id: Annotated[UUID, by_id("shipment")],
    body: PackShipment,
    caller: Annotated[Caller, require("shipments:pick")],
    key: OptionalKey,
    books: Books,
) -> Response:
    """Say what of a shipment is in which parcel, before its label is bought: for these parcels."""

    async def write(db: AsyncConnection, _: UUID) -> ShipmentView:
        await get_shipment(db, shipment_id, caller.reach)
        await pack_shipment(db, shipment_id, body, actor=caller.subject)
        return _view(await get_shipment(db, shipment_id), caller)

    route = f"POST /shipments/{shipment_id}/pack"
    return keyed_response(await idempotent_change(books, caller, key, route, body, write))


async def _tracking(
    db: AsyncConnection, shipment_id: UUID, caller: Caller, query: TrackingQuery
) -> TrackingView:
    row = await get_shipment(db, shipment_id, caller.reach)
    found, more = await tracking_of(db, shipment_id, after=query.after, limit=query.limit)
    events = [view(TrackingEventView, event) for event in found]
    on = link(f"/shipments/{shipment_id}/tracking", query, found[-1].id) if more else None
    return view(TrackingView, row, shipment_id=row.id, events=events, next=on, **_boxes(row))


def _boxes(row: ShipmentRead) -> dict[str, Any]:
    return {
        "parcels": row.parcels[:MOST_PARCELS],
        "more_parcels": len(row.parcels) > MOST_PARCELS,
    }


async def _label(db: AsyncConnection, shipment_id: UUID) -> list[Wait]:
    """Return the wait for a label, which the process of the shipment's order books."""
    row = await get_shipment(db, shipment_id)
    to_pick = any(
        line["tracking"] == Tracking.SERIAL and len(line["serials"]) < line["quantity"]
        for line in row.lines
    )
    if row.status != ShipmentStatus.PENDING or to_pick:
        return []
    what = f"{row.order_number} books the label"
    return [Wait(who="the process of its order", what=what, since=row.created_at)]


timeline(router, Kind.SHIPMENT)
process(router, Kind.SHIPMENT, also=_label)


def _view(row: ShipmentRead, caller: Caller) -> ShipmentView:
    label = {
        "label_url": row.label_url,
        "label_cost": money(row.label_amount, row.label_currency),
    }
    lines = [disclose("shipment line", line, caller) for line in row.lines]
    return view(
        ShipmentView,
        row,
        ship_from=row.ship_from or None,
        **disclose("shipment", label, caller),
        lines=lines,
        **_boxes(row),
    )
