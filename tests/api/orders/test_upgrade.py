"""Upgrades: what the release before answered is found again, by the same caller only."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import httpx2
import orjson
import pytest
from sqlalchemy import text

from api.idempotency import claim_of, fingerprint, idempotent
from db.access import hash_of
from db.engine import Database
from db.idempotency import Answer, claim_or_take_over
from domain.access import Caller, Role
from domain.adjustments import AdjustStock
from domain.customers import CreateCustomer
from domain.ids import new_id
from domain.orders.placing import PlaceOrder
from domain.orders.requests import PayOrder
from tests.api.callers import new_key
from tests.api.issuer import TestIssuer, believed
from tests.api.orders.conftest import problem
from tests.storefront import Storefront

CUSTOMER = {"name": "Ada Lovelace"}


@pytest.fixture(scope="module")
async def issuer(books: Database) -> AsyncIterator[tuple[TestIssuer, httpx2.AsyncClient]]:
    async with believed(books) as both:
        yield both


@pytest.mark.parametrize("path", ["/orders", "/customers", "/inventory/adjustments"])
async def test_a_request_repeated_after_the_upgrade_is_done_once(
    shop: Storefront, books: Database, path: str
) -> None:
    """T15: answers of the release before, which named a key's caller by its id, are still found."""
    sku = await shop.item()
    stock = {"sku": sku, "site": "AUS", "quantity": "1", "reason": "initial_balance"}
    body = {"/orders": shop.order({sku: 1}), "/customers": CUSTOMER}.get(path, stock)
    other = {"/orders": shop.order({sku: 2}), "/customers": {"name": "Bea"}}.get(
        path, {**stock, "quantity": "2"}
    )
    key = uuid4().hex
    secret = await new_key(books, "integration", name=f"shop {uuid4()}")
    headers = {"X-API-Key": secret, "Idempotency-Key": key}
    post = shop.callers.client.post
    first = await post(path, json=body, headers=headers)
    await as_the_release_before_kept_it(books, key, secret, f"POST {path}", before_it(path, body))
    before = await shop.counts()
    again = await post(path, json=body, headers=headers)
    assert (again.status_code, again.headers["idempotent-replayed"]) == (201, "true")
    assert again.content == first.content
    problem(await post(path, json=other, headers=headers), 422, "key_reused")
    assert await shop.counts() == before


async def test_a_request_that_broke_off_in_the_upgrade_is_taken_over_under_its_id(
    books: Database,
) -> None:
    """T15: what the release before began and did not answer happens once, too."""
    one = Caller(subject="key:shop", former_identity="key:1", role=Role.SUPPORT)
    asked: list[UUID] = []

    async def run(request_id: UUID) -> Caller:
        asked.append(request_id)
        if len(asked) == 1:
            raise asyncio.CancelledError
        return one

    async def ask(caller: Caller) -> Answer:
        return await idempotent(books, caller, key, "POST /orders/1/cancel", None, run)

    key, former = uuid4().hex, one.model_copy(update={"subject": "key:1"})
    claim = claim_of(former, key, "POST /orders/1/cancel", None)
    async with books.begin() as db:
        begun = await claim_or_take_over(db, claim, new_id())
        assert begun is not None
        await db.execute(
            text("UPDATE idempotency_keys SET created_at = now() - interval '61 s' WHERE key = :k"),
            {"k": key},
        )
    with pytest.raises(asyncio.CancelledError):
        await ask(one)
    assert asked == [begun.resource_id]
    done, again = await ask(one), await ask(one)
    assert (done.replayed, again.replayed, len(asked)) == (False, True, 2)
    assert done.body == again.body


def before_it(path: str, body: dict[str, Any]) -> dict[str, Any]:
    """Spell a body out as the release before did: no source was `api`."""
    bodies = {"/orders": PlaceOrder, "/customers": CreateCustomer}
    whole = bodies.get(path, AdjustStock).model_validate(body).model_dump(mode="json")
    return {**whole, "source": "api"} if "source" in whole else whole


async def as_the_release_before_kept_it(
    books: Database, key: str, secret: str, route: str, body: dict[str, Any]
) -> None:
    asked = f"{route}\n".encode() + orjson.dumps(body, option=orjson.OPT_SORT_KEYS)
    async with books.begin() as db:
        changed = await db.execute(
            text(
                """UPDATE idempotency_keys SET fingerprint = :fingerprint, caller = (
                    SELECT 'key:' || id FROM api_keys WHERE secret_sha256 = :hash)
                WHERE key = :key"""
            ),
            {
                "hash": hash_of(secret),
                "key": key,
                "fingerprint": hashlib.sha256(asked).hexdigest(),
            },
        )
    assert changed.rowcount == 1


async def test_after_the_upgrade_too_a_customer_gets_no_answer_of_another(
    shop: Storefront, issuer: tuple[TestIssuer, httpx2.AsyncClient], books: Database
) -> None:
    """D18: the release before kept one answer for all customers of a subject."""
    provider, client = issuer
    mine, key, sku = await shop.customer(), uuid4().hex, await shop.item()
    order = await shop.placed({sku: 1}, customer_id=mine)
    path, body = f"/orders/{order['id']}/payments", {"token": "tok_ok"}

    async def pay(customer: str) -> httpx2.Response:
        token = provider.token(sub="u-2", role="customer", customer_id=customer)
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": key}
        return await client.post(path, json=body, headers=headers)

    kept = """INSERT INTO idempotency_keys
        (caller, key, route, fingerprint, resource_id, state, status, answer)
        VALUES ('user:u-2', :key, :route, :fingerprint, :id, 'done', 201, :answer)"""
    route = f"POST {path}"
    async with books.begin() as db:
        await db.execute(
            text(kept),
            {
                "key": key,
                "route": route,
                "fingerprint": fingerprint(route, PayOrder.model_validate(body)),
                "id": new_id(),
                "answer": orjson.dumps(order).decode(),
            },
        )
    again = await pay(mine)
    assert (again.status_code, again.json()) == (201, order)
    refused = problem(await pay(shop.customer_id), 422, "key_reused")
    assert order["number"] not in str(refused)
