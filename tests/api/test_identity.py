"""Who a caller is: an integration by its name, a person by issuer, subject and customer."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from db.access import revoke_key
from db.engine import Database
from domain.access import Caller, Role
from domain.ids import CustomerId, new_id
from tests.api.callers import Callers, new_key
from tests.api.issuer import TestIssuer, believed

CUSTOMER = {"name": "Ada Lovelace"}


@pytest.fixture(scope="module")
async def issuer(books: Database) -> AsyncIterator[tuple[TestIssuer, httpx2.AsyncClient]]:
    async with believed(books) as both:
        yield both


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
