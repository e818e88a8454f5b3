"""Addresses, methods and requests to orders that make no sense."""

from typing import Any

import pytest

from tests.api.orders.conftest import problem
from tests.storefront import Storefront


@pytest.mark.parametrize(
    "order_id", ["1", "null", "-1", "1e3", "%2e%2e%2f1", "SO-1", "x" * 20_000, "%00", "%ff"]
)
async def test_what_is_no_id_is_refused_everywhere(shop: Storefront, order_id: str) -> None:
    for suffix in ("", "/timeline", "/process"):
        answer = await shop.callers.get(f"/orders/{order_id}{suffix}")
        assert answer.json()["code"] in ("malformed", "not_found"), answer.text
        assert answer.headers["content-type"] == "application/problem+json"


async def test_an_id_may_be_written_in_capitals_or_braces_or_is_refused(shop: Storefront) -> None:
    order = await shop.placed({await shop.item(): 1})
    for written in (order["id"].upper(), f"{{{order['id']}}}", order["id"].replace("-", "")):
        answer = await shop.callers.get(f"/orders/{written}")
        assert answer.status_code in (200, 422)


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "BREW"])
async def test_a_method_that_is_not_ours(shop: Storefront, method: str) -> None:
    answer = await shop.callers.ask(method, "/orders")
    problem(answer, 405, "method_not_allowed")
    assert {each.strip() for each in answer.headers["allow"].split(",")} == {"GET", "POST"}


STEERING: dict[str, tuple[str, Any]] = {
    "cancel for no known reason": ("cancel", {"reason": "because"}),
    "cancel with a reason of our own": ("cancel", {"reason": "CUSTOMER_REQUEST"}),
    "cancel with more": ("cancel", {"refund": True}),
    "cancel with a list": ("cancel", []),
    "hold for no known reason": ("holds", {"reason": ""}),
    "hold with NUL": ("holds", {"note": "\x00"}),
    "hold with a long note": ("holds", {"note": "x" * 1001}),
    "hold placed by another": ("holds", {"placed_by": "somebody"}),
    "release what is no id": ("holds/1/release", None),
    "pay without a token": ("payments", {}),
    "pay with an empty token": ("payments", {"token": ""}),
    "pay another amount": ("payments", {"token": "tok_ok", "amount": 1}),
}


@pytest.mark.parametrize(("path", "body"), STEERING.values(), ids=STEERING)
async def test_malformed_requests_to_an_order(shop: Storefront, path: str, body: Any) -> None:
    order = await shop.placed({await shop.item(): 1})
    before = await shop.counts()
    problem(await shop.callers.post(f"/orders/{order['id']}/{path}", body), 422, "malformed")
    assert await shop.counts() == before
