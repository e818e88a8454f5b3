"""Customers over HTTP."""

from typing import Any
from uuid import uuid4

from tests.api.callers import Callers

ADA: dict[str, Any] = {
    "name": "Ada Lovelace",
    "email": " Ada@Example.com ",
    "address": {
        "name": "Ada Lovelace",
        "line1": "12, St James's Square, Apt. 4",
        "city": "London",
        "postal_code": "SW1Y 4JH",
        "country": "GB",
    },
}


async def test_a_created_customer_is_found_again_by_its_location(callers: Callers) -> None:
    made = await callers.post("/customers", {**ADA, "email": "found@example.com"})
    assert made.status_code == 201, made.text
    shown = await callers.get(made.headers["location"])
    assert shown.json() == made.json()
    assert shown.json()["address"]["line1"] == ADA["address"]["line1"]
    assert shown.headers["etag"].startswith('"1-')


async def test_a_known_version_is_not_sent_again(callers: Callers) -> None:
    made = await callers.post("/customers", {"name": "Cached"})
    tag = (await callers.get(made.headers["location"])).headers["etag"]
    again = await callers.get(made.headers["location"], headers={"If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")
    newer = await callers.get(made.headers["location"], headers={"If-None-Match": '"1"'})
    assert newer.status_code == 200


async def test_an_email_belongs_to_one_customer_however_it_is_written(callers: Callers) -> None:
    first = await callers.post("/customers", ADA)
    second = await callers.post("/customers", {**ADA, "email": "ADA@example.com"})
    assert second.status_code == 409
    assert second.json()["code"] == "already_exists"
    assert second.json()["id"] == first.json()["id"]


async def test_an_external_reference_is_unique_within_its_source(callers: Callers) -> None:
    body = {"name": "Imported", "source": "shop", "external_reference": "C-1"}
    first = await callers.post("/customers", body)
    assert (await callers.post("/customers", body)).json()["id"] == first.json()["id"]
    other = await callers.post("/customers", {**body, "source": "other-shop"})
    assert other.status_code == 201


async def test_the_same_key_and_body_create_one_customer(callers: Callers) -> None:
    key = uuid4().hex
    first = await callers.post("/customers", {"name": "Once", "kind": "person"}, key=key)
    again = await callers.post("/customers", {"kind": "person", "name": "Once"}, key=key)
    assert (again.status_code, again.json()) == (201, first.json())
    assert again.headers["location"] == first.headers["location"]
    assert again.headers["idempotent-replayed"] == "true"
    assert "idempotent-replayed" not in first.headers


async def test_a_key_is_not_reused_for_another_body(callers: Callers) -> None:
    key = uuid4().hex
    await callers.post("/customers", {"name": "First"}, key=key)
    other = await callers.post("/customers", {"name": "Second"}, key=key)
    assert (other.status_code, other.json()["code"]) == (422, "key_reused")


async def test_a_refusal_leaves_the_key_free(callers: Callers) -> None:
    key = uuid4().hex
    taken = {"name": "Taken", "email": "taken@example.com"}
    await callers.post("/customers", taken)
    assert (await callers.post("/customers", taken, key=key)).status_code == 409
    corrected = await callers.post("/customers", {**taken, "email": None}, key=key)
    assert corrected.status_code == 201


async def test_creating_needs_a_key(callers: Callers) -> None:
    secret = await callers.key("admin")
    answer = await callers.client.post(
        "/customers", json={"name": "Keyless"}, headers={"X-API-Key": secret}
    )
    assert (answer.status_code, answer.json()["code"]) == (400, "key_missing")


async def test_a_customer_sees_itself_only(callers: Callers) -> None:
    me = (await callers.post("/customers", {"name": "Me"})).json()
    you = (await callers.post("/customers", {"name": "You"})).json()
    mine = {"role": "customer", "customer_id": me["id"]}
    listed = await callers.get("/customers", **mine)
    assert [one["id"] for one in listed.json()["items"]] == [me["id"]]
    assert (await callers.get(f"/customers/{me['id']}", **mine)).status_code == 200
    foreign = await callers.get(f"/customers/{you['id']}", **mine)
    unknown = await callers.get(f"/customers/{uuid4()}", **mine)
    assert foreign.status_code == unknown.status_code == 404


async def test_pages_follow_each_other_without_gap_or_repetition(callers: Callers) -> None:
    source = "pages"
    made = [
        (await callers.post("/customers", {"name": f"P{n}", "source": source})).json()["id"]
        for n in range(5)
    ]
    seen: list[str] = []
    address: str | None = "/customers?limit=2&status=active"
    while address:
        page = (await callers.get(address)).json()
        assert len(page["items"]) <= 2
        assert page["next"] is None or "status=active" in page["next"]
        seen += [one["id"] for one in page["items"]]
        address = page["next"]
    assert len(seen) == len(set(seen))
    assert [one for one in seen if one in made] == list(reversed(made))
