"""Authorizations that are renewed before they end, over real HTTP."""

from datetime import UTC, datetime, timedelta

import pytest

from domain.money import Money
from gateways.failures import PartnerFailure, PartnerRefused
from gateways.payments.port import Outcome
from gateways.payments.sandbox import SandboxPayments
from tests.gateways.test_payments import FOUR, SEVEN, SIX, TEN, executed, key, reserved
from tests.partners import Simulator


async def test_a_renewal_reserves_what_is_left_anew_for_seven_days_under_another_reference(
    payments: SandboxPayments, payments_server: Simulator
) -> None:
    """The card is not needed for it, and the authorization before stays until it is voided."""
    before, mine = await reserved(payments), key("authorize")
    await payments.capture(key("capture"), before, FOUR)
    renewed = await payments.renew(mine, before, SIX)
    assert (renewed.outcome, renewed.amount) == (Outcome.SUCCEEDED, SIX)
    assert renewed.reference != before
    assert renewed.expires_at is not None
    assert renewed.expires_at - datetime.now(UTC) > timedelta(days=6, hours=23)
    assert await payments.find(mine) == renewed
    assert await payments.renew(mine, before, SIX) == renewed
    assert await executed(payments_server, mine) == 1

    assert (await payments.void(key("void"), before, SIX)).outcome is Outcome.SUCCEEDED
    assert (await payments.capture(key("capture"), renewed.reference, SIX)).outcome is (
        Outcome.SUCCEEDED
    )
    [first, second] = [
        await payments_server.ask("GET", f"/authorizations/{each}")
        for each in (before, renewed.reference)
    ]
    assert (first["captured"], first["voided"], first["capturable"]) == (400, 600, 0)
    assert (second["captured"], second["metadata"]) == (600, {"renews": before})


@pytest.mark.parametrize(
    ("token", "failure"),
    [
        ("tok_renewal_declined", "card_declined"),
        ("tok_action_required", "authentication_required"),
    ],
)
async def test_a_declined_renewal_is_a_result_and_leaves_what_was_reserved(
    payments: SandboxPayments, payments_server: Simulator, token: str, failure: str
) -> None:
    before = await reserved(payments, token)
    if token == "tok_action_required":
        await payments_server.ask("POST", f"/authorizations/{before}/confirm")
    mine = key("authorize")
    declined = await payments.renew(mine, before, TEN)
    assert (declined.outcome, declined.failure_code) == (Outcome.FAILED, failure)
    assert declined.failure_message
    assert await payments.find(mine) == declined
    assert (await payments.capture(key("capture"), before, TEN)).outcome is Outcome.SUCCEEDED


async def test_nothing_is_renewed_that_has_ended_nor_more_than_is_left(
    payments: SandboxPayments, payments_server: Simulator
) -> None:
    before = await reserved(payments)
    await payments.void(key("void"), before, FOUR)
    for money, code in (
        (SEVEN, "amount_exceeded"),
        (Money(amount=1, currency="USD"), "currency_mismatch"),
    ):
        with pytest.raises(PartnerRefused) as refused:
            await payments.renew(key("authorize"), before, money)
        assert refused.value.code == code
    await payments_server.ask("POST", f"/sandbox/authorizations/{before}/expire")
    ended = await payments.renew(key("authorize"), before, SIX)
    assert (ended.outcome, ended.failure_code) == (Outcome.FAILED, "authorization_expired")


@pytest.mark.parametrize("kind", ["http_503", "timeout_before", "timeout_after_success"])
async def test_a_renewal_whose_answer_is_lost_is_found_by_its_key(
    payments: SandboxPayments, payments_server: Simulator, kind: str
) -> None:
    before, mine = await reserved(payments), key("authorize")
    await payments_server.fault(kind, "renew")
    with pytest.raises(PartnerFailure):
        await payments.renew(mine, before, TEN)
    found = await payments.find(mine)
    assert (found is not None) == (kind == "timeout_after_success")
    renewed = await payments.renew(mine, before, TEN)
    assert renewed.outcome is Outcome.SUCCEEDED
    assert await executed(payments_server, mine) == 1
