"""The commands for API keys."""

import asyncio
from collections.abc import Iterator

import pytest
from typer.testing import CliRunner

from api.keys import ApiKeys
from db.engine import Database
from domain.access import Caller, Role
from domain.errors import Unauthenticated
from runtime.commands.keys import app
from runtime.settings import settings


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


async def test_mistakes_are_told_in_one_line(books: Database) -> None:
    code, said = await run("create", "shop", "--role", "customer")
    assert (code, said) == (1, "a customer's credential names its customer_id")
    code, said = await run("revoke", "nobody12")
    assert (code, said) == (1, "there is no live key with the prefix nobody12")
