"""The answers to questions on which more than their record follows."""

from enum import StrEnum


class RightAmount(StrEnum):
    """The answers to an amount that the provider moved otherwise than asked."""

    OURS = "ours"
    """The provider has put it right: what we asked for has moved."""
    THEIRS = "theirs"
    """What the provider moved stands."""


class FraudAnswer(StrEnum):
    """The answers to an order for which many cards were declined."""

    RELEASE = "release"
    CANCEL = "cancel"


class CaptureAnswer(StrEnum):
    """The answers to an order whose money could not be taken when it was confirmed."""

    RETRY = "retry"
    WRITE_OFF = "write_off"
    CANCEL = "cancel"


class RefundAnswer(StrEnum):
    """The answers to a refund that came back."""

    RETRY = "retry"
    GIVEN_OTHERWISE = "given_otherwise"


class OverpaidAnswer(StrEnum):
    """The answers to more money than an order owes."""

    GIVE_BACK = "give_back"
    KEEP = "keep"


class PayOutAnswer(StrEnum):
    """The answers to a refund that no provider carries out."""

    PAID = "paid"
    GIVEN_OTHERWISE = "given_otherwise"


class ApprovalAnswer(StrEnum):
    """The answers to a refund that needs a second pair of eyes."""

    APPROVE = "approve"
    REJECT = "reject"


class StoppedAnswer(StrEnum):
    """The answers to money that a chargeback keeps from going back."""

    REFUND = "refund"
    BANK_PAID = "bank_paid"


class ReviewAnswer(StrEnum):
    """The answers to a return that support has to look at."""

    AUTHORIZE = "authorize"
    REJECT = "reject"


class ReceivingAnswer(StrEnum):
    """The answers to a return of which some never came."""

    FINISH = "finish"
    WAIT = "wait"


class LeavingAnswer(StrEnum):
    """The answers to returned goods that are to be sent off."""

    SEND = "send"
    """Only to the customer: under a label of ours."""
    SENT = "sent"
    SCRAPPED = "scrapped"


class SendBackAnswer(StrEnum):
    """The answers to goods that did not reach the customer under our label."""

    SEND = "send"
    SENT = "sent"
    SETTLED = "settled"
    WAIT = "wait"


class RefurbishedAnswer(StrEnum):
    """The answers to returned goods that were to be refurbished."""

    RESTOCK = "restock"
    SCRAP = "scrap"


class RepairAnswer(StrEnum):
    """The answers to goods on a claim that were not repaired."""

    REPLACE = "replace"
    REFUND = "refund"
    SEND_BACK = "send_back"


class UnservedAnswer(StrEnum):
    """The answers to a return whose refund was refused."""

    REFUND_AGAIN = "refund_again"
    SERVED_OTHERWISE = "served_otherwise"


class ReplacementAnswer(StrEnum):
    """The answers to a return whose goods cannot be replaced."""

    REFUND = "refund"
    WAIT = "wait"
    WRITE_OFF = "write_off"
    """Only of what is here, or got lost that replaced it."""


class ReplacementLostAnswer(StrEnum):
    """The answers to goods that got lost which replaced those of a return."""

    REPLACE = "replace"
    REFUND = "refund"
    WRITE_OFF = "write_off"


class KeptAnswer(StrEnum):
    """The answers to replaced goods that the customer keeps."""

    INVOICE = "invoice"
    WRITE_OFF = "write_off"


class LabelAnswer(StrEnum):
    """The answers to a carrier that refuses the label of a return."""

    RETRY = "retry"
    OWN = "own"
    CANCEL = "cancel"


class ArrivalAnswer(StrEnum):
    """The answers to a parcel that the carrier delivered to us and that was not received."""

    HERE = "here"
    NOT_HERE = "not_here"


class LostAnswer(StrEnum):
    """The answers to goods of a return that did not reach us."""

    REFUND = "refund"
    REPLACE = "replace"
    WAIT = "wait"
    CANCEL = "cancel"


class RegistrationAnswer(StrEnum):
    """What becomes of goods that were bought elsewhere, by the proof that a customer has given."""

    REGISTER = "register"
    REFUSE = "refuse"


class BackorderAnswer(StrEnum):
    """What becomes of units that have waited for stock for long."""

    WAIT = "wait"
    CANCEL = "cancel"


class CountAnswer(StrEnum):
    """What becomes of a count that the books do not agree with."""

    ACCEPT = "accept"
    RECOUNT = "recount"


class BookingAnswer(StrEnum):
    """The answers to a carrier that refuses a label."""

    RETRY = "retry"
    CHANGE_ADDRESS = "change_address"
    CHANGE_SERVICE = "change_service"
    SMALLER_BOXES = "smaller_boxes"
    SPLIT = "split"
    OWN_LABEL = "own_label"
    CANCEL = "cancel"


class UndeliverableAnswer(StrEnum):
    """The answers to a parcel that came back undelivered."""

    REFUND = "refund"
    REFUND_WITH_POSTAGE = "refund_with_postage"
    RESEND = "resend"
    WRITE_OFF = "write_off"


REFUND = "refund"
REFUND_WITH_POSTAGE = "refund_with_postage"
"""The answers that give a customer's money back."""


class ClaimAnswer(StrEnum):
    """The answers to a claim on a warranty that a person has to look at."""

    REPAIR = "repair"
    REPLACE = "replace"
    REPLACE_IN_ADVANCE = "replace_in_advance"
    REFUND = "refund"
    SETTLED_OTHERWISE = "settled_otherwise"
    DENY = "deny"
