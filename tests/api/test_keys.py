"""The commands for API keys."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from typer.testing import CliRunner

from api.keys import ApiKeys
from db.access import all_keys
from db.engine import Database
from domain.access import Caller, Reach, Role
from domain.errors import Unauthenticated
from runtime.commands.keys import app
from runtime.settings import settings
from tests.api.callers import Callers, new_key


@pytest.fixture(autouse=True)
def configured(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("STATESET_DATABASE_URL", database_url)
    settings.cache_clear()
    yield
    settings.cache_clear()


async def run(*words: str) -> tuple[int, str]:
    """Run a command in a thread: it has an event loop of its own."""
    result = await asyncio.to_thread(CliRunner().invoke, app, list(words))
    return result.exit_code, result.output.strip()


async def test_a_key_that_was_made_works_until_it_is_revoked(books: Database) -> None:
    code, key = await run("create", "shop", "--role", "integration", "--scope", "orders:price")
    assert code == 0, key
    caller = await ApiKeys(books).identify(key)
    assert (caller.role, caller.scopes) == (Role.INTEGRATION, frozenset({"orders:price"}))
    assert isinstance(caller, Caller)
    prefix = key.split("_")[1]
    _, listed = await run("list")
    assert f"sk_{prefix}_…" in listed
    assert key not in listed
    assert await run("revoke", prefix) == (0, "revoked")
    with pytest.raises(Unauthenticated):
        await ApiKeys(books).identify(key)


async def test_the_list_says_which_keys_still_work(books: Database) -> None:
    """D21: an expired key is listed as expired, a revoked one as revoked."""
    past, soon = datetime.now(UTC) - timedelta(seconds=1), datetime.now(UTC) + timedelta(hours=1)
    wanted: dict[str, str] = {}
    for state, ends in (("live", None), ("live", soon), ("expired", past), ("revoked", past)):
        key = await new_key(books, "support", name=f"desk {uuid4()}", expires_at=ends)
        wanted[key[3:11]] = state
        if state == "revoked":
            assert (await run("revoke", key[3:11]))[0] == 0
        else:
            assert await works(books, key) == (state == "live")
    _, listed = await run("list")
    states = {line[3:11]: line.split()[2] for line in listed.splitlines()}
    assert {prefix: states[prefix] for prefix in wanted} == wanted


async def works(books: Database, key: str) -> bool:
    try:
        await ApiKeys(books).identify(key)
    except Unauthenticated:
        return False
    return True


async def test_an_actor_is_the_name_that_the_list_shows(books: Database, callers: Callers) -> None:
    """D21: events, and what they lead to, tell of `key:<name>`, which outlives the key."""
    name = f"Web shop {uuid4()}"
    _, key = await run("create", f" {name} ", "--role", "integration")
    headers = {"X-API-Key": key, "Idempotency-Key": uuid4().hex}
    made = await callers.client.post("/customers", json={"name": "Ada"}, headers=headers)
    events = await callers.get(f"/events?subject_id={made.json()['id']}")
    assert [event["actor"] for event in events.json()["items"]] == [f"key:{name}"]
    [listed] = [line for line in (await run("list"))[1].splitlines() if line.endswith(name)]
    assert await run("who", f"key:{name}") == (0, listed)
    async with books.read() as db:
        former = next(row for row in await all_keys(db) if row.name == name).id
    assert await run("who", f"key:{former}") == await run("who", f"key:{name}")
    assert await run("who", "key:nobody") == (1, "no key is or was key:nobody")
    longest = "n" * 200
    _, key = await run("create", longest, "--role", "support")
    assert (await ApiKeys(books).identify(key)).subject == f"key:{longest}"
    code, _ = await run("create", longest + "n", "--role", "support")
    assert code == 1


async def test_a_renamed_key_is_another_caller_that_keeps_its_answers_from_before_the_upgrade(
    books: Database,
) -> None:
    """T14, T15: an upgrade names a key after its documents' source, without another secret."""
    _, key = await run("create", "old", "--role", "integration")
    before = await ApiKeys(books).identify(key)
    assert await run("rename", key[3:11], " web ") == (0, "renamed")
    after = await ApiKeys(books).identify(key)
    assert (after.subject, after.reach) == ("key:web", Reach(source="web"))
    assert after.former_identity == before.former_identity
    assert await run("rename", "nobody12", "web") == (
        1,
        "there is no live key with the prefix nobody12",
    )
    code, said = await run("rename", key[3:11], " ")
    assert (code, "character" in said) == (1, True)


async def test_mistakes_are_told_in_one_line(books: Database) -> None:
    code, said = await run("create", "shop", "--role", "customer")
    assert (code, said) == (1, "a customer's credential names its customer_id")
    code, said = await run("revoke", "nobody12")
    assert (code, said) == (1, "there is no live key with the prefix nobody12")
