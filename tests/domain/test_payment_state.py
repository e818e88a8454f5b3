"""Payments 1: the derived status of a payment is the first line that fits."""

import pytest

from domain.payment_state import PaymentState, payment_state
from domain.payments import UNCONFIRMED, Entry, EntryKind, Phase, authorization_key, void_key
from tests.domain.test_payments import A, C, R, V, entry

DONE = Phase.SUCCEEDED
RESERVED = entry(A, DONE)
TAKEN = [RESERVED, entry(C, DONE)]
DISPUTED = [*TAKEN, entry(EntryKind.CHARGEBACK, DONE, 100)]


@pytest.mark.parametrize(
    ("entries", "state"),
    [
        ([], PaymentState.PENDING),
        ([entry(A, Phase.REQUESTED)], PaymentState.PENDING),
        ([entry(A, Phase.REQUESTED), entry(A, Phase.FAILED)], PaymentState.FAILED),
        ([entry(A, Phase.REQUESTED), entry(A, Phase.ACTION_REQUIRED)], "action_required"),
        ([RESERVED], PaymentState.AUTHORIZED),
        ([RESERVED, entry(V, Phase.FAILED)], PaymentState.AUTHORIZED),
        ([RESERVED, entry(V, DONE)], PaymentState.VOIDED),
        ([RESERVED, entry(C, DONE, 40)], PaymentState.PARTIALLY_CAPTURED),
        ([RESERVED, entry(C, DONE, 40), entry(V, DONE, 60)], PaymentState.PARTIALLY_CAPTURED),
        (TAKEN, PaymentState.CAPTURED),
        ([*TAKEN, entry(R, DONE, 40)], PaymentState.PARTIALLY_REFUNDED),
        ([*TAKEN, entry(R, DONE)], PaymentState.REFUNDED),
        ([*TAKEN, entry(R, DONE), entry(R, Phase.REVERSED)], PaymentState.CAPTURED),
        (DISPUTED, PaymentState.CHARGED_BACK),
        ([*DISPUTED, entry(EntryKind.CHARGEBACK, Phase.REVERSED)], PaymentState.CAPTURED),
    ],
)
def test_a_payment_stands_as_the_first_line_says(entries: list[Entry], state: str) -> None:
    assert payment_state(100, entries) == state


def test_a_payment_whose_customer_is_not_waited_for_any_longer_is_voided() -> None:
    """What was dropped unconfirmed has reserved nothing, and nothing will come of it."""
    asked = Entry(kind=A, phase=Phase.ACTION_REQUIRED, key=authorization_key("p"), amount=100)
    dropped = Entry(kind=V, phase=DONE, key=void_key("p", UNCONFIRMED), amount=100)
    assert payment_state(100, [asked, dropped]) is PaymentState.VOIDED
