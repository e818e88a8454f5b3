"""What the provider allows and how its test tokens behave."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Literal

from simulators.errors import Refusal
from simulators.payments.messages import Outcome
from simulators.storage import timestamp

EXPIRES_AFTER = timedelta(days=7)
TOKENS = {
    "tok_ok": "everything succeeds",
    "tok_declined": "the authorization fails with card_declined",
    "tok_insufficient_funds": "the authorization fails with insufficient_funds",
    "tok_action_required": "the customer must confirm on the page at redirect_url",
    "tok_timeout_after_success": "the first call of a key succeeds, but its answer never comes",
    "tok_timeout_before_success": "the first call of a key does nothing and is never answered",
    "tok_renewal_declined": "everything succeeds, but renewing the authorization is declined",
    "tok_capture_declined": "the authorization succeeds, captures fail with capture_declined",
    "tok_void_declined": "the authorization succeeds, voids fail with void_declined",
    "tok_refund_declined": "refunds fail with refund_declined",
    "tok_refund_pending": "refunds stay pending: POST /sandbox/operations/settle",
}
DECLINES = {
    ("tok_declined", "authorization"): "card_declined",
    ("tok_insufficient_funds", "authorization"): "insufficient_funds",
    ("tok_renewal_declined", "renewal"): "card_declined",
    ("tok_action_required", "renewal"): "authentication_required",
    ("tok_capture_declined", "capture"): "capture_declined",
    ("tok_void_declined", "void"): "void_declined",
    ("tok_refund_declined", "refund"): "refund_declined",
}
FAILURES = {
    "card_declined": "The bank declined the card.",
    "insufficient_funds": "The card has insufficient funds.",
    "authentication_required": "The bank wants the customer to confirm the payment again.",
    "capture_declined": "The bank declined to pay what it had reserved.",
    "void_declined": "The bank declined to free what it had reserved.",
    "refund_declined": "The bank declined to take the money back onto the card.",
    "authorization_expired": "The money is no longer reserved: the authorization has expired.",
    "confirmation_failed": "The customer did not confirm the payment.",
    "voided": "The reservation was dropped before the customer confirmed it.",
    "card_closed": "The card's account is closed.",
}
NEEDS_CUSTOMER = {"tok_action_required"}
PENDING = {("tok_refund_pending", "refund")}
UNANSWERED = {"tok_timeout_before_success": "before", "tok_timeout_after_success": "after"}
"""On which side of the work the answer to the first call of a key is lost."""
Movement = Literal["capture", "void", "refund"]


def decide_authorization(token: str) -> tuple[Outcome, str]:
    """Return how an authorization with this token ends, and the failure code."""
    if token not in TOKENS:
        raise Refusal(422, "unknown_token", f"sandbox tokens are {', '.join(TOKENS)}")
    if failure := DECLINES.get((token, "authorization"), ""):
        return "failed", failure
    return ("action_required" if token in NEEDS_CUSTOMER else "succeeded"), ""


def decide_renewal(
    authorization: Mapping[str, Any], amount: int, currency: str
) -> tuple[Outcome, str]:
    """Return how the renewal of an authorization ends; refuse one that breaks the rules of money.

    Nothing is renewed that has ended, nor more than is left of it. The customer is not there to
    confirm it: a card that wants that is declined.
    """
    _refuse_currency(authorization, currency)
    if authorization["outcome"] != "succeeded":
        raise Refusal(409, "authorization_failed", "nothing was reserved that could be renewed")
    if amount > (remaining := uncaptured(authorization)):
        raise Refusal(409, "amount_exceeded", f"{amount} is more than the {remaining} that remain")
    if authorization["expires_at"] <= timestamp():
        return "failed", "authorization_expired"
    failure = DECLINES.get((authorization["token"], "renewal"), "")
    return ("failed" if failure else "succeeded"), failure


def decide_movement(
    kind: Movement, authorization: Mapping[str, Any], amount: int, currency: str
) -> tuple[Outcome, str]:
    """Return how a capture, void or refund ends; refuse one that breaks the rules of money."""
    _refuse_currency(authorization, currency)
    _refuse_dead_or_unconfirmed(kind, authorization, amount)
    remaining = refundable(authorization) if kind == "refund" else uncaptured(authorization)
    if amount > remaining:
        raise Refusal(409, "amount_exceeded", f"{amount} is more than the {remaining} that remain")
    if kind != "refund" and authorization["expires_at"] <= timestamp():
        return "failed", "authorization_expired"
    if failure := DECLINES.get((authorization["token"], kind), ""):
        return "failed", failure
    if (authorization["token"], kind) in PENDING:
        return "pending", ""
    return "succeeded", ""


def words_for(failure_code: str) -> str:
    """Say a failure in words for people; a code that a tester made up says itself."""
    return FAILURES.get(failure_code, failure_code.replace("_", " "))


def uncaptured(authorization: Mapping[str, Any]) -> int:
    """Return what may still be captured or voided: authorized less voided less captured."""
    return int(authorization["amount"] - authorization["voided"] - authorization["captured"])


def refundable(authorization: Mapping[str, Any]) -> int:
    """Return what may still be refunded: captured less refunded less charged back."""
    return int(
        authorization["captured"] - authorization["refunded"] - authorization["charged_back"]
    )


def _refuse_currency(authorization: Mapping[str, Any], currency: str) -> None:
    if authorization["currency"] != currency:
        raise Refusal(
            422, "currency_mismatch", f"the authorization is in {authorization['currency']}"
        )


def _refuse_dead_or_unconfirmed(
    kind: Movement, authorization: Mapping[str, Any], amount: int
) -> None:
    outcome = authorization["outcome"]
    if outcome == "failed":
        raise Refusal(409, "authorization_failed", "the authorization has failed")
    if outcome == "action_required" and (kind != "void" or amount != authorization["amount"]):
        raise Refusal(
            409, "confirmation_required", "an unconfirmed authorization can only be voided whole"
        )
