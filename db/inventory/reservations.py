"""Reservations as lists show them, and those that are made by hand."""

from collections.abc import Iterable, Sequence
from typing import Any, cast
from uuid import UUID

from sqlalchemy import ColumnElement, Select, case, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from db.documents import DOCUMENTS
from db.events import Event, add_events
from db.inventory.lots import LotRow
from db.inventory.movements import ByHand, LinePick
from db.inventory.posting import release, reserve
from db.inventory.tables import LocationRow, ReservationRow, SiteRow
from db.items import ItemRow, item_of
from db.sources import of_source
from domain.access import EVERYTHING, Reach
from domain.documents import Kind
from domain.errors import NotFound
from domain.inventory import Pick, ReservationStatus
from domain.quantities import plain
from domain.reservations import MANUAL

_OF_REQUEST = text(
    """SELECT r.*, i.sku FROM reservations r JOIN items i ON i.id = r.item_id
    WHERE r.document_id = :document ORDER BY r.id"""
)
_LOCK = text(
    """SELECT r.*, i.sku FROM reservations r JOIN items i ON i.id = r.item_id
    WHERE r.id = :id FOR UPDATE OF r"""
)
_EXPIRED = "r.status = 'active' AND r.expires_at <= now()"
_FIND_EXPIRED = text(
    f"SELECT r.id FROM reservations r WHERE {_EXPIRED} ORDER BY r.expires_at LIMIT :limit"
)
# What is held at this moment is being let go: no transaction waits for it with balances locked.
_LOCK_EXPIRED = text(
    f"""SELECT r.*, i.sku FROM reservations r JOIN items i ON i.id = r.item_id
    WHERE {_EXPIRED} AND (r.id = :id OR r.item_id = ANY (:items))
        AND (CAST(:locations AS uuid[]) IS NULL OR r.location_id = ANY (:locations))
    ORDER BY r.id FOR UPDATE OF r SKIP LOCKED"""
)
_OF_LOT = text(
    f"""SELECT r.*, i.sku FROM reservations r JOIN items i ON i.id = r.item_id
    JOIN lots t ON t.item_id = r.item_id AND t.id = r.lot_id
    WHERE t.id = :lot AND r.status = 'active' AND r.document_type = '{MANUAL}'
    ORDER BY r.id FOR UPDATE OF r"""
)


def search_reservations(
    reach: Reach = EVERYTHING,
    *,
    item_id: UUID | None = None,
    sku: str | None = None,
    site_id: UUID | None = None,
    lot_id: UUID | None = None,
    document_type: str | None = None,
    document_id: UUID | None = None,
    status: str | None = None,
) -> Select[Any]:
    """Select reservations with what and where they hold.

    Stock is common to all sources; who holds it, and what for, is shown within ``reach`` only.
    """
    own = {"document_id", "line_id", "reference", "reserved_by"}
    row = ReservationRow.__table__.c
    document = _named(row.document_id, reach)
    query = (
        select(
            *(_named(column, reach) if column.name in own else column for column in row),
            ItemRow.sku,
            LotRow.code.label("lot"),
            LocationRow.site_id,
            LocationRow.code.label("location"),
            SiteRow.code.label("site"),
        )
        .join(ItemRow, ItemRow.id == ReservationRow.item_id)
        .join(LocationRow, LocationRow.id == ReservationRow.location_id)
        .join(SiteRow, SiteRow.id == LocationRow.site_id)
        .outerjoin(LotRow, LotRow.id == ReservationRow.lot_id)
    )
    wanted = (
        (item_id, ReservationRow.item_id == item_id),
        (sku, ReservationRow.item_id == item_of(sku or "")),
        (site_id, LocationRow.site_id == site_id),
        (lot_id, ReservationRow.lot_id == lot_id),
        (document_type, ReservationRow.document_type == document_type),
        (document_id, document == document_id),
        (status, ReservationRow.status == status),
    )
    return query.where(*(condition for value, condition in wanted if value is not None))


def _named(column: ColumnElement[Any], reach: Reach) -> ColumnElement[Any]:
    """Return a column that says whose it is, or NULL for a document out of reach."""
    if reach.source is None:
        return column
    own = text(of_source("reservations.document_type", "reservations.document_id"))
    return case((own.bindparams(source=reach.source), column)).label(column.name)


async def get_reservation(
    db: AsyncConnection, reservation_id: UUID, reach: Reach = EVERYTHING
) -> Any:
    """Return a reservation as lists show it to this ``reach``; raise NotFound."""
    query = search_reservations(reach).where(ReservationRow.id == reservation_id)
    found = (await db.execute(query)).one_or_none()
    if found is None:
        raise NotFound(f"there is no reservation {reservation_id}")
    return found


async def reservations_of(
    db: AsyncConnection, document_id: UUID, reach: Reach = EVERYTHING
) -> Sequence[Any]:
    """Return all that a document holds or held, as lists show it, the oldest first."""
    query = search_reservations(reach, document_id=document_id).order_by(ReservationRow.id)
    found: Sequence[Any] = (await db.execute(query)).all()
    return found


async def hold_by_hand(
    db: AsyncConnection,
    document_id: UUID,
    picks: Sequence[Pick],
    by_hand: ByHand,
    *,
    actor: str,
) -> None:
    """Reserve stock for a request by hand, with an event for each part of it."""
    lines = [
        LinePick(document_id, each.item_id, each.location_id, each.quantity, each.lot_id)
        for each in picks
    ]
    await reserve(db, MANUAL, document_id, lines, by_hand)
    held = (await db.execute(_OF_REQUEST, {"document": document_id})).all()
    await add_events(db, [_event("reserved", each, actor) for each in held])


async def lock_reservation(db: AsyncConnection, reservation_id: UUID) -> Any:
    """Lock and return a reservation; raise NotFound."""
    found = (await db.execute(_LOCK, {"id": reservation_id})).one_or_none()
    if found is None:
        raise NotFound(f"there is no reservation {reservation_id}")
    return found


async def let_go(db: AsyncConnection, held: Any, reason: str, *, actor: str) -> None:
    """Release a locked active reservation that was made by hand, and tell of it."""
    await release(db, held.document_id, [held.id])
    await add_events(db, [_event("reservation_released", held, actor, reason=reason)])


async def let_go_of_lot(db: AsyncConnection, lot_id: UUID, reason: str, *, actor: str) -> None:
    """Release what is held by hand of a locked lot."""
    for held in (await db.execute(_OF_LOT, {"lot": lot_id})).all():
        await let_go(db, held, reason, actor=actor)


async def find_expired(db: AsyncConnection, limit: int) -> Sequence[UUID]:
    """Return reservations by hand that have reached their end."""
    return (await db.execute(_FIND_EXPIRED, {"limit": limit})).scalars().all()


async def lock_expired(
    db: AsyncConnection, items: Iterable[UUID], locations: Iterable[UUID] | None = None
) -> Sequence[Any]:
    """Lock and return what is held by hand of these items, there, though its end is reached.

    Who ends several of them locks all their balances at once before that: one by one they are
    locked out of order.
    """
    where = None if locations is None else list(locations)
    given = {"id": None, "items": list(items), "locations": where}
    return (await db.execute(_LOCK_EXPIRED, given)).all()


async def end_expired(db: AsyncConnection, found: Sequence[Any]) -> None:
    """End locked reservations that have reached their end, and tell of it."""
    for held in found:
        await release(db, held.document_id, [held.id], ReservationStatus.EXPIRED)
    await add_events(db, [_event("reservation_expired", each, "system") for each in found])


async def expire(db: AsyncConnection, reservation_id: UUID) -> int:
    """End this reservation, if it has reached its end; return how many that were."""
    given = {"id": reservation_id, "items": [], "locations": None}
    found = (await db.execute(_LOCK_EXPIRED, given)).all()
    await end_expired(db, found)
    return len(found)


async def describe_holder(
    db: AsyncConnection, document_type: str, document_id: UUID, reach: Reach
) -> str:
    """Say whose a reservation is: by its number within ``reach``, else by its kind."""
    words = f"a {document_type.replace('_', ' ')}"
    documents = DOCUMENTS.get(cast(Kind, document_type))
    if documents is None:
        return words
    within = "true" if reach.source is None else of_source(f"'{document_type}'", "d.id")
    query = f"SELECT d.number FROM {documents.row.__tablename__} d WHERE d.id = :id AND {within}"
    given = {"id": document_id} | ({} if reach.source is None else {"source": reach.source})
    number = (await db.execute(text(query), given)).scalar_one_or_none()
    return number or words


def _event(what: str, held: Any, actor: str, **more: str) -> Event:
    data = {
        "item_id": held.item_id,
        "location_id": held.location_id,
        "quantity": plain(held.quantity),
        "reference": held.reference,
        "expires_at": held.expires_at,
        **({"lot_id": held.lot_id} if held.lot_id else {}),
        **more,
    }
    return Event(
        f"inventory.{what}",
        subject=held.sku,
        subject_id=held.id,
        actor=actor,
        correlation_id=f"{MANUAL}/{held.document_id}",
        data=data,
    )
