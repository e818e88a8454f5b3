"""A check goes on from where the books were sound, and what was there before stays as it was."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from db.documents import DOCUMENTS
from db.engine import open_engine
from db.verify.books import CHECKS, Finding, look_around
from db.verify.mark import Mark
from db.verify.touched import look_at_books, make_room
from runtime.commands.connection import Target
from runtime.commands.verify import Checked, check_and_note
from runtime.settings import Settings
from tests.database import fresh_database
from tests.db.books import check_of, spoil
from tests.db.planted import BREAKS
from tests.history import History

KNOWN = [check.id for check in CHECKS]
EARLIER = Mark(0, datetime.min.replace(tzinfo=UTC), KNOWN)
"""Before all that is in the books."""
NOW = 1 << 60
"""A position of the feed after all of them."""
LATER = datetime.now(UTC) + timedelta(days=1)
HOURS = 4
"""Between two copies of the books."""


@pytest.fixture
async def plain(sound_url: str) -> AsyncIterator[AsyncConnection]:
    """A connection whose changes are taken back, with room for what changed."""
    engine = open_engine(sound_url, application="test", pool=1)
    async with engine.connect() as db:
        await make_room(db)
        await db.commit()
        yield db
    await engine.dispose()


async def plant(db: AsyncConnection, statements: str) -> None:
    """Change the books in the running transaction, past their triggers."""
    await look_at_books(db)
    await db.execute(text("SET LOCAL session_replication_role = replica"))
    raw: Any = (await db.get_raw_connection()).driver_connection
    await raw.execute(statements)


def broken(findings: list[Finding]) -> set[str]:
    return {found.id for found in findings if found.violations}


async def test_a_fault_in_what_changed_since_the_mark_is_seen_by_its_check(
    plain: AsyncConnection,
) -> None:
    missed = []
    for name, (statements, _) in BREAKS.items():
        await plant(plain, statements)
        [check] = [check for check in CHECKS if check.id == check_of(name)]
        looked = await look_around(plain, [check], EARLIER)
        await plain.rollback()
        if not broken(looked.findings):
            missed.append(name)
    assert missed == []


async def test_whatever_document_changed_nothing_is_missing_that_it_is_compared_with(
    plain: AsyncConnection,
) -> None:
    found = {}
    listed = " UNION ALL ".join(
        f"SELECT id, number FROM {each.table}" for each in DOCUMENTS.values()
    )
    await look_at_books(plain)
    documents = (await plain.execute(text(listed))).all()
    for document in documents:
        await plant(
            plain,
            f"UPDATE events SET position = {NOW} WHERE subject_id = '{document.id}'"
            " AND sequence = 1",
        )
        checks = [check for check in CHECKS if not check.whole]
        looked = await look_around(plain, checks, Mark(NOW, LATER, KNOWN))
        await plain.rollback()
        assert looked.documents
        if wrong := broken(looked.findings):
            found[document.number] = wrong
    assert found == {}
    assert len(documents) >= 15


async def check(url: str, *, whole: bool = False, renew: bool = False) -> Checked:
    target = Target(database_url=url)
    return await check_and_note(target, Settings(), timedelta(), whole=whole, renew=renew)


@pytest.fixture(scope="module")
async def checked_url(template_url: str) -> AsyncIterator[str]:
    """Books of a few days, that were found to be sound."""
    async with fresh_database(template_url) as url:
        connection = await asyncpg.connect(url, ssl=False)
        history = History(connection, minutes=HOURS * 60)
        await history.begin()
        await history.grow(20 * history.orders)
        await connection.close()
        first = await check(url)
        assert first.whole
        assert broken(first.findings) == set()
        yield url


@pytest.fixture
async def url(checked_url: str) -> AsyncIterator[str]:
    async with fresh_database(checked_url) as url:
        yield url


CLOSED = """(SELECT id FROM {table} WHERE ({moment} AT TIME ZONE 'UTC')::date
    = (SELECT max(day) FROM closed_days WHERE entries > 9) ORDER BY id LIMIT 1)"""
TAMPERINGS = {
    "a movement is dated otherwise": (
        "movements",
        "UPDATE movements SET occurred_at = occurred_at - interval '1 second' WHERE id = {one}",
    ),
    "a movement is gone": ("movements", "DELETE FROM movements WHERE id = {one}"),
    "a movement is added": (
        "movements",
        "INSERT INTO movements SELECT (jsonb_populate_record(m, jsonb_build_object("
        "'id', gen_random_uuid(), 'key', 'late', 'reverses_id', NULL))).*"
        " FROM movements m WHERE id = {one}",
    ),
    "another key of the provider": (
        "payment_entries",
        "UPDATE payment_entries SET provider_reference = 'other' WHERE id = {one}",
    ),
    "money is gone": ("payment_entries", "DELETE FROM payment_entries WHERE id = {one}"),
    "a scan is gone": ("tracking_events", "DELETE FROM tracking_events WHERE id = {one}"),
    "somebody else did it": ("events", "UPDATE events SET actor = 'other' WHERE id = {one}"),
}


async def test_whatever_is_done_to_a_closed_day_of_a_ledger_is_seen_at_the_next_check(
    url: str,
) -> None:
    engine = open_engine(url, application="test", pool=1)
    closed = [each for each in CHECKS if each.id == "I17a"]
    seen = {}
    async with engine.connect() as db:
        await make_room(db)
        await db.commit()
        for name, (table, statement) in TAMPERINGS.items():
            moment = "time" if table == "events" else "recorded_at"
            await plant(db, statement.format(one=CLOSED.format(table=table, moment=moment)))
            [altered] = (await look_around(db, closed, Mark(NOW, LATER, KNOWN))).findings
            await db.rollback()
            seen[name] = [row["ledger"] for row in altered.samples]
    await engine.dispose()
    assert seen == {name: [table] for name, (table, _) in TAMPERINGS.items()}


async def test_a_ledger_that_was_altered_stays_broken_until_somebody_says_that_it_may(
    url: str,
) -> None:
    await spoil(url, "DELETE FROM tracking_events WHERE recorded_at < now() - interval '2 days'")
    daily = await check(url)
    assert not daily.whole
    assert broken(daily.findings) == {"I17a"}
    full = await check(url, whole=True)
    assert "I17a" in broken(full.findings)
    renewed = await check(url, whole=True, renew=True)
    assert "I17a" not in broken(renewed.findings)


MORE = """UPDATE orders
    SET subtotal_amount = subtotal_amount {more}, total_amount = total_amount {more}
    WHERE id = (SELECT id FROM orders WHERE status = 'completed' ORDER BY placed_at LIMIT 1)"""


async def test_a_fault_of_before_the_mark_is_found_by_a_full_check_and_kept_until_it_is_mended(
    url: str,
) -> None:
    await spoil(url, MORE.format(more="+ 1"))
    daily = await check(url)
    assert not daily.whole
    assert broken(daily.findings) == set()

    full = await check(url, whole=True)
    assert broken(full.findings) == {"I7a"}
    daily = await check(url)
    assert not daily.whole
    assert broken(daily.findings) == broken(full.findings)

    await spoil(url, MORE.format(more="- 1"))
    assert broken((await check(url)).findings) == set()


async def test_a_check_goes_on_from_the_last_one_and_looks_at_little_of_the_history(
    url: str,
) -> None:
    before = await check(url)
    assert before.documents is not None
    connection = await asyncpg.connect(url, ssl=False)
    orders = await connection.fetchval("SELECT count(*) FROM orders")
    assert before.documents < orders / 2
    # Its history is said to go on: the next look is at this order, and at what belongs to it.
    await connection.execute(
        "INSERT INTO events (id, type, subject, subject_id, sequence, actor, correlation_id, data)"
        " SELECT gen_random_uuid(), 'order.noted.v1', e.subject, o.id, e.events + 1, 'test', '',"
        " '{}' FROM orders o CROSS JOIN LATERAL (SELECT min(subject) AS subject,"
        " count(*) AS events FROM events"
        " WHERE subject_id = o.id) e WHERE o.status = 'completed' ORDER BY o.placed_at LIMIT 1"
    )
    after = await check(url)
    assert broken(after.findings) == set()
    assert after.documents is not None
    assert before.documents < after.documents <= before.documents + 40
    noted = await connection.fetchrow(
        "SELECT whole, position, known FROM verifications ORDER BY id DESC LIMIT 1"
    )
    await connection.close()
    assert not noted["whole"]
    assert noted["position"] > 0


async def test_books_that_can_only_be_read_are_checked_in_full(url: str) -> None:
    database = url.rpartition("/")[2]
    await spoil(url, f"ALTER DATABASE {database} SET default_transaction_read_only = on")
    checked = await check(url)
    assert checked.whole
    assert broken(checked.findings) == set()
