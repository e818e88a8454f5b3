"""From the carrier's first scan to the journey's end: the steps of a shipment's run."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection
from temporalio import activity

from activities.payments.by_hand import carry_out, is_questioned, is_under_way
from activities.returns.undelivered import answer_for
from activities.shipments.departure import (
    ask_about_capture,
    capture_intent,
    depart,
    give_up_capture,
    take_money,
)
from activities.shipments.following import journey_of
from activities.shipments.older_refunds import end_older_refunds, go_on_again
from activities.shipments.prepaid import pay_from_prepaid
from activities.shipments.settlement import (
    QUESTIONS,
    ask_about_end,
    bring_back,
    choice_of,
    drop_questions,
    give_back,
    give_money_up,
    signal_order,
    write_off,
)
from activities.warranties.registering import register_delivered
from db.documents import SHIPMENTS
from db.engine import Database
from db.ledgers import ledger_of
from db.shipments.captures import amount_owed, is_owed
from db.shipments.milestones import record_settlement
from db.shipments.tables import ShipmentRow
from db.shipments.writes import lock_with_order
from db.tasks import is_open
from domain.answers import UndeliverableAnswer
from domain.ids import ShipmentId
from domain.lifecycle import move
from domain.payments import Intent
from domain.policy import Policy
from domain.shipments.outcomes import Journey, ShipmentDecision
from domain.shipments.status import ENDED, MOVES, ShipmentStatus
from domain.tasks import TaskKind
from gateways.failures import PartnerFailure
from gateways.payments.port import PaymentProvider


class JourneyActivities:
    """What a shipment's run does once the carrier has the goods."""

    def __init__(self, books: Database, provider: PaymentProvider, policy: Policy) -> None:
        """Take the money for what left through this provider; give it back by this policy."""
        self._books = books
        self._provider = provider
        self._policy = policy

    @activity.defn
    async def hand_over_shipment(self, shipment_id: ShipmentId) -> Journey:
        """Book what the first scan proves, then take the money for it.

        The departure is a fact: stock, counters and status are written at once. The capture is
        retried while the provider is away; refused, it becomes a task for finance.
        """
        due = await self._hand_over(shipment_id)
        if due is None:
            due = await self._after_hands(shipment_id)
        if not isinstance(due, Journey):
            due = await take_money(self._books, self._provider, shipment_id, due)
        # Taken late, it may be the last thing that the order waits for.
        return await self._tell(shipment_id) if due.settled else due

    async def _hand_over(self, shipment_id: ShipmentId) -> Intent | Journey | None:
        """Book the departure, and return the capture that is due, or where the shipment is.

        None while money is being moved by hand, which may pay for it.
        """
        async with self._books.begin() as db:
            order, shipment = await lock_with_order(db, shipment_id)
            if shipment.handed_over_at is None:
                # Nothing but a booked shipment can leave: any other one is refused here.
                move(MOVES, ShipmentStatus(shipment.status), ShipmentStatus.PICKED_UP)
                owed = await depart(db, order, shipment)
            else:
                owed = await amount_owed(db, shipment_id)
            if not owed:
                return await journey_of(db, shipment_id)
            ledger = await ledger_of(db, order.id)
            if is_under_way(ledger):
                return None
            owed = await pay_from_prepaid(db, ledger, order.id, shipment_id, owed)
            intent = await capture_intent(db, ledger, shipment, owed)
            if intent is None and owed:
                # A run that got lost may have taken a person's answer with it: ask again.
                await ask_about_capture(db, shipment)
            return intent or await journey_of(db, shipment_id)

    async def _after_hands(self, shipment_id: ShipmentId) -> Intent | Journey:
        """Have done what was asked for by hand, and return what is due after that.

        What waits for finance to say which amount has moved is asked about again with that answer.
        """
        async with self._books.begin() as db:
            order, _ = await lock_with_order(db, shipment_id)
        await carry_out(self._books, self._provider, order.id)
        if (due := await self._hand_over(shipment_id)) is not None:
            return due
        async with self._books.begin() as db:
            if await is_questioned(db, order.id):
                return await journey_of(db, shipment_id)
        raise PartnerFailure("money of the order is being moved by hand")

    @activity.defn
    async def settle_shipment(self, shipment_id: ShipmentId) -> Journey:
        """Book the journey's end and tell the order; a parcel that comes back opens a return.

        What is delivered with a term has its warranty registered.

        About one that is lost a person is asked. Neither is done while finance is asked which
        amount the provider moved.
        """
        async with self._books.begin() as db:
            order, shipment = await lock_with_order(db, shipment_id)
            status = ShipmentStatus(shipment.status)
            if shipment.settled_at is None and status in ENDED:
                await drop_questions(db, shipment_id, unless=status)
            if shipment.settled_at is None and status is ShipmentStatus.DELIVERED:
                owed = await record_settlement(db, shipment_id, "delivered")
                await register_delivered(db, shipment_id)
                return Journey(status=status, settled=True, owed=owed)
            if await self._may_be_written_off(db, shipment):
                if status is ShipmentStatus.RETURNED:
                    await bring_back(db, order, shipment)
                else:
                    await ask_about_end(db, shipment, self._policy)
            await give_money_up(db, shipment)
            return await journey_of(db, shipment_id)

    @activity.defn
    async def retry_capture(self, given: ShipmentDecision) -> Journey:
        """Try the refused capture again, because a person decided so; once per decision."""
        async with self._books.begin() as db:
            order, _ = await lock_with_order(db, given.shipment_id)
        await carry_out(self._books, self._provider, order.id)
        async with self._books.begin() as db:
            order, shipment = await lock_with_order(db, given.shipment_id)
            ledger = await ledger_of(db, order.id)
            owed = await amount_owed(db, shipment.id)
            owed = await pay_from_prepaid(db, ledger, order.id, shipment.id, owed)
            purpose = str(given.decision.task_id)
            intent = await capture_intent(db, ledger, shipment, owed, purpose)
        if intent is not None:
            await take_money(self._books, self._provider, given.shipment_id, intent)
        return await self._tell(given.shipment_id)

    @activity.defn
    async def write_off_capture(self, shipment_id: ShipmentId) -> Journey:
        """Give up the money that could not be captured, because a person decided so."""
        async with self._books.begin() as db:
            _, shipment = await lock_with_order(db, shipment_id)
            if await is_owed(db, shipment_id):
                await give_up_capture(db, shipment)
                await SHIPMENTS.add_event(db, shipment, "capture_written_off", "system", {})
        return await self._tell(shipment_id)

    @activity.defn
    async def refund_shipment(self, given: ShipmentDecision) -> Journey:
        """Write lost goods off, and promise their money by a refund of its own.

        Of goods that come back it is what their return gives: the question of a release before was
        answered. Not what has turned up meanwhile, nor while finance is asked which amount was
        moved.
        """
        shipment_id, decided = given.shipment_id, given.decision
        await self._end_older(shipment_id)
        async with self._books.begin() as db:
            order, shipment = await lock_with_order(db, shipment_id)
            may = await self._may_be_written_off(db, shipment)
            if shipment.status == ShipmentStatus.RETURNED:
                if may:
                    await bring_back(db, order, shipment)
                await answer_for(db, shipment_id, await choice_of(db, decided), decided.actor)
            elif may:
                refunded = await give_back(db, order, shipment, decided, self._policy)
                await write_off(db, order, shipment, refunded=refunded)
            return await journey_of(db, shipment_id)

    @activity.defn
    async def repeat_refund(self, shipment_id: ShipmentId) -> Journey:
        """Have money given back that came back to us, as an older release was told to.

        Only runs that it has left ask for this: by now a refund tries again by itself.
        """
        await self._end_older(shipment_id)
        async with self._books.begin() as db:
            order, shipment = await lock_with_order(db, shipment_id)
            await go_on_again(db, order, shipment)
            return await journey_of(db, shipment_id)

    @activity.defn
    async def write_off_shipment(self, shipment_id: ShipmentId) -> Journey:
        """Write lost or returned goods off without a refund, because a person settled it elsewhere.

        Not what has turned up meanwhile, nor while finance is asked which amount was moved.
        """
        async with self._books.begin() as db:
            order, shipment = await lock_with_order(db, shipment_id)
            if await self._may_be_written_off(db, shipment):
                await write_off(db, order, shipment, refunded=False)
            elif shipment.status == ShipmentStatus.RETURNED:
                await answer_for(db, shipment_id, UndeliverableAnswer.WRITE_OFF, "system")
            return await journey_of(db, shipment_id)

    async def _may_be_written_off(self, db: AsyncConnection, shipment: ShipmentRow) -> bool:
        unsure = await is_open(db, TaskKind.PAYMENT_MISMATCH, shipment.id)
        ended_badly = ShipmentStatus(shipment.status) in QUESTIONS
        return shipment.settled_at is None and ended_badly and not unsure

    async def _end_older(self, shipment_id: UUID) -> None:
        async with self._books.begin() as db:
            order, _ = await lock_with_order(db, shipment_id)
        await end_older_refunds(self._books, self._provider, order.id)

    async def _tell(self, shipment_id: UUID) -> Journey:
        async with self._books.begin() as db:
            _, shipment = await lock_with_order(db, shipment_id)
            if shipment.settled_at is not None:
                await signal_order(db, shipment)
            return await journey_of(db, shipment_id)
