"""The shipment's process, from the carrier's first scan to the end of its journey."""

from temporalio import workflow
from temporalio.exceptions import FailureError

with workflow.unsafe.imports_passed_through():
    from activities.shipments.journey import JourneyActivities
    from activities.tasks import TaskActivities
    from domain.answers import REFUND, REFUND_WITH_POSTAGE
    from domain.ids import ShipmentId
    from domain.shipments.outcomes import Journey, ShipmentDecision
    from domain.shipments.status import ENDED, ShipmentStatus
    from domain.tasks import Decision, TaskKind
    from workflows import renewal
    from workflows.calling import at_partner, in_database, refusal_of
    from workflows.status import show_status


@workflow.defn
class ShipmentTracking:
    """One run per shipment that has left; goods that left cannot be called back, only followed."""

    @workflow.init
    def __init__(self, shipment_id: ShipmentId) -> None:
        """Know the shipment; facts may come before the first step."""
        self._id = shipment_id
        # A run that goes on for another one looks at once for what came in between.
        self._news = workflow.info().continued_run_id is not None
        self._decisions: list[tuple[TaskKind, str, Decision]] = []

    @workflow.run
    async def run(self, shipment_id: ShipmentId) -> ShipmentStatus:
        """Follow the shipment until nothing about it is open and return its last status."""
        workflow.set_current_details("The carrier has the goods: taking the customer's money.")
        journey = await at_partner(JourneyActivities.hand_over_shipment, self._id)
        show_status(journey.status)
        while journey.owed or not journey.settled or journey.refunding:
            await self._renew()
            if journey.refunding:
                workflow.set_current_details("Giving back money that came back to us.")
                journey = await at_partner(JourneyActivities.repeat_refund, self._id)
                continue
            if not self._news and journey.status not in ENDED:
                workflow.set_current_details("Waiting for the carrier to deliver.")
                await workflow.wait_condition(lambda: self._news)
            self._news = False
            journey = await in_database(JourneyActivities.settle_shipment, self._id)
            show_status(journey.status)
            if journey.untried and workflow.patched("late-captures"):
                workflow.set_current_details("Taking the customer's money.")
                journey = await at_partner(JourneyActivities.hand_over_shipment, self._id)
            unsettled = journey.owed or not journey.settled
            if self._decisions or (journey.status in ENDED and unsettled):
                journey = await self._decided(journey)
                show_status(journey.status)
        await workflow.wait_condition(workflow.all_handlers_finished)
        return journey.status

    async def _decided(self, journey: Journey) -> Journey:
        """Wait for a person to answer the open task, or for the carrier to have news."""
        workflow.set_current_details("Waiting for a person: see the shipment's tasks.")
        await workflow.wait_condition(lambda: bool(self._decisions) or self._news)
        while self._decisions:
            kind, choice, decision = self._decisions.pop(0)
            answer = ShipmentDecision(shipment_id=self._id, decision=decision)
            if kind is TaskKind.CAPTURE_FAILED and choice == "retry":
                journey = await at_partner(JourneyActivities.retry_capture, answer)
            elif kind is TaskKind.CAPTURE_FAILED:
                journey = await in_database(JourneyActivities.write_off_capture, self._id)
            elif choice in (REFUND, REFUND_WITH_POSTAGE):
                journey = await at_partner(JourneyActivities.refund_shipment, answer)
            elif choice == "write_off":
                journey = await in_database(JourneyActivities.write_off_shipment, self._id)
        return journey

    async def _renew(self) -> None:
        """Go on in a fresh run before this one's history takes no more, with no answer pending.

        However often the carrier reports, only the end of a journey wakes the run; yet people may
        answer the same question again and again.
        """
        if not (renewal.is_due() and workflow.patched("renewed-journeys")):
            return
        await workflow.wait_condition(workflow.all_handlers_finished)
        if not self._decisions:
            workflow.continue_as_new(self._id)

    @workflow.signal(description="The carrier reported something that may end the journey.")
    def carrier_reported(self) -> None:
        """Look again."""
        self._news = True

    @workflow.update(description="Answer a task about the shipment.")
    async def decide(self, decision: Decision) -> None:
        """Record the answer, or refuse what was not offered; the run acts on it."""
        try:
            decided = await in_database(TaskActivities.decide_task, decision)
        except FailureError as failure:
            raise refusal_of(failure) from failure
        self._decisions.append((decided.kind, decided.choice, decision))
        self._news = True
