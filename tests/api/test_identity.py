"""Who a caller is: an integration by its name, a person by issuer, subject and customer."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import httpx2
import orjson
import pytest
from sqlalchemy import text

from api.app import create_app
from api.idempotency import claim_of, idempotent
from api.services import Services
from db.access import hash_of, revoke_key
from db.engine import Database
from db.idempotency import Answer, claim_or_take_over
from domain.access import Caller, Role
from domain.adjustments import AdjustStock
from domain.customers import CreateCustomer
from domain.ids import CustomerId, new_id
from domain.orders.placing import PlaceOrder
from runtime.settings import Settings
from tests.api.callers import Callers, new_key
from tests.api.conftest import away
from tests.api.issuer import AUDIENCE, NAME, TestIssuer
from tests.api.orders.conftest import problem
from tests.serving import served
from tests.shop import Shop
from tests.storefront import Storefront

CUSTOMER = {"name": "Ada Lovelace"}


@pytest.fixture(scope="module")
async def issuer(books: Database) -> AsyncIterator[tuple[TestIssuer, httpx2.AsyncClient]]:
    """An identity provider, and a client of an application that believes it."""
    provider = TestIssuer()
    async with served(provider) as address:
        settings = Settings(jwt_issuer=NAME, jwt_audience=AUDIENCE, jwks_url=f"{address}/jwks.json")
        app = create_app(Services(settings=settings, db=books, temporal=away))
        async with (
            app.router.lifespan_context(app),
            httpx2.AsyncClient(
                transport=httpx2.ASGITransport(app), base_url="http://stateset"
            ) as client,
        ):
            yield provider, client


@pytest.fixture(scope="module")
async def shop(callers: Callers, books: Database) -> Storefront:
    company = Shop(books)
    await company.open()
    return Storefront(company, callers)


async def create(
    client: httpx2.AsyncClient, credential: str, key: str, body: dict[str, Any] = CUSTOMER
) -> httpx2.Response:
    headers = {"Authorization": f"Bearer {credential}", "Idempotency-Key": key}
    return await client.post("/customers", json=body, headers=headers)


async def test_a_request_repeated_with_a_new_key_of_the_same_name_is_done_once(
    callers: Callers, books: Database
) -> None:
    """T15: keys are rotated between a request and its repeat."""
    name, key = f"shop {uuid4()}", uuid4().hex
    old = await new_key(books, "integration", name=name)
    first = await create(callers.client, old, key)
    async with books.begin() as db:
        assert await revoke_key(db, old[3:11]) == 1
    new = await new_key(books, "integration", name=name)
    again = await create(callers.client, new, key)
    assert (again.status_code, again.headers["idempotent-replayed"]) == (201, "true")
    assert again.content == first.content


async def test_an_order_repeated_with_a_new_key_is_one_order_and_one_payment(
    shop: Storefront, books: Database
) -> None:
    """T15: as it was found: two orders, two authorizations."""
    name, key, sku = f"shop {uuid4()}", uuid4().hex, await shop.item()
    answers = [
        await shop.callers.client.post(
            "/orders",
            json=shop.order({sku: 1}),
            headers={
                "X-API-Key": await new_key(books, "integration", name=name),
                "Idempotency-Key": key,
            },
        )
        for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].content == answers[1].content
    paid = """SELECT p.id FROM payments p JOIN order_lines l USING (order_id) WHERE l.sku = :sku"""
    assert len(await shop.rows(paid, sku=sku)) == 1
    assert await shop.reserved(sku) == 1


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


async def test_another_integrations_idempotency_key_is_another_key(
    callers: Callers, books: Database
) -> None:
    """T15: only the same name is the same integration."""
    key = uuid4().hex
    made = [
        await create(callers.client, await new_key(books, "integration", name=name), key)
        for name in ("web", "Web", "web 2")
    ]
    assert [answer.status_code for answer in made] == [201, 201, 201]
    assert len({answer.json()["id"] for answer in made}) == 3
    assert not any("idempotent-replayed" in answer.headers for answer in made)


async def test_a_stored_answer_is_not_replayed_to_the_subject_under_another_customer(
    issuer: tuple[TestIssuer, httpx2.AsyncClient],
) -> None:
    """D18: the customer that a token names is part of who asks."""
    provider, client = issuer
    key = uuid4().hex
    seen: list[bool] = []
    for customer in (None, str(uuid4()), str(uuid4()), None):
        answer = await create(client, provider.token(sub="u-1", customer_id=customer), key)
        assert answer.status_code == 201
        seen.append("idempotent-replayed" in answer.headers)
    assert seen == [False, False, False, True]


async def test_a_subject_is_taken_exactly_as_the_token_says_it(
    issuer: tuple[TestIssuer, httpx2.AsyncClient], books: Database
) -> None:
    """D18: `sub` is never trimmed, neither for idempotency nor in the audit trail."""
    provider, client = issuer
    key = uuid4().hex
    ids = set()
    for subject in ("7", " 7", "7 ", " "):
        answer = await create(client, provider.token(sub=subject), key)
        assert answer.status_code == 201
        assert "idempotent-replayed" not in answer.headers
        ids.add(answer.json()["id"])
    assert len(ids) == 4
    feed = {"Authorization": f"Bearer {provider.token(role='admin')}"}
    events = [
        (await client.get(f"/events?subject_id={made}", headers=feed)).json()["items"][0]["actor"]
        for made in ids
    ]
    assert sorted(events) == ["user: ", "user: 7", "user:7", "user:7 "]


async def test_a_token_for_no_subject_at_all_is_refused(
    issuer: tuple[TestIssuer, httpx2.AsyncClient],
) -> None:
    """D18: a name of no characters names no caller."""
    provider, client = issuer
    assert (await create(client, provider.token(sub=""), "k")).status_code == 401
    assert (await create(client, provider.token(sub="s" * 255), uuid4().hex)).status_code == 201
    assert (await create(client, provider.token(sub="s" * 256), "k")).status_code == 401


def test_no_two_callers_share_an_identity() -> None:
    """T15: keys, tokens, issuers, customers: whatever differs, so does the identity."""
    one, two = CustomerId(new_id()), CustomerId(new_id())

    def identity(subject: str, **rest: Any) -> str:
        return Caller(subject=subject, role=Role.SUPPORT, **rest).identity

    identities = [
        identity("key:a"),
        identity("key:b"),
        identity("key:a", customer_id=one),
        identity("key:a", customer_id=two),
        identity("user:a", issuer="https://one.example"),
        identity("user:a", issuer="https://two.example"),
        identity("user:a", issuer="https://one.example", customer_id=one),
        identity("user:a", issuer="https://one.example", customer_id=two),
    ]
    assert len(set(identities)) == len(identities)
