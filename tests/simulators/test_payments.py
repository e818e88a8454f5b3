"""The sandbox payment provider, as a client of its HTTP interface sees it."""

from typing import Any

import httpx2
import pytest

from tests.pages import opened
from tests.partners import Simulator
from tests.simulators.orders import move, reserve


async def test_the_interface_is_documented_and_guarded(payments: Simulator) -> None:
    openapi = await payments.ask("GET", "/openapi.json")
    assert "tok_capture_declined" in openapi["info"]["description"]
    await opened(payments.http, "/docs")
    await opened(payments.http, "/redoc")
    for bearer in (b"", b"Bearer wrong", b"Bearer \xc3\xa9"):
        answer = await payments.http.get("/ledger", headers={b"authorization": bearer})
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "unauthenticated")


@pytest.mark.parametrize(
    ("key", "body", "status", "code"),
    [
        (None, {}, 400, "idempotency_key_missing"),
        ("k" * 256, {}, 400, "idempotency_key_malformed"),
        ("key", {"amount": 0}, 422, "invalid_request"),
        ("key", {"amount": "5"}, 422, "invalid_request"),
        ("key", {"amount": 10**18}, 422, "invalid_request"),
        ("key", {"currency": "usd"}, 422, "invalid_request"),
        ("key", {"surprise": 1}, 422, "invalid_request"),
        ("key", {"token": "tok_stolen"}, 422, "unknown_token"),
    ],
)
async def test_a_malformed_request_is_refused_and_leaves_no_trace(
    payments: Simulator, key: str | None, body: dict[str, Any], status: int, code: str
) -> None:
    headers = {"idempotency-key": key} if key else {}
    request = {"token": "tok_ok", "amount": 5, "currency": "USD", **body}
    answer = await payments.http.post("/authorizations", json=request, headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    found = await payments.http.get("/operations", params={"key": key or "none"})
    assert found.json() == {"data": []} or key == "k" * 256


@pytest.mark.parametrize(
    ("word", "outcome", "captured"), [("confirm", "succeeded", True), ("fail", "failed", False)]
)
async def test_the_customer_confirms_or_fails_a_pending_authorization(
    payments: Simulator, word: str, outcome: str, captured: bool
) -> None:
    operation = await reserve(payments, "tok_action_required")
    path = f"/authorizations/{operation['authorization']}"
    early = await payments.http.post(
        f"{path}/captures",
        json={"amount": 1, "currency": "USD"},
        headers={"idempotency-key": f"early/{word}"},
    )
    assert early.json()["error"]["code"] == "confirmation_required"
    for _ in range(2):
        shown = await payments.ask("POST", f"{path}/{word}")
        assert shown["outcome"] == outcome
    found = await payments.ask("GET", f"/operations?key={operation['key']}")
    assert [row["outcome"] for row in found["data"]] == [outcome]
    other = await payments.http.post(f"{path}/{'fail' if captured else 'confirm'}")
    assert other.status_code == 409


async def test_an_unconfirmed_authorization_that_is_voided_can_no_longer_be_confirmed(
    payments: Simulator,
) -> None:
    operation = await reserve(payments, "tok_action_required")
    path = f"/authorizations/{operation['authorization']}"
    void = await move(payments, f"{path}/voids", amount=1000, currency="USD")
    assert void["outcome"] == "succeeded"
    assert (await payments.http.post(f"{path}/confirm")).status_code == 409


@pytest.mark.parametrize(("word", "outcome"), [("confirm", "succeeded"), ("fail", "failed")])
async def test_the_customer_decides_on_a_page_and_goes_back_to_the_shop(
    payments: Simulator, word: str, outcome: str
) -> None:
    back = "https://shop.example/orders/7?paid=maybe"
    operation = await move(
        payments,
        "/authorizations",
        **{"token": "tok_action_required", "amount": 1000, "currency": "USD", "return_url": back},
    )
    page = operation["redirect_url"]
    assert page.startswith(payments.base_url)
    async with httpx2.AsyncClient() as browser:
        await opened(browser, page)
        answer = await browser.post(f"{page}/{word}")
        assert (answer.status_code, answer.headers["location"]) == (303, back)
        assert "<form" not in (await browser.get(page)).text
        other = "fail" if word == "confirm" else "confirm"
        assert (await browser.post(f"{page}/{other}")).status_code == 409
        assert (await browser.get(f"{page}x")).status_code == 404
    [found] = (await payments.ask("GET", f"/operations?key={operation['key']}"))["data"]
    assert (found["outcome"], found["redirect_url"]) == (outcome, "")


async def test_a_pending_refund_holds_its_money_until_it_is_settled(payments: Simulator) -> None:
    authorization = (await reserve(payments, "tok_refund_pending"))["authorization"]
    path = f"/authorizations/{authorization}"
    await move(payments, f"{path}/captures", amount=1000, currency="USD")
    refund = await move(payments, f"{path}/refunds", amount=700, currency="USD")
    assert (refund["outcome"], refund["executed"]) == ("pending", 0)
    assert (await payments.ask("GET", path))["refundable"] == 300
    settlement = {"key": refund["key"], "outcome": "failed"}
    settled = await payments.ask("POST", "/sandbox/operations/settle", settlement)
    assert settled["failure_code"] == "refund_failed"
    assert (await payments.ask("GET", path))["refundable"] == 1000


async def test_a_refund_that_succeeded_can_fail_later_and_reach_the_card_after_all(
    payments: Simulator,
) -> None:
    path = f"/authorizations/{(await reserve(payments))['authorization']}"
    await move(payments, f"{path}/captures", amount=1000, currency="USD")
    refund = await move(payments, f"{path}/refunds", amount=1000, currency="USD")
    settlement = {"key": refund["key"], "outcome": "failed", "failure_code": "account_closed"}
    await payments.ask("POST", "/sandbox/operations/settle", settlement)
    sums = await payments.ask("GET", path)
    assert (sums["refunded"], sums["refundable"]) == (0, 1000)
    after_all = {"key": refund["key"], "outcome": "succeeded"}
    settled = await payments.ask("POST", "/sandbox/operations/settle", after_all)
    assert (settled["outcome"], settled["executed"]) == ("succeeded", 1)
    assert (await payments.ask("GET", path))["refunded"] == 1000


@pytest.mark.parametrize("kind", ["refunds", "chargebacks"])
async def test_the_bank_takes_money_back_unasked_but_never_more_than_was_captured(
    payments: Simulator, kind: str
) -> None:
    authorization = (await reserve(payments))["authorization"]
    await move(payments, f"/authorizations/{authorization}/captures", amount=600, currency="USD")
    path = f"/sandbox/authorizations/{authorization}/{kind}"
    money = {"amount": 600, "currency": "USD"}
    taken = await payments.ask("POST", path, money)
    assert taken["key"].startswith("provider/")
    assert (await payments.http.post(path, json=money)).status_code == 409


async def test_the_ledger_lists_everything_once_in_order_and_in_pages(
    payments: Simulator,
) -> None:
    operation = await reserve(payments, key="ledger/1")
    await reserve(payments, key="ledger/1")
    authorization = operation["authorization"]
    await move(payments, f"/authorizations/{authorization}/voids", amount=1, currency="USD")
    rows = (await payments.ask("GET", f"/ledger?authorization={authorization}"))["data"]
    assert [(row["kind"], row["executed"], row["requests"]) for row in rows] == [
        ("authorization", 1, 2),
        ("void", 1, 1),
    ]
    after = rows[0]["sequence"]
    page = await payments.ask("GET", f"/ledger?authorization={authorization}&after={after}")
    assert [row["kind"] for row in page["data"]] == ["void"]


async def test_a_wrong_amount_is_really_moved_and_told_and_can_be_put_right(
    payments: Simulator,
) -> None:
    await payments.fault("wrong_amount", "authorize", amount=900)
    asked = {"token": "tok_ok", "amount": 1000, "currency": "USD"}
    operation = await move(payments, "/authorizations", "wrong/authorize", **asked)
    assert (operation["amount"], operation["outcome"]) == (900, "succeeded")
    # Its key still stands for what was asked, and for what was done.
    assert (await move(payments, "/authorizations", "wrong/authorize", **asked))["amount"] == 900
    path = f"/authorizations/{operation['authorization']}"
    assert (await payments.ask("GET", path))["capturable"] == 900

    await payments.fault("wrong_amount", "capture", amount=300)
    taken = await move(payments, f"{path}/captures", "wrong/capture", amount=400, currency="USD")
    shown = await payments.ask("GET", path)
    assert (taken["amount"], shown["captured"], shown["capturable"]) == (300, 300, 600)

    for key, amount in (("wrong/authorize", 1000), ("wrong/capture", 400)):
        await payments.ask("POST", "/sandbox/operations/correct", {"key": key, "amount": amount})
    shown = await payments.ask("GET", path)
    assert (shown["amount"], shown["captured"], shown["capturable"]) == (1000, 400, 600)


async def test_a_wrong_currency_is_that_of_the_authorization_from_then_on(
    payments: Simulator,
) -> None:
    await payments.fault("wrong_amount", "authorize", amount=1000, currency="EUR")
    operation = await reserve(payments)
    shown = await payments.ask("GET", f"/authorizations/{operation['authorization']}")
    assert (operation["currency"], shown["currency"]) == ("EUR", "EUR")


@pytest.mark.parametrize(
    ("order", "code"),
    [
        ({"operation": "find", "amount": 5}, "unknown_operation"),
        ({"operation": "capture"}, "invalid_request"),
        ({"operation": "capture", "kind": "slow", "amount": 5}, "invalid_request"),
    ],
)
async def test_only_what_moves_money_can_move_a_wrong_amount(
    payments: Simulator, order: dict[str, Any], code: str
) -> None:
    body = {"kind": "wrong_amount", **order}
    answer = await payments.http.post("/sandbox/faults", json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, code)
