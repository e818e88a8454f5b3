"""Situations: every way in which a question to people arises, with an answer that ends it.

A kind of task belongs into SITUATIONS with an entry for each situation that opens it; what an entry
promises is proven for all of them alike in `test_every_question.py`.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from domain.shipments.booking import AnswerDetails
from domain.tasks import TaskKind
from tests.shop import address
from tests.workflows.arising import (
    Asked,
    card_after_card,
    carrier_is_back,
    from_the_counter,
    held,
    lost_unpaid,
    no_label,
    not_handed_over,
    not_picked,
    not_scanned,
    other_amount,
    own_label_cancelled,
    paid_after_all,
    refused_once,
    release,
    scanned,
    site_without_address,
    stalled,
    travelled,
    turned_up,
    undo_refused,
    unknown_parcel,
    unreadable,
    without_label,
)
from tests.workflows.arising_money import (
    capture_came_back,
    captured_too_late,
    moved_by_the_provider,
    refund_came_back,
    refund_declined,
    refund_failed_late,
    refund_pending,
    refund_settled,
    refund_to_approve,
    void_came_back,
)
from tests.workflows.stage import Stage


async def nothing(stage: Stage, asked: Asked) -> None:
    del stage, asked


@dataclass(frozen=True)
class Situation:
    """One way in which a question arises, an answer, and what happens then by itself."""

    kind: TaskKind
    name: str
    arise: Callable[[Stage], Awaitable[Asked]]
    choice: str
    details: AnswerDetails | Callable[[Stage], Awaitable[AnswerDetails]] = field(
        default_factory=AnswerDetails
    )
    then: Callable[[Stage, Asked], Awaitable[None]] = nothing
    """What others do after the answer: the carrier comes back, support releases the hold."""

    def __str__(self) -> str:
        return f"{self.kind}: {self.name}, {self.choice}"


K = TaskKind
_LIGHT = AnswerDetails(heaviest_box_grams=10_000)
_THERE = AnswerDetails(address=address("89501"))

SITUATIONS = (
    Situation(
        K.CAPTURE_FAILED,
        "the bank declines",
        travelled("picked_up", "tok_capture_declined"),
        "write_off",
    ),
    Situation(K.PARCEL_LOST, "paid", travelled("lost"), "refund"),
    Situation(K.PARCEL_LOST, "paid elsewhere", travelled("lost"), "write_off"),
    Situation(K.PARCEL_LOST, "never paid", lost_unpaid, "refund"),
    Situation(K.PARCEL_LOST, "refund refused", refused_once("lost", K.PARCEL_LOST), "write_off"),
    Situation(K.UNDELIVERABLE, "paid", travelled("returned"), "refund"),
    Situation(K.UNDELIVERABLE, "our fault", travelled("returned"), "refund_with_postage"),
    Situation(
        K.UNDELIVERABLE, "refund refused", refused_once("returned", K.UNDELIVERABLE), "write_off"
    ),
    Situation(K.ADDRESS_PROBLEM, "on the way", scanned("X1"), "clarified"),
    Situation(K.PARCEL_EXCEPTION, "damaged", scanned("X2"), "dealt_with"),
    Situation(K.PARCEL_EXCEPTION, "delivered after the refund", turned_up, "dealt_with"),
    Situation(K.PARCEL_EXCEPTION, "scanned without a label", without_label, "dealt_with"),
    Situation(K.UNKNOWN_CODE, "not in the table", scanned("QQ"), "mapped"),
    Situation(K.UNKNOWN_DOCUMENT, "not our parcel", unknown_parcel, "ignored"),
    Situation(K.UNAPPLIED_FACT, "cannot be read", unreadable, "dealt_with"),
    Situation(K.BOOKING_REFUSED, "the address", no_label("00000"), "change_address", _THERE),
    Situation(
        K.BOOKING_REFUSED,
        "the service",
        no_label("00004"),
        "change_service",
        AnswerDetails(service="express"),
    ),
    Situation(K.BOOKING_REFUSED, "the size", no_label("00005", 2, 6_000), "smaller_boxes", _LIGHT),
    Situation(
        K.BOOKING_REFUSED,
        "the number of boxes",
        no_label("00006", 2, 40_000),
        "split",
        AnswerDetails(shipments=2),
    ),
    Situation(
        K.BOOKING_REFUSED, "nothing is offered", no_label("00000"), "own_label", from_the_counter
    ),
    Situation(K.BOOKING_REFUSED, "nothing helps", no_label("00000"), "cancel"),
    Situation(K.BOOKING_REFUSED, "freight", no_label("78701", 1_000, 60_000), "cancel"),
    Situation(K.BOOKING_REFUSED, "the site's address", site_without_address, "retry"),
    Situation(K.UNDO_FAILED, "a step of ours", undo_refused, "done"),
    Situation(K.UNDO_FAILED, "an own label", own_label_cancelled, "done"),
    Situation(K.PAYMENT_MISMATCH, "authorization", other_amount("authorize"), "theirs"),
    Situation(K.PAYMENT_MISMATCH, "capture", other_amount("capture"), "theirs"),
    Situation(K.PAYMENT_MISMATCH, "refund", other_amount("refund"), "theirs"),
    Situation(K.REFUND_FAILED, "the card is closed", refund_came_back, "given_otherwise"),
    Situation(K.REFUND_FAILED, "once more", refund_came_back, "retry"),
    Situation(K.REFUND_FAILED, "the bank declines", refund_declined, "given_otherwise"),
    Situation(K.REFUND_FAILED, "a refund days later", refund_failed_late, "retry"),
    Situation(K.REFUND_UNSETTLED, "no answer", refund_pending, "asked", then=refund_settled),
    Situation(K.REFUND_APPROVAL, "a yes", refund_to_approve, "approve"),
    Situation(K.REFUND_APPROVAL, "a no", refund_to_approve, "reject"),
    Situation(K.UNASKED_REFUND, "in the dashboard", moved_by_the_provider("refunds"), "goodwill"),
    Situation(
        K.CHARGEBACK, "the customer's bank", moved_by_the_provider("chargebacks"), "accepted"
    ),
    Situation(K.CAPTURE_FAILED, "the authorization is over", captured_too_late, "write_off"),
    Situation(K.CAPTURE_FAILED, "fails late", capture_came_back, "retry"),
    Situation(K.UNDO_FAILED, "a void that fails late", void_came_back, "done"),
    Situation(K.FRAUD_REVIEW, "honest", card_after_card, "release", then=paid_after_all),
    Situation(K.FRAUD_REVIEW, "card testing", card_after_card, "cancel"),
    Situation(K.HOLD_REVIEW, "a day", held, "stays", then=release),
    Situation(K.PICKING_LATE, "the carrier is out", not_picked, "noted", then=carrier_is_back),
    Situation(K.HANDOVER_LATE, "a day", not_handed_over, "still_here"),
    Situation(K.NOT_SCANNED, "two more days", not_scanned, "with_the_carrier"),
    Situation(K.STALLED, "silence", stalled, "asked"),
)
