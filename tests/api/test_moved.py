"""Addresses of the original specification lead to those of today."""

import httpx2
import pytest

from tests.api.callers import Callers

ID = "01932c07-0000-7000-8000-000000000001"


@pytest.mark.parametrize("method", ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"])
@pytest.mark.parametrize(
    ("before", "now"),
    [
        ("/return", "/returns"),
        ("/return/", "/returns"),
        (
            "/return?limit=2&order_id=%20x&status=a&status=b",
            "/returns?limit=2&order_id=%20x&status=a&status=b",
        ),
        (f"/return/{ID}", f"/returns/{ID}"),
        (f"/return/{ID}/close?a=%2F", f"/returns/{ID}/close?a=%2F"),
        ("/return//evil.example.com", "/returns//evil.example.com"),
        ("/return/%C3%A4%20b", "/returns/%C3%A4%20b"),
    ],
)
async def test_the_old_address_of_returns_leads_to_the_new_one_without_a_credential(
    callers: Callers, method: str, before: str, now: str
) -> None:
    answer = await callers.client.request(method, before)
    assert (answer.status_code, answer.headers["location"]) == (308, now)


async def test_a_caller_who_follows_reaches_what_was_asked_for_with_its_body_and_key(
    callers: Callers,
) -> None:
    headers = {"X-API-Key": await callers.key("support"), "Idempotency-Key": "moved-1"}

    async def ask(path: str) -> httpx2.Response:
        body = {"order_id": ID, "lines": [{"order_line_id": ID, "quantity": 0}]}
        return await callers.client.post(path, json=body, headers=headers, follow_redirects=True)

    old, new = await ask("/return"), await ask("/returns")
    assert old.status_code == new.status_code == 422
    assert old.json()["errors"] == new.json()["errors"]


async def test_no_other_address_is_sent_on(callers: Callers) -> None:
    for path in ("/returnx", "/returns/x/y/z", "/return_", "/return/%0D%0ASet-Cookie:a"):
        assert (await callers.client.get(path)).status_code in (401, 404), path
