"""The payment gateway against the sandbox provider, over real HTTP."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import httpx2
import pytest

from domain.money import Money
from gateways.failures import PartnerFailure, PartnerRefused
from gateways.payments.port import Outcome, PaymentProvider
from gateways.payments.sandbox import ProviderOperation, SandboxPayments
from tests.partners import Simulator
from tests.ports import free_port

TEN = Money(amount=1000, currency="EUR")
FOUR = Money(amount=400, currency="EUR")
SIX = Money(amount=600, currency="EUR")
SEVEN = Money(amount=700, currency="EUR")


def key(step: str) -> str:
    return f"{step}/{uuid4()}"


async def reserved(payments: SandboxPayments, token: str = "tok_ok") -> str:
    return (await payments.authorize(key("authorize"), token, TEN)).reference


def test_the_gateway_is_a_payment_provider(payments: SandboxPayments) -> None:
    provider: PaymentProvider = payments
    assert provider.name == "sandbox"


async def test_reserves_takes_and_gives_back(payments: SandboxPayments) -> None:
    authorization = await reserved(payments)
    capture = await payments.capture(key("capture"), authorization, SIX)
    void = await payments.void(key("void"), authorization, FOUR)
    refund = await payments.refund(key("refund"), authorization, SIX)
    assert {capture.outcome, void.outcome, refund.outcome} == {Outcome.SUCCEEDED}
    assert len({authorization, capture.reference, void.reference, refund.reference}) == 4


@pytest.mark.parametrize(
    ("token", "outcome", "failure"),
    [
        ("tok_ok", Outcome.SUCCEEDED, ""),
        ("tok_declined", Outcome.FAILED, "card_declined"),
        ("tok_insufficient_funds", Outcome.FAILED, "insufficient_funds"),
        ("tok_action_required", Outcome.ACTION_REQUIRED, ""),
    ],
)
async def test_a_decline_is_a_result_and_can_be_found_again(
    payments: SandboxPayments, token: str, outcome: Outcome, failure: str
) -> None:
    mine = key("authorize")
    result = await payments.authorize(mine, token, TEN)
    assert (result.outcome, result.failure_code, result.amount) == (outcome, failure, TEN)
    assert await payments.find(mine) == result


async def test_the_customer_is_sent_to_the_provider_only_while_it_waits_for_that(
    payments: SandboxPayments, payments_server: Simulator
) -> None:
    mine, back = key("authorize"), "https://shop.example/done"
    asked = await payments.authorize(mine, "tok_action_required", TEN, back)
    async with httpx2.AsyncClient() as browser:
        assert (await browser.get(asked.redirect_url)).status_code == 200
    await payments_server.ask("POST", f"/authorizations/{asked.reference}/confirm")
    told = await payments.find(mine)
    assert told is not None
    assert (told.outcome, told.redirect_url) == (Outcome.SUCCEEDED, "")


@pytest.mark.parametrize(
    "address",
    ["javascript:alert(1)", "https://", "//x", "http://[", 7, None, "https://x/\n", "h" * 3000],
)
def test_a_page_to_which_no_browser_may_be_sent_is_none(address: object) -> None:
    operation = {
        "id": "op_1",
        "key": "k",
        "kind": "authorization",
        "authorization": "auth_1",
        "amount": 1000,
        "currency": "EUR",
        "outcome": "action_required",
        "redirect_url": address,
    }
    read = ProviderOperation.model_validate_json(json.dumps(operation))
    assert read.as_result().redirect_url == ""


async def test_an_authorization_tells_that_it_lasts_seven_days(payments: SandboxPayments) -> None:
    result = await payments.authorize(key("authorize"), "tok_ok", TEN)
    assert result.expires_at is not None
    left = result.expires_at - datetime.now(UTC)
    assert timedelta(days=6, hours=23) < left <= timedelta(days=7)
    assert (await payments.capture(key("capture"), result.reference, TEN)).expires_at is None


async def test_a_capture_can_be_declined(payments: SandboxPayments) -> None:
    authorization = await reserved(payments, "tok_capture_declined")
    result = await payments.capture(key("capture"), authorization, TEN)
    assert (result.outcome, result.failure_code) == (Outcome.FAILED, "capture_declined")


async def test_a_lost_answer_is_a_failure_and_the_money_is_found_by_key(
    payments: SandboxPayments, payments_server: Simulator
) -> None:
    mine = key("authorize")
    with pytest.raises(PartnerFailure):
        await payments.authorize(mine, "tok_timeout_after_success", TEN)
    found = await payments.find(mine)
    assert found is not None
    assert found.outcome is Outcome.SUCCEEDED
    assert await payments.authorize(mine, "tok_timeout_after_success", TEN) == found
    assert await executed(payments_server, mine) == 1


async def test_a_request_that_was_never_carried_out_is_not_found_and_can_be_sent_again(
    payments: SandboxPayments, payments_server: Simulator
) -> None:
    mine = key("authorize")
    with pytest.raises(PartnerFailure):
        await payments.authorize(mine, "tok_timeout_before_success", TEN)
    assert await payments.find(mine) is None
    again = await payments.authorize(mine, "tok_timeout_before_success", TEN)
    assert again.outcome is Outcome.SUCCEEDED
    assert await executed(payments_server, mine) == 1


async def test_parallel_calls_with_one_key_move_money_once(
    payments: SandboxPayments, payments_server: Simulator
) -> None:
    authorization, mine = await reserved(payments), key("capture")
    results = await asyncio.gather(
        *(payments.capture(mine, authorization, FOUR) for _ in range(20))
    )
    assert len({result.reference for result in results}) == 1
    sums = await payments_server.ask("GET", f"/authorizations/{authorization}")
    assert sums["captured"] == 400
    assert await executed(payments_server, mine) == 1


async def test_parallel_refunds_with_different_keys_never_exceed_what_was_captured(
    payments: SandboxPayments, payments_server: Simulator
) -> None:
    authorization = await reserved(payments)
    await payments.capture(key("capture"), authorization, TEN)
    results = await asyncio.gather(
        *(payments.refund(key("refund"), authorization, TEN) for _ in range(10)),
        return_exceptions=True,
    )
    refused = [result for result in results if isinstance(result, PartnerRefused)]
    assert [error.code for error in refused] == ["amount_exceeded"] * 9
    sums = await payments_server.ask("GET", f"/authorizations/{authorization}")
    assert (sums["refunded"], sums["refundable"]) == (1000, 0)


async def test_one_key_for_two_requests_is_refused(payments: SandboxPayments) -> None:
    authorization, mine = await reserved(payments), key("capture")
    await payments.capture(mine, authorization, FOUR)
    with pytest.raises(PartnerRefused) as refused:
        await payments.capture(mine, authorization, SIX)
    assert refused.value.code == "idempotency_key_reused"


@pytest.mark.parametrize("step", ["capture", "void"])
async def test_no_more_than_was_reserved(payments: SandboxPayments, step: str) -> None:
    authorization = await reserved(payments)
    await payments.void(key("void"), authorization, FOUR)
    with pytest.raises(PartnerRefused) as refused:
        await getattr(payments, step)(key(step), authorization, SEVEN)
    assert refused.value.code == "amount_exceeded"


async def test_an_expired_authorization_gives_no_money(
    payments: SandboxPayments, payments_server: Simulator
) -> None:
    authorization = await reserved(payments)
    await payments_server.ask("POST", f"/sandbox/authorizations/{authorization}/expire")
    result = await payments.capture(key("capture"), authorization, TEN)
    assert (result.outcome, result.failure_code) == (Outcome.FAILED, "authorization_expired")


async def test_an_unknown_authorization_and_a_wrong_currency_are_refused(
    payments: SandboxPayments,
) -> None:
    with pytest.raises(PartnerRefused) as unknown:
        await payments.capture(key("capture"), "auth_nobody/../x?y", TEN)
    authorization = await reserved(payments)
    with pytest.raises(PartnerRefused) as wrong:
        await payments.capture(key("capture"), authorization, Money(amount=1, currency="USD"))
    assert (unknown.value.code, wrong.value.code) == ("not_found", "currency_mismatch")


@pytest.mark.parametrize(
    "kind", ["http_503", "http_429", "timeout_before", "timeout_after_success", "malformed"]
)
async def test_every_outage_is_a_failure_and_the_same_key_heals_it(
    payments: SandboxPayments, payments_server: Simulator, kind: str
) -> None:
    authorization, mine = await reserved(payments), key("capture")
    await payments_server.fault(kind, "capture", times=2)
    for _ in range(2):
        with pytest.raises(PartnerFailure) as failure:
            await payments.capture(mine, authorization, TEN)
    patience = timedelta(seconds=1) if kind.startswith("http_") else None
    assert failure.value.retry_after == patience
    assert (await payments.capture(mine, authorization, TEN)).outcome is Outcome.SUCCEEDED
    assert await executed(payments_server, mine) == 1


async def test_a_wrong_api_key_is_an_outage_and_not_a_decline(payments_server: Simulator) -> None:
    stranger = SandboxPayments(payments_server.base_url, "somebody else's key")
    with pytest.raises(PartnerFailure, match="401"):
        await stranger.find("anything")
    await stranger.aclose()


async def test_a_provider_that_is_not_there_is_a_failure() -> None:
    nobody = SandboxPayments(f"http://127.0.0.1:{free_port()}", "key")
    with pytest.raises(PartnerFailure):
        await nobody.authorize("key", "tok_ok", TEN)
    await nobody.aclose()


async def executed(server: Simulator, mine: str) -> int:
    ledger = await server.ask("GET", "/ledger?limit=10000")
    counts = [row["executed"] for row in ledger["data"] if row["key"] == mine]
    assert len(counts) == 1
    return int(counts[0])
