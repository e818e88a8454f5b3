"""The company to order from, over HTTP."""

from typing import Any

import httpx2
import pytest

from db.engine import Database
from tests.api.callers import Callers
from tests.shop import Shop
from tests.storefront import Storefront


@pytest.fixture(scope="module")
async def shop(callers: Callers, books: Database) -> Storefront:
    company = Shop(books)
    await company.open()
    return Storefront(company, callers)


def problem(answer: httpx2.Response, status: int, code: str) -> dict[str, Any]:
    """Check that an answer is this problem, well formed, and return its body."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert body["code"] == code, body
    assert body["status"] == status
    assert body["type"] == f"/problems/{code}"
    assert {"title", "detail", "instance"} <= body.keys()
    return body
