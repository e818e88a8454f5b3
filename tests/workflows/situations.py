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
    refused,
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
from tests.workflows.arising_claims import (
    claimed,
    faulty_ones_come,
    others_leave_and_they_come,
    they_come_and_others_leave,
)
from tests.workflows.arising_losses import is_not_wanted, nothing_to_send_again, set_aside_lot
from tests.workflows.arising_money import (
    all_came_back,
    cancelled_transfer,
    capture_came_back,
    captured_too_late,
    ends_soon,
    given_up,
    hand_capture_came_back,
    hand_capture_refused,
    hand_void_refused,
    moved_by_the_provider,
    paid_with_another_card,
    refund_came_back,
    refund_declined,
    refund_failed_late,
    refund_pending,
    refund_settled,
    refund_to_approve,
    refused_at_once,
    sent_back,
    too_much,
    void_came_back,
)
from tests.workflows.arising_returns import (
    another_leaves,
    approved,
    charged_back,
    comes_whole,
    damaged_on_its_way_back,
    dear_return,
    ended_on_its_way_back,
    goes_back,
    half_came,
    is_replaced,
    is_replaced_and_comes,
    is_restocked,
    is_sent_anew,
    kept,
    kettle_came,
    loss_accepted,
    lost_again,
    no_label_back,
    not_in_stock,
    not_in_stock_in_advance,
    not_received,
    not_sent_back,
    nothing_came_back,
    refused_of_one_back,
    rejected,
    replacement_cancelled,
    replacement_leaves,
    replacement_lost,
    undelivered,
    uninspected,
    unresolved,
    unserved,
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
    Situation(K.CAPTURE_REFUSED, "given up", refused_at_once, "write_off"),
    Situation(K.CAPTURE_REFUSED, "not sent", refused_at_once, "cancel"),
    Situation(K.CAPTURE_REFUSED, "fails late", all_came_back, "retry"),
    Situation(K.PARCEL_LOST, "paid", travelled("lost"), "refund"),
    Situation(K.PARCEL_LOST, "paid elsewhere", travelled("lost"), "write_off"),
    Situation(K.PARCEL_LOST, "never paid", lost_unpaid, "refund"),
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
    Situation(
        K.REFUND_FAILED, "of a lost parcel", refused("lost", K.PARCEL_LOST), "given_otherwise"
    ),
    Situation(K.REFUND_FAILED, "of one back", refused_of_one_back, "given_otherwise"),
    Situation(K.REFUND_FAILED, "the bank declines", refund_declined, "given_otherwise"),
    Situation(K.REFUND_FAILED, "a refund days later", refund_failed_late, "retry"),
    Situation(K.REFUND_UNSETTLED, "no answer", refund_pending, "asked", then=refund_settled),
    Situation(K.REFUND_APPROVAL, "a yes", refund_to_approve, "approve"),
    Situation(K.REFUND_APPROVAL, "a no", refund_to_approve, "reject"),
    Situation(K.OVERPAID, "sent back", too_much, "give_back", then=sent_back),
    Situation(K.OVERPAID, "kept", too_much, "keep"),
    Situation(K.PAY_OUT, "sent", cancelled_transfer, "paid"),
    Situation(K.PAY_OUT, "in cash", cancelled_transfer, "given_otherwise"),
    Situation(K.UNASKED_REFUND, "in the dashboard", moved_by_the_provider("refunds"), "goodwill"),
    Situation(
        K.CHARGEBACK, "the customer's bank", moved_by_the_provider("chargebacks"), "accepted"
    ),
    Situation(K.CAPTURE_FAILED, "the authorization is over", captured_too_late, "write_off"),
    Situation(K.CAPTURE_FAILED, "fails late", capture_came_back, "retry"),
    Situation(K.UNDO_FAILED, "a void that fails late", void_came_back, "done"),
    Situation(K.UNDO_FAILED, "a void by hand", hand_void_refused, "done"),
    Situation(K.UNDO_FAILED, "a capture by hand", hand_capture_refused, "done", then=given_up),
    Situation(K.UNDO_FAILED, "by hand, fails late", hand_capture_came_back, "done"),
    Situation(
        K.RENEWAL_FAILED, "the bank declines", ends_soon, "asked", then=paid_with_another_card
    ),
    Situation(K.FRAUD_REVIEW, "honest", card_after_card, "release", then=paid_after_all),
    Situation(K.FRAUD_REVIEW, "card testing", card_after_card, "cancel"),
    Situation(K.RETURN_REVIEW, "a yes", dear_return, "authorize", then=comes_whole),
    Situation(K.RETURN_REVIEW, "a no", dear_return, "reject"),
    Situation(K.UNEXPECTED_GOODS, "a kettle", kettle_came, "sent_back", then=comes_whole),
    Situation(K.FINISH_RECEIVING, "all there is", half_came, "finish", then=is_restocked),
    Situation(K.INSPECTION_LATE, "two days", uninspected, "noted", then=is_restocked),
    Situation(K.REJECTED_GOODS, "sent back", rejected("return_to_customer"), "sent"),
    Situation(K.REJECTED_GOODS, "not wanted", rejected("return_to_customer"), "scrapped"),
    Situation(
        K.REJECTED_GOODS,
        "our label",
        rejected("return_to_customer"),
        "send",
        _THERE,
        then=goes_back,
    ),
    Situation(K.SEND_BACK_FAILED, "once more", lost_again, "send", _THERE, then=goes_back),
    Situation(K.SEND_BACK_FAILED, "it is there", lost_again, "sent"),
    Situation(K.SEND_BACK_FAILED, "paid for", lost_again, "settled"),
    Situation(K.SEND_BACK_FAILED, "not gone yet", not_sent_back, "wait", then=goes_back),
    Situation(K.RETURN_TO_SUPPLIER, "sent", rejected("return_to_supplier"), "sent"),
    Situation(K.RETURN_TO_SUPPLIER, "refused", rejected("return_to_supplier"), "scrapped"),
    Situation(K.REFURBISHMENT, "as good as new", rejected("refurbish"), "restock"),
    Situation(K.REFURBISHMENT, "beyond repair", rejected("refurbish"), "scrap"),
    Situation(K.RETURN_UNSERVED, "after all", unserved, "refund_again", then=approved),
    Situation(K.RETURN_UNSERVED, "with a voucher", unserved, "served_otherwise"),
    Situation(K.RETURN_UNSERVED, "not replaced", replacement_cancelled, "refund_again"),
    Situation(K.NO_REPLACEMENT_STOCK, "the money", not_in_stock, "refund"),
    Situation(K.NO_REPLACEMENT_STOCK, "a week more", not_in_stock, "wait", then=is_replaced),
    Situation(
        K.NO_REPLACEMENT_STOCK,
        "in advance, money",
        not_in_stock_in_advance,
        "refund",
        then=comes_whole,
    ),
    Situation(
        K.NO_REPLACEMENT_STOCK,
        "in advance, later",
        not_in_stock_in_advance,
        "wait",
        then=is_replaced_and_comes,
    ),
    Situation(K.NO_REPLACEMENT_STOCK, "elsewhere", not_in_stock, "write_off"),
    Situation(K.NO_REPLACEMENT_STOCK, "with a voucher", nothing_to_send_again, "write_off"),
    Situation(K.REPLACEMENT_LOST, "others", replacement_lost, "replace", then=another_leaves),
    Situation(K.REPLACEMENT_LOST, "the money", replacement_lost, "refund"),
    Situation(K.REPLACEMENT_LOST, "settled elsewhere", replacement_lost, "write_off"),
    Situation(K.KEPT_GOODS, "paid by invoice", kept, "invoice"),
    Situation(K.KEPT_GOODS, "let go", kept, "write_off"),
    Situation(K.WITHDRAWAL_UNRESOLVED, "proof", unresolved, "noted", then=comes_whole),
    Situation(K.WITHDRAWAL_UNRESOLVED, "no goods", unresolved, "awaits_goods", then=comes_whole),
    Situation(K.LABEL_REFUSED, "once more", no_label_back, "retry", then=comes_whole),
    Situation(K.LABEL_REFUSED, "without it", no_label_back, "own", then=comes_whole),
    Situation(K.LABEL_REFUSED, "not at all", no_label_back, "cancel"),
    Situation(
        K.PARCEL_EXCEPTION, "comes back", damaged_on_its_way_back, "dealt_with", then=comes_whole
    ),
    Situation(K.PARCEL_NOT_RECEIVED, "it is", not_received, "here", then=comes_whole),
    Situation(K.RETURN_PARCEL_LOST, "the money", ended_on_its_way_back("lost"), "refund"),
    Situation(
        K.RETURN_PARCEL_LOST,
        "others",
        ended_on_its_way_back("lost"),
        "replace",
        then=replacement_leaves,
    ),
    Situation(
        K.RETURN_PARCEL_LOST, "it turns up", ended_on_its_way_back("lost"), "wait", then=comes_whole
    ),
    Situation(K.RETURN_PARCEL_LOST, "at home", ended_on_its_way_back("returned"), "cancel"),
    Situation(K.REFUND_STOPPED, "the money", charged_back, "refund", then=loss_accepted),
    Situation(K.REFUND_STOPPED, "the bank", charged_back, "bank_paid", then=loss_accepted),
    Situation(K.FINISH_RECEIVING, "nothing came back", nothing_came_back, "finish"),
    Situation(K.UNDELIVERABLE, "paid", undelivered, "refund", then=comes_whole),
    Situation(K.UNDELIVERABLE, "our fault", undelivered, "refund_with_postage", then=comes_whole),
    Situation(K.UNDELIVERABLE, "once more", undelivered, "resend", _THERE, then=is_sent_anew),
    Situation(K.UNDELIVERABLE, "elsewhere", undelivered, "write_off", then=comes_whole),
    Situation(K.HOLD_REVIEW, "a day", held, "stays", then=release),
    Situation(K.PICKING_LATE, "the carrier is out", not_picked, "noted", then=carrier_is_back),
    Situation(K.HANDOVER_LATE, "a day", not_handed_over, "still_here"),
    Situation(K.NOT_SCANNED, "two more days", not_scanned, "with_the_carrier"),
    Situation(K.STALLED, "silence", stalled, "asked"),
    Situation(K.LOT_SET_ASIDE, "recalled", set_aside_lot, "noted", then=is_not_wanted),
    Situation(K.CLAIM_REVIEW, "later", claimed, "replace", then=they_come_and_others_leave),
    Situation(
        K.CLAIM_REVIEW, "now", claimed, "replace_in_advance", then=others_leave_and_they_come
    ),
    Situation(K.CLAIM_REVIEW, "the money", claimed, "refund", then=faulty_ones_come),
    Situation(K.CLAIM_REVIEW, "repaired elsewhere", claimed, "settled_otherwise"),
    Situation(K.CLAIM_REVIEW, "not a fault", claimed, "deny"),
)
