"""From the carrier's first scan to the journey's end: the steps of a shipment's run."""

from uuid import UUID

from temporalio import activity

from activities.payments.provider import amount_differs, execute, record_outcome
from activities.shipments.departure import ask_about_capture, capture_intent, depart, take_money
from activities.shipments.failed_refunds import ask_about_refund, next_try, recount_refund
from activities.shipments.following import journey_of
from activities.shipments.settlement import (
    QUESTIONS,
    ask_about_end,
    drop_questions,
    refund_intent,
    signal_order,
    write_off,
)
from db.documents import ORDERS, SHIPMENTS
from db.engine import Database
from db.payments import find_by_key
from db.shipments.captures import amount_owed, is_owed, waive_capture
from db.shipments.milestones import record_settlement
from db.shipments.refunds import plan_refund
from db.shipments.writes import lock_with_order
from db.tasks import is_open
from domain.ids import ShipmentId
from domain.lifecycle import move
from domain.payments import refund_key
from domain.shipments.outcomes import Journey, ShipmentDecision
from domain.shipments.status import ENDED, MOVES, ShipmentStatus
from domain.tasks import TaskKind
from gateways.payments.port import Outcome, PaymentProvider


class JourneyActivities:
    """What a shipment's run does once the carrier has the goods."""

    def __init__(self, books: Database, provider: PaymentProvider) -> None:
        """Take the money for what left, and give it back, through this provider."""
        self._books = books
        self._provider = provider

    @activity.defn
    async def hand_over_shipment(self, shipment_id: ShipmentId) -> Journey:
        """Book what the first scan proves, then take the money for it.

        The departure is a fact: stock, counters and status are written at once. The capture is
        retried while the provider is away; refused, it becomes a task for finance.
        """
        async with self._books.begin() as db:
            order, shipment = await lock_with_order(db, shipment_id)
            if shipment.handed_over_at is None:
                # Nothing but a booked shipment can leave: any other one is refused here.
                move(MOVES, ShipmentStatus(shipment.status), ShipmentStatus.PICKED_UP)
                owed = await depart(db, order, shipment)
            else:
                owed = await amount_owed(db, shipment_id)
            intent = await capture_intent(db, order, shipment, owed)
            if intent is None and owed:
                # A run that got lost may have taken a person's answer with it: ask again.
                await ask_about_capture(db, shipment)
            if intent is None:
                return await journey_of(db, shipment_id)
        return await take_money(self._books, self._provider, shipment_id, intent)

    @activity.defn
    async def settle_shipment(self, shipment_id: ShipmentId) -> Journey:
        """Book the journey's end and tell the order; when it ended badly, ask a person."""
        async with self._books.begin() as db:
            _, shipment = await lock_with_order(db, shipment_id)
            status = ShipmentStatus(shipment.status)
            if shipment.settled_at is None and status in ENDED:
                await drop_questions(db, shipment_id, unless=status)
            if shipment.settled_at is None and status is ShipmentStatus.DELIVERED:
                owed = await record_settlement(db, shipment_id, "delivered")
                return Journey(status=status, settled=True, owed=owed)
            if shipment.settled_at is None and status in QUESTIONS:
                await ask_about_end(db, shipment)
            return await journey_of(db, shipment_id)

    @activity.defn
    async def retry_capture(self, given: ShipmentDecision) -> Journey:
        """Try the refused capture again, because a person decided so; once per decision."""
        async with self._books.begin() as db:
            order, shipment = await lock_with_order(db, given.shipment_id)
            owed = await amount_owed(db, shipment.id)
            purpose = str(given.decision.task_id)
            intent = await capture_intent(db, order, shipment, owed, purpose)
        if intent is not None:
            await take_money(self._books, self._provider, given.shipment_id, intent)
        return await self._tell(given.shipment_id)

    @activity.defn
    async def write_off_capture(self, shipment_id: ShipmentId) -> Journey:
        """Give up the money that could not be captured, because a person decided so."""
        async with self._books.begin() as db:
            _, shipment = await lock_with_order(db, shipment_id)
            if await is_owed(db, shipment_id):
                await waive_capture(db, shipment_id)
                await SHIPMENTS.add_event(db, shipment, "capture_written_off", "system", {})
        return await self._tell(shipment_id)

    @activity.defn
    async def refund_shipment(self, given: ShipmentDecision) -> Journey:
        """Give the money of lost or returned goods back and write the units off.

        When the provider refuses, nothing is written off: the question is asked again, with its
        words. Nor while finance is asked which amount the provider moved.
        """
        shipment_id = given.shipment_id
        async with self._books.begin() as db:
            order, shipment = await lock_with_order(db, shipment_id)
            unsure = await is_open(db, TaskKind.PAYMENT_MISMATCH, shipment_id)
            if shipment.settled_at is not None or unsure:
                return await journey_of(db, shipment_id)
            purpose = str(given.decision.task_id)
            if shipment.status == ShipmentStatus.DELIVERED and not await find_by_key(
                db, refund_key(shipment_id, purpose)
            ):
                # It turned up before the person's answer was acted upon.
                return await journey_of(db, shipment_id)
            intent = await refund_intent(db, order, shipment, given.decision)
        result = await execute(self._provider, intent) if intent else None
        async with self._books.begin() as db:
            order = await ORDERS.lock(db, shipment.order_id)
            shipment = await SHIPMENTS.lock(db, shipment_id)
            refunded = 0
            if intent and result:
                await record_outcome(db, order, intent, result)
                if result.outcome is Outcome.SUCCEEDED and not amount_differs(intent, result):
                    refunded = intent.amount.amount
                if result.outcome is Outcome.FAILED and shipment.settled_at is None:
                    await plan_refund(db, shipment_id, postage=0)
            if shipment.settled_at is None and (refunded or intent is None):
                await write_off(db, order, shipment, refunded=refunded)
            return await journey_of(db, shipment_id)

    @activity.defn
    async def repeat_refund(self, shipment_id: ShipmentId) -> Journey:
        """Give money back that came back to us, because a person decided so; once per decision.

        When the provider refuses, finance is asked again, with its words.
        """
        async with self._books.begin() as db:
            order, shipment = await lock_with_order(db, shipment_id)
            due = await next_try(db, order, shipment)
            if due is None:
                return await journey_of(db, shipment_id)
        intent, goods, postage = due
        result = await execute(self._provider, intent)
        async with self._books.begin() as db:
            order, shipment = await lock_with_order(db, shipment_id)
            news = await record_outcome(db, order, intent, result)
            if news and result.outcome is Outcome.SUCCEEDED:
                await recount_refund(db, shipment, intent.key, intent.amount.amount)
            elif news:
                await ask_about_refund(db, order, shipment, goods, postage)
            return await journey_of(db, shipment_id)

    @activity.defn
    async def write_off_shipment(self, shipment_id: ShipmentId) -> Journey:
        """Write lost or returned goods off without a refund, because a person settled it elsewhere.

        Not what has turned up meanwhile, nor while finance is asked which amount was moved.
        """
        async with self._books.begin() as db:
            order, shipment = await lock_with_order(db, shipment_id)
            unsure = await is_open(db, TaskKind.PAYMENT_MISMATCH, shipment_id)
            ended_badly = ShipmentStatus(shipment.status) in QUESTIONS
            if shipment.settled_at is None and ended_badly and not unsure:
                await write_off(db, order, shipment, refunded=0)
            return await journey_of(db, shipment_id)

    async def _tell(self, shipment_id: UUID) -> Journey:
        async with self._books.begin() as db:
            _, shipment = await lock_with_order(db, shipment_id)
            if shipment.settled_at is not None:
                await signal_order(db, shipment)
            return await journey_of(db, shipment_id)
