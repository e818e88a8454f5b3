"""How the money of one payment stands, in the words of payment providers; computed, never stored.

An order's `payment_status` is another question: it is about all of its payments, and about what
there is to pay.
"""

from collections.abc import Sequence
from enum import StrEnum

from domain.payments import Entry, EntryKind, Phase, add_up


class PaymentState(StrEnum):
    """What people see of one payment."""

    CHARGED_BACK = "charged_back"
    REFUNDED = "refunded"
    PARTIALLY_REFUNDED = "partially_refunded"
    CAPTURED = "captured"
    PARTIALLY_CAPTURED = "partially_captured"
    AUTHORIZED = "authorized"
    ACTION_REQUIRED = "action_required"
    VOIDED = "voided"
    """What was reserved was let go, or the customer was not waited for any longer."""
    FAILED = "failed"
    PENDING = "pending"
    """Nothing has come of it yet."""


def payment_state(amount: int, entries: Sequence[Entry]) -> PaymentState:
    """Say how the money of a payment of ``amount`` (minor units) stands; the first line that fits.

    A dispute that was won leaves nothing charged back.
    """
    paid = add_up(entries)
    if paid.charged_back > 0:
        return PaymentState.CHARGED_BACK
    if paid.refunded > 0:
        full = paid.refunded >= paid.captured
        return PaymentState.REFUNDED if full else PaymentState.PARTIALLY_REFUNDED
    if paid.captured > 0:
        return PaymentState.CAPTURED if paid.captured >= amount else PaymentState.PARTIALLY_CAPTURED
    if paid.authorized > 0:
        return PaymentState.AUTHORIZED
    return _without_money(entries)


def _without_money(entries: Sequence[Entry]) -> PaymentState:
    if any(entry.kind is EntryKind.VOID and entry.phase is Phase.SUCCEEDED for entry in entries):
        return PaymentState.VOIDED
    paid = add_up(entries)
    if paid.action_required:
        return PaymentState.ACTION_REQUIRED
    return PaymentState.FAILED if paid.failed else PaymentState.PENDING
