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


class RefundAnswer(StrEnum):
    """The answers to a refund that came back."""

    RETRY = "retry"
    GIVEN_OTHERWISE = "given_otherwise"


class ApprovalAnswer(StrEnum):
    """The answers to a refund that needs a second pair of eyes."""

    APPROVE = "approve"
    REJECT = "reject"


class BookingAnswer(StrEnum):
    """The answers to a carrier that refuses a label."""

    RETRY = "retry"
    CHANGE_ADDRESS = "change_address"
    CHANGE_SERVICE = "change_service"
    SMALLER_BOXES = "smaller_boxes"
    SPLIT = "split"
    OWN_LABEL = "own_label"
    CANCEL = "cancel"


REFUND = "refund"
REFUND_WITH_POSTAGE = "refund_with_postage"
"""The answers that give a customer's money back."""
