"""Stock counts: taken in, posted where the books agree, and decided by another person else."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from activities.inventory.accepting import find_place
from activities.inventory.naming import item_named
from db.events import add_event
from db.inventory.counting import COUNT, post_count
from db.inventory.counts import add_count, end_count, get_expected, lines_of, lock_count
from db.inventory.lots import find_lot
from db.inventory.movements import Place
from db.inventory.posting import lock_places
from db.inventory.reads import get_stocked
from db.items import tracking_of
from db.tasks import TaskRow, answers_first, open_task
from domain.adjustments import past
from domain.answers import CountAnswer
from domain.counts import MOVES, CountedLine, CountStatus, SubmitCount, agree
from domain.errors import IllegalMove, Malformed, OutOfStock, SamePerson
from domain.ids import new_id
from domain.items import Tracking
from domain.lifecycle import move
from domain.lots import check_lot
from domain.policy import Policy
from domain.quantities import plain
from domain.tasks import Decision, TaskKind


async def submit_count(
    db: AsyncConnection, count_id: UUID, asked: SubmitCount, policy: Policy, *, actor: str
) -> None:
    """Take in what was counted: it stands if the books agree, else another person is asked.

    Raises NotFound for an unknown item or location, Malformed for what cannot be counted so, and
    AlreadyExists for what was counted at the very moment already.
    """
    lines = [await _line(db, number, line) for number, line in enumerate(asked.lines)]
    places = [_place(line) for line in lines]
    if len({(place.item_id, place.location_id, place.lot_id) for place in places}) < len(places):
        raise _wrong("/lines", "each line is about another item, place or lot")
    await lock_places(db, places)
    expected = await get_expected(db, places)
    rows = [{**line, "expected": was} for line, was in zip(lines, expected, strict=True)]
    number = await add_count(db, count_id, rows, counted_by=actor, note=asked.note)
    variances = [row["counted"] - row["expected"] for row in rows]
    if agree(variances, policy.count_tolerance) and await _posts(db, count_id, number, actor):
        return
    facts = {"number": number, "lines": len(rows), "differing": sum(map(bool, variances))}
    await open_task(db, TaskKind.COUNT_REVIEW, COUNT, count_id, facts)


async def settle_count(db: AsyncConnection, task: TaskRow, decision: Decision) -> None:
    """Do what a person says of a count that differs from the books.

    Raises SamePerson where who counted accepts it, and what `post_count` does.
    """
    count = await lock_count(db, task.document_id)
    accepted = decision.choice == CountAnswer.ACCEPT
    if accepted and decision.actor == count.counted_by:
        raise SamePerson("who has counted does not accept it", rule="count_review")
    if not await answers_first(db, decision):
        return
    if accepted:
        await _post(db, count.id, count.number, actor=decision.actor, decided_by=decision.actor)
        return
    status = move(MOVES, CountStatus(count.status), CountStatus.DISCARDED)
    await end_count(db, count.id, status, decided_by=decision.actor)


async def _line(db: AsyncConnection, number: int, line: CountedLine) -> dict[str, Any]:
    """Return the row of a line; the item's tracking and the lot stay until it is written."""
    at = f"/lines/{number}"
    item_id, sku = await item_named(db, line.item_id, line.sku)
    location_id = await find_place(db, line.location_id, line.site, f"{at}/site")
    now = (await get_stocked(db, location_id)).now
    tracking = await tracking_of(db, item_id)
    if tracking == Tracking.SERIAL:
        raise _wrong(at, f"{sku} is tracked by serial: adjust what differs, unit by unit")
    check_lot(tracking, line.lot, f"{at}/lot")
    lot = None if line.lot is None else await find_lot(db, item_id, line.lot)
    if line.lot is not None and lot is None:
        raise _wrong(f"{at}/lot", f"{line.lot} is no lot of this item: add it first")
    return {
        "id": new_id(),
        "position": number + 1,
        "item_id": item_id,
        "location_id": location_id,
        "lot_id": None if lot is None else lot.id,
        "counted": line.counted,
        "counted_at": past(line.counted_at, now, f"{at}/counted_at") or now,
    }


def _place(line: Mapping[str, Any]) -> Place:
    return Place(line["item_id"], line["location_id"], line["lot_id"], line["counted_at"])


async def _posts(db: AsyncConnection, count_id: UUID, number: str, actor: str) -> bool:
    """Post a count, and return whether that was possible: else a person frees what is promised."""
    try:
        await _post(db, count_id, number, actor=actor)
    except (OutOfStock, IllegalMove):
        return False
    return True


async def _post(
    db: AsyncConnection, count_id: UUID, number: str, *, actor: str, decided_by: str | None = None
) -> None:
    lines = await lines_of(db, count_id)
    await _check_tracking(db, lines)
    varied = await post_count(db, count_id, lines, actor=actor)
    await end_count(db, count_id, CountStatus.POSTED, decided_by=decided_by)
    await add_event(
        db,
        "count.posted",
        subject=number,
        subject_id=count_id,
        actor=actor,
        correlation_id=f"count/{count_id}",
        data={
            "number": number,
            "lines": [_told(line, variance) for line, variance in varied],
        },
    )


def _told(line: Row[Any], variance: Decimal) -> dict[str, Any]:
    return {
        "item_id": str(line.item_id),
        "sku": line.sku,
        "location_id": str(line.location_id),
        "lot_id": line.lot_id and str(line.lot_id),
        "counted": plain(line.counted),
        "variance": plain(variance),
    }


async def _check_tracking(db: AsyncConnection, lines: Sequence[Row[Any]]) -> None:
    """Raise IllegalMove for items that are tracked otherwise than when they were counted."""
    for item_id in sorted({line.item_id for line in lines}):
        by_lot = await tracking_of(db, item_id) == Tracking.LOT
        for line in lines:
            if line.item_id == item_id and by_lot != (line.lot_id is not None):
                why = f"{line.sku} is tracked otherwise now: count it again"
                raise IllegalMove(why, current_status=CountStatus.REVIEW, allowed=[])


def _wrong(pointer: str, message: str) -> Malformed:
    return Malformed(message, errors=[{"pointer": pointer, "message": message}])
