"""Deadlines that only warn: one table of what is late by its rows, and the task or event per cause.

A cause is a row that has waited since a certain moment. A warning keeps that moment, so that a
cause is warned of once, and a later silence of the same document is another cause.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, cast
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from db.claims.writes import EVIDENCE
from db.deadline import Deadline, seconds
from db.documents import DOCUMENTS
from db.events import add_events
from db.orders.backorders import SHORT, STILL_SHORT, WAITED
from db.orders.captures import TO_COME
from db.orders.terms import OVERDUE
from db.refunds.attempts import UNSETTLED
from db.returns.coming import ASTRAY, NOT_RECEIVED, NOT_SENT_BACK, USED
from db.tasks import TaskRow, close_task, open_task
from db.work_orders import late as work_orders
from domain.claims.status import EVIDENCE_REMINDED
from domain.documents import Kind
from domain.holds import HOLD_OWNERS, HoldReason
from domain.orders.receipts import TRANSFER_REMINDED
from domain.tasks import TaskKind, TaskStatus

SILENCE = timedelta(days=5)
"""Of a carrier that has goods; abroad twice as long."""

# The warehouse can work on a shipment while this holds, and again from the last release on.
_WORKABLE = """o.status = 'confirmed' AND o.cancel_requested_at IS NULL AND NOT EXISTS (
        SELECT 1 FROM holds h WHERE h.document_id = o.id AND h.released_at IS NULL)"""
_RELEASED = "(SELECT max(h.released_at) FROM holds h WHERE h.document_id = o.id)"
_UNSCANNED = f"""s.status = 'booked' AND {_WORKABLE} AND NOT EXISTS (SELECT 1 FROM parcels p
        WHERE p.shipment_id = s.id AND p.status NOT IN ('booked', 'voided'))"""
_FACTS = """jsonb_build_object('order_id', s.order_id, 'shipment', s.number,
        'carrier', s.carrier, 'service', s.service)"""
_SHIPMENTS = "FROM shipments s JOIN orders o ON o.id = s.order_id"

_BACK = "jsonb_build_object('return', r.number, 'order_id', r.order_id) AS facts FROM returns r"


def _asked_about_hold(facts: Mapping[str, Any]) -> str:
    """Return who may release a hold: of work who plans it, else by its reason."""
    return "planner" if "work_order" in facts else HOLD_OWNERS[HoldReason(facts["reason"])]


DEADLINES = (
    Deadline(
        "hold_review",
        "hold",
        timedelta(hours=24),
        """SELECT h.id, h.placed_at AS since, false AS abroad, jsonb_build_object(
            'order_id', o.id, 'order', o.number,
            'reason', h.reason, 'note', h.note, 'placed_by', h.placed_by) AS facts
        FROM holds h JOIN orders o ON o.id = h.document_id
        WHERE h.released_at IS NULL AND o.status IN ('pending', 'confirmed')
        UNION ALL SELECT h.id, h.placed_at, false, jsonb_build_object('work_order_id', w.id,
            'work_order', w.number, 'reason', h.reason, 'note', h.note, 'placed_by', h.placed_by)
        FROM holds h JOIN work_orders w ON w.id = h.document_id
        WHERE h.released_at IS NULL AND w.status NOT IN ('closed', 'cancelled')""",
        task=TaskKind.HOLD_REVIEW,
        again=timedelta(hours=24),
        owner=_asked_about_hold,
    ),
    Deadline("evidence_reminder", "claim", EVIDENCE_REMINDED, EVIDENCE, event="evidence_reminder"),
    # Only told, as the one about returns: there is the rest of the time, or a person's word.
    Deadline("transfer_reminder", "order", TRANSFER_REMINDED, TO_COME, event="transfer_reminder"),
    Deadline("still_backordered", "order", WAITED, STILL_SHORT, event="still_backordered"),
    Deadline(
        "backorder_review",
        "order",
        timedelta(days=30),
        SHORT,
        task=TaskKind.BACKORDER_REVIEW,
        again=timedelta(days=30),
    ),
    Deadline("payment_overdue", "order", timedelta(), OVERDUE, event="payment_overdue"),
    # A refused booking has its own question.
    Deadline(
        "picking_late",
        "shipment",
        timedelta(hours=24),
        f"""SELECT s.id, greatest(s.created_at, {_RELEASED}) AS since, false AS abroad,
            {_FACTS} AS facts {_SHIPMENTS}
        WHERE s.status = 'pending' AND {_WORKABLE} AND NOT EXISTS (SELECT 1 FROM tasks t
            WHERE t.document_id = s.id AND t.kind = 'booking_refused' AND t.status = 'open')""",
        task=TaskKind.PICKING_LATE,
    ),
    Deadline(
        "handover_late",
        "shipment",
        timedelta(hours=24),
        f"""SELECT s.id, greatest(s.booked_at, {_RELEASED}) AS since, false AS abroad,
            {_FACTS} AS facts {_SHIPMENTS} WHERE {_UNSCANNED}""",
        task=TaskKind.HANDOVER_LATE,
    ),
    # Follows the answer to the one above, so that the two are never asked at once.
    Deadline(
        "not_scanned",
        "shipment",
        timedelta(hours=48),
        f"""SELECT s.id, t.closed_at AS since, false AS abroad,
            {_FACTS} || jsonb_build_object('answered', t.outcome) AS facts {_SHIPMENTS}
        CROSS JOIN LATERAL (SELECT closed_at, outcome FROM tasks WHERE document_id = s.id
            AND kind = 'handover_late' AND status = 'done' ORDER BY closed_at DESC LIMIT 1) t
        WHERE {_UNSCANNED} AND t.closed_at > coalesce({_RELEASED}, '-infinity')""",
        task=TaskKind.NOT_SCANNED,
    ),
    Deadline(
        "stalled",
        "shipment",
        SILENCE,
        f"""SELECT s.id, greatest(s.handed_over_at, e.recorded_at) AS since,
            s.ship_from ->> 'country' IS DISTINCT FROM s.ship_to ->> 'country' AS abroad,
            {_FACTS} || jsonb_build_object('last_code', e.code, 'last_place', e.place) AS facts
        FROM shipments s LEFT JOIN LATERAL (
            SELECT x.code, x.place, x.recorded_at FROM tracking_events x
            JOIN parcels p ON p.id = x.parcel_id WHERE p.shipment_id = s.id
            ORDER BY x.recorded_at DESC LIMIT 1) e ON true
        WHERE s.status IN ('picked_up', 'in_transit', 'out_for_delivery', 'returning')
            AND s.handed_over_at <= now() - {seconds(SILENCE)}""",
        task=TaskKind.STALLED,
        event="stalled",
        abroad=2 * SILENCE,
    ),
    Deadline(
        "refund_unsettled",
        "refund",
        timedelta(hours=24),
        UNSETTLED,
        task=TaskKind.REFUND_UNSETTLED,
        abroad=timedelta(days=10),
        again=timedelta(days=7),
    ),
    # Only told: the customer still has the rest of the time.
    Deadline(
        "ship_back_reminder",
        "return",
        timedelta(days=21),
        f"""SELECT r.id, r.authorized_at AS since, false AS abroad, jsonb_build_object(
            'return', r.number, 'ship_back_by', r.ship_back_by) AS facts
        FROM returns r WHERE r.status = 'authorized' AND r.last_received_at IS NULL
            AND r.ship_back_by > now() AND NOT {USED}""",
        event="ship_back_reminder",
    ),
    *(
        Deadline(str(kind), "return", after, waiting, task=kind, again=again)
        for kind, after, waiting, again in (
            (TaskKind.PARCEL_NOT_RECEIVED, timedelta(days=2), NOT_RECEIVED, timedelta(days=2)),
            (TaskKind.RETURN_PARCEL_LOST, timedelta(), ASTRAY, timedelta(days=7)),
            (TaskKind.SEND_BACK_FAILED, timedelta(), NOT_SENT_BACK, timedelta(days=2)),
        )
    ),
    Deadline(
        "finish_receiving",
        "return",
        timedelta(days=14),
        f"""SELECT r.id, coalesce(r.last_received_at, r.authorized_at) AS since, false AS abroad,
            {_BACK} WHERE r.status = 'authorized'
            AND (r.last_received_at IS NOT NULL OR r.kind = 'undeliverable')""",
        task=TaskKind.FINISH_RECEIVING,
        again=timedelta(days=14),
    ),
    Deadline(
        "inspection_late",
        "return",
        timedelta(days=2),
        f"""SELECT r.id, r.received_at AS since, false AS abroad, {_BACK}
        WHERE r.status = 'received'""",
        task=TaskKind.INSPECTION_LATE,
        again=timedelta(days=7),
    ),
    # The consumer is to have the money back 14 days after the withdrawal.
    Deadline(
        "withdrawal_unresolved",
        "return",
        timedelta(days=10),
        """SELECT r.id, r.created_at AS since, false AS abroad, jsonb_build_object(
            'return', r.number, 'order_id', r.order_id, 'refund_due_on',
            (r.created_at AT TIME ZONE 'UTC')::date + 14, 'status', r.status) AS facts
        FROM returns r WHERE r.kind = 'withdrawal'
            AND r.status IN ('requested', 'authorized', 'received', 'inspected')""",
        task=TaskKind.WITHDRAWAL_UNRESOLVED,
        again=timedelta(days=2),
    ),
    # The promised day is over at its end, by UTC.
    Deadline(
        "overdue",
        "shipment",
        timedelta(days=1),
        f"""SELECT s.id, (s.promised_on + 1)::timestamp AT TIME ZONE 'UTC' AS since,
            false AS abroad, {_FACTS} || jsonb_build_object('promised_on', s.promised_on) AS facts
        FROM shipments s
        WHERE s.status IN ('booked', 'picked_up', 'in_transit', 'out_for_delivery')""",
        event="overdue",
    ),
    *work_orders.DEADLINES,
)
"""All of them; the pages of the processes have them as tables."""


def _late(deadline: Deadline) -> str:
    """Select what has waited too long, whether or not that was said."""
    at_home, abroad = deadline.after, deadline.abroad or deadline.after
    return f"""SELECT w.* FROM ({deadline.waiting}) w WHERE w.since <= now()
        - CASE WHEN w.abroad THEN {seconds(abroad)} ELSE {seconds(at_home)} END"""


def _unsaid(deadline: Deadline) -> str:
    """Select what is late and was not warned of."""
    if deadline.event:
        said = f"""SELECT 1 FROM events e WHERE e.subject_id = w.id
            AND e.type = '{deadline.document}.{deadline.event}.v1'
            AND CAST(e.data ->> 'since' AS timestamptz) = w.since"""
    else:
        again = f"AND t.closed_at > now() - {seconds(deadline.again)}" if deadline.again else ""
        said = f"""SELECT 1 FROM tasks t WHERE t.document_id = w.id AND t.kind = '{deadline.task}'
            AND (t.status = 'open' OR t.status = 'done'
                AND CAST(t.facts ->> 'since' AS timestamptz) = w.since {again})"""
    return f"{_late(deadline)} AND NOT EXISTS ({said})"


_FIND = {each.name: text(f"SELECT id FROM ({_unsaid(each)} LIMIT :limit) f") for each in DEADLINES}
_AGAIN = {
    each.name: text(f"SELECT * FROM ({_unsaid(each)}) f WHERE id = ANY(:ids) ORDER BY id")
    for each in DEADLINES
}
_LOCK = {
    each.name: text(
        f"""SELECT x.* FROM {each.document}s x WHERE x.id = ANY(:ids)
        ORDER BY x.id FOR UPDATE SKIP LOCKED"""
    )
    for each in DEADLINES
}
_NEEDLESS = "SELECT t.* FROM tasks t WHERE t.status = 'open' AND (" + (
    " OR ".join(
        f"t.kind = '{each.task}' AND NOT EXISTS ({_late(each)} AND w.id = t.document_id)"
        for each in DEADLINES
        if each.task
    )
    + ")"
)
_FIND_NEEDLESS = text(f"SELECT id FROM ({_NEEDLESS} LIMIT :limit) f")
_LOCK_NEEDLESS = text(f"{_NEEDLESS} AND t.id = ANY(:ids) ORDER BY t.id FOR UPDATE SKIP LOCKED")


async def find_late(db: AsyncConnection, deadline: Deadline, limit: int) -> Sequence[UUID]:
    """Return what is late and not warned of."""
    return (await db.execute(_FIND[deadline.name], {"limit": limit})).scalars().all()


async def warn(db: AsyncConnection, deadline: Deadline, ids: Sequence[UUID]) -> int:
    """Open the task and add the event of those that are late still; return how many.

    What another transaction holds is left to the next sweep. What was said is looked at under the
    lock and by another statement, because the one that locks sees what was before it.
    """
    found = await db.execute(_LOCK[deadline.name], {"ids": list(ids)})
    locked = {row.id: row for row in found}
    late = (await db.execute(_AGAIN[deadline.name], {"ids": list(locked)})).all()
    events = []
    for row in late:
        facts = {**row.facts, "since": row.since}
        if deadline.task is not None:
            role = deadline.owner(facts) if deadline.owner else ""
            await open_task(db, deadline.task, deadline.document, row.id, facts, role=role)
        if deadline.event:
            documents = DOCUMENTS[Kind(deadline.document)]
            events.append(documents.event(locked[row.id], deadline.event, "system", facts))
    if events:
        await add_events(db, events)
    return len(late)


async def find_needless(db: AsyncConnection, limit: int) -> Sequence[UUID]:
    """Return open tasks of deadlines whose cause has gone."""
    return (await db.execute(_FIND_NEEDLESS, {"limit": limit})).scalars().all()


async def cancel_needless(db: AsyncConnection, task_ids: Sequence[UUID]) -> int:
    """Cancel those of the tasks that are needless still and not being answered."""
    found = (await db.execute(_LOCK_NEEDLESS, {"ids": list(task_ids)})).all()
    for task in (tasks := cast(Sequence[TaskRow], found)):
        note = "its cause has gone"
        await close_task(db, task, TaskStatus.CANCELLED, outcome=None, note=note, actor="system")
    return len(tasks)
