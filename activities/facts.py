"""Facts from outside, applied to what follows from them; a run hears only what matters to it."""

from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from activities.payments.provider import EVENTS
from activities.shipments.following import state_of
from db.engine import Database
from db.facts import finish_fact, lock_fact, park_fact
from db.orders.steps import announce as announce_order
from db.orders.steps import lock_order
from db.outbox import add_outbox
from db.payments import find_by_key, keep_reference, record_entry
from db.shipments.steps import (
    announce,
    change_shipment,
    lock_shipment_of_parcel,
    move_shipment,
    record_scan,
    scans_of,
    write_parcel,
)
from db.tasks import cancel_tasks, open_task
from domain.orders.status import OrderStatus
from domain.payments import EntryKind, Phase
from domain.shipments.status import ENDED, RANKS, ShipmentStatus
from domain.shipments.tracking import ParcelState, TrackingScan, follow
from domain.tasks import TaskKind
from gateways.carriers.codes import SANDBOX_CODES
from gateways.carriers.port import SANDBOX, Scan
from gateways.payments.port import Outcome, PaymentEvent
from gateways.webhooks import UnknownEvent, parse_carrier_event, parse_payment_event

CARRIER_FACTS = "sandbox-carrier"
PAYMENT_FACTS = "sandbox-payments"
_DUE_TASK = {"address_problem": TaskKind.ADDRESS_PROBLEM}


class UnknownDocument(Exception):
    """The fact is about something that does not exist here, or not yet."""


class FactIntake:
    """Applies stored facts, each in one transaction; a repeat finds nothing to do."""

    def __init__(self, books: Database) -> None:
        """Apply facts to these books."""
        self._books = books

    async def apply(self, fact_id: UUID, *, give_up: bool) -> bool:
        """Apply a stored fact; return False while what it is about is unknown.

        With ``give_up`` an unknown document becomes a task instead of another wait.
        """
        async with self._books.begin() as db:
            fact = await lock_fact(db, fact_id)
            if fact is None or fact.state in ("applied", "ignored"):
                return True
            raw = orjson.dumps(fact.payload)
            try:
                if fact.provider == CARRIER_FACTS:
                    await _apply_scan(db, parse_carrier_event(raw))
                else:
                    await _apply_payment(db, parse_payment_event(raw))
            except UnknownEvent:
                await finish_fact(db, fact_id, "ignored", "this kind of event means nothing to us")
            except UnknownDocument as unknown:
                if not give_up:
                    await park_fact(db, fact_id, str(unknown))
                    return False
                facts = {"provider": fact.provider, "problem": str(unknown)}
                await open_task(db, TaskKind.UNKNOWN_DOCUMENT, "fact", fact_id, facts)
                await finish_fact(db, fact_id, "ignored", str(unknown))
            else:
                await finish_fact(db, fact_id, "applied", "")
            return True


async def _apply_scan(db: AsyncConnection, scan: Scan) -> None:
    shipment = await lock_shipment_of_parcel(db, SANDBOX, scan.tracking_number)
    if shipment is None:
        raise UnknownDocument(f"no parcel has the number {scan.tracking_number}")
    scans = await scans_of(db, shipment.id)
    had_left = state_of(scans.values()).moved
    meaning = _translate(scan)
    if not await record_scan(db, shipment, meaning, scan.message, "webhook"):
        return
    if scan.code not in SANDBOX_CODES:
        facts = {"carrier": SANDBOX, "code": scan.code, "message": scan.message}
        await open_task(db, TaskKind.UNKNOWN_CODE, "shipment", shipment.id, facts)
    scans[shipment.parcel_id].append(meaning)
    await write_parcel(db, shipment.parcel_id, follow(scans[shipment.parcel_id]))
    state = state_of(scans.values())
    if shipment.handed_over_at is not None:
        await _advance(db, shipment, state)
    elif state.moved and not had_left and shipment.status == ShipmentStatus.BOOKED:
        # The first physical scan: the goods have left, and the run books that.
        payload = {
            "number": shipment.number,
            "summary": f"{shipment.number}: {shipment.service} with {shipment.carrier}",
            "details": f"Its order: `GET /orders/{shipment.order_id}/process`",
        }
        await add_outbox(db, "start", "ShipmentTracking", shipment.id, payload)


async def _advance(db: AsyncConnection, shipment: Row[Any], state: ParcelState) -> None:
    """Bring a departed shipment to where its parcels are; wake its run at the end of the way."""
    current = ShipmentStatus(shipment.status)
    facts = {
        "exception_reason": state.exception,
        "signed_by": state.signed_by,
        "delivered_at": state.delivered_at,
    }
    if RANKS[state.status] > RANKS[current] or (
        current is ShipmentStatus.DELIVERED and state.status is ShipmentStatus.RETURNED
    ):
        await move_shipment(db, shipment, state.status, "carrier", **facts)
        if state.status in ENDED:
            payload = {"signal": "carrier_reported"}
            await add_outbox(db, "signal", "ShipmentTracking", shipment.id, payload)
    elif any(getattr(shipment, name) != value for name, value in facts.items()):
        await change_shipment(db, shipment, **facts)
    if state.exception != shipment.exception_reason:
        await _report_exception(db, shipment, state)


async def _report_exception(db: AsyncConnection, shipment: Row[Any], state: ParcelState) -> None:
    if state.exception is None:
        for kind in (TaskKind.ADDRESS_PROBLEM, TaskKind.PARCEL_EXCEPTION):
            await cancel_tasks(db, kind, shipment.id)
        await announce(db, shipment, "exception_cleared", "carrier", {})
        return
    facts = {"reason": state.exception, "order_id": shipment.order_id}
    kind = _DUE_TASK.get(state.exception, TaskKind.PARCEL_EXCEPTION)
    await open_task(db, kind, "shipment", shipment.id, facts)
    await announce(db, shipment, "exception", "carrier", facts)


async def _apply_payment(db: AsyncConnection, event: PaymentEvent) -> None:
    entries = await find_by_key(db, event.result.key)
    if not entries:
        raise UnknownDocument(f"no payment has the key {event.result.key}")
    asked = entries[0]
    told = event.result.amount
    matches = (told.amount, told.currency) == (asked.amount, asked.currency)
    waiting = {entry.phase for entry in entries} == {Phase.REQUESTED, Phase.ACTION_REQUIRED}
    if matches and not waiting:
        # An echo of our own request: the step that asked records the answer that it got.
        return
    order = await lock_order(db, asked.order_id)
    if not matches:
        facts = {"key": asked.key, "ours": asked.amount, "theirs": told.model_dump()}
        await open_task(db, TaskKind.PAYMENT_MISMATCH, "order", order.id, facts)
        return
    succeeded = event.result.outcome is Outcome.SUCCEEDED
    phase = Phase.SUCCEEDED if succeeded else Phase.FAILED
    fresh = await record_entry(
        db,
        asked.payment_id,
        EntryKind(asked.kind),
        phase,
        asked.key,
        asked.amount,
        provider_reference=event.result.reference,
        failure_code=event.result.failure_code,
    )
    if not fresh:
        return
    kind = EntryKind(asked.kind)
    if succeeded and kind is EntryKind.AUTHORIZATION:
        await keep_reference(db, asked.payment_id, event.result.reference)
    data = {"payment_id": asked.payment_id, "kind": kind, "amount": told.model_dump()}
    what = EVENTS[kind] if succeeded else "failed"
    await announce_order(db, order, f"payment_{what}", "provider", data)
    if order.status in (OrderStatus.PENDING, OrderStatus.CANCELLED):
        payload = {"signal": "payment_reported"}
        await add_outbox(db, "signal", "OrderFulfillment", order.id, payload)


def _translate(scan: Scan) -> TrackingScan:
    """Read a scan by the carrier's code table; an unknown code moves nothing."""
    status, reason, is_exception = SANDBOX_CODES.get(scan.code, (None, "", False))
    return TrackingScan(
        code=scan.code,
        status=ShipmentStatus(status) if status else None,
        exception=reason if is_exception else None,
        place=scan.place,
        signed_by=scan.signed_by,
        occurred_at=scan.occurred_at,
    )
