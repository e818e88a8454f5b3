"""The books are checked by breaking them: each fault is seen, by its own check and no other."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import asyncpg
import pytest

from db.engine import open_engine
from db.verify.books import CHECKS, Finding, verify
from tests.database import fresh_database
from tests.db.books import check_of, spoil
from tests.db.planted import BREAKS


@pytest.fixture
async def books_url(sound_url: str) -> AsyncIterator[str]:
    async with fresh_database(sound_url) as url:
        yield url


async def look(url: str, patience: timedelta = timedelta()) -> dict[str, Finding]:
    engine = open_engine(url, application="test", pool=2)
    try:
        return {found.id: found for found in await verify(engine, patience=patience)}
    finally:
        await engine.dispose()


async def test_an_empty_database_is_sound(template_url: str) -> None:
    async with fresh_database(template_url) as url:
        findings = await look(url)
    assert not [found for found in findings.values() if found.violations]


async def test_books_of_every_kind_of_order_are_sound(books_url: str) -> None:
    findings = await look(books_url)
    assert not [found for found in findings.values() if found.violations]


def test_every_check_has_a_name_of_its_own_and_a_fault_that_proves_it() -> None:
    assert [check.id for check in CHECKS] == list(dict.fromkeys(check.id for check in CHECKS))
    assert {check.id for check in CHECKS} == set(map(check_of, BREAKS))


@pytest.mark.parametrize("name", sorted(BREAKS))
async def test_a_fault_is_seen_by_its_check(name: str, books_url: str) -> None:
    statements, also = BREAKS[name]
    await spoil(books_url, statements)
    findings = await look(books_url)
    seen = {found.id for found in findings.values() if found.violations}
    assert seen == {check_of(name), *also}
    assert findings[check_of(name)].samples


async def test_what_a_run_will_still_settle_is_waited_for(books_url: str) -> None:
    connection = await asyncpg.connect(books_url, ssl=False)
    await connection.execute("SET session_replication_role = replica")
    await connection.execute("CREATE TABLE aside AS SELECT * FROM payment_entries")
    await connection.execute("DELETE FROM payment_entries WHERE key = 'void/dropped'")
    assert (await look(books_url))["I3j"].violations == 1

    waiting = asyncio.create_task(look(books_url, timedelta(seconds=30)))
    done, _ = await asyncio.wait([waiting], timeout=1)
    assert not done
    await connection.execute(
        "INSERT INTO payment_entries SELECT * FROM aside WHERE key = 'void/dropped'"
    )
    await connection.close()
    assert not [found for found in (await waiting).values() if found.violations]
