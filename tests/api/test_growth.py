"""However long the history is, no question and no sweep reads more of it than it did before."""

from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import asyncpg
import httpx2
import pytest
from temporalio.client import Client

from api.app import create_app
from api.services import Services
from db.engine import Database, open_engine
from db.inventory.counts import get_expected
from db.inventory.movements import Place
from db.inventory.past import get_past_stock
from db.verify.books import CHECKS, verify
from domain.errors import PartnerUnavailable
from relay.sweeps import SWEEPS, Sweeper
from runtime.settings import Settings
from tests.api.callers import Callers
from tests.asking import Questions, known
from tests.history import History
from tests.statements import Statement, Statements, parts, plan_of, rows_read

ORDERS = 9_000
LARGE = 2_500
"""Rows of a table that grows with trade, at the least."""
MOST = 2_000
"""Rows that one part of an answer may look at: the feed reads so many events at once."""
OVER = 4
"""How often a check may read as many rows as the largest table has."""

OF_ITS_SUBJECT = (
    "/inventory/trace",  # all that a lot went into
    "/inventory/on_hand",  # all that moved since then: here what moved in a week
    "/warranties?status=active",  # none of this history is, and the newest ones are looked at first
)
"""Questions that cost what they are about, here all of the history."""
OF_ITS_PROCESS = ("partner_health",)
"""Sweeps that find what they act on in the memory of their process."""


async def away() -> Client:
    raise PartnerUnavailable("Temporal is away")


@dataclass(frozen=True)
class LongHistory:
    """Books of years, what is sent to them, and the tables that grew."""

    books: Database
    owner: Any
    sent: Statements
    large: frozenset[str]

    async def excesses(self, statements: Sequence[Statement]) -> list[str]:
        """Say which parts of these statements read the history."""
        return [
            f"{part['Node Type']} of {part['Relation Name']}, {rows_read(part):.0f} rows: {sent}"
            for sent in statements
            for part in parts(await plan_of(self.owner, sent))
            if part.get("Relation Name") in self.large
            and (part["Node Type"] == "Seq Scan" or rows_read(part) > MOST)
        ]


@pytest.fixture(scope="module")
async def history(database_url: str) -> AsyncIterator[LongHistory]:
    owner = await asyncpg.connect(database_url, ssl=False)
    history = History(owner)
    await history.begin()
    await history.grow(ORDERS)
    grown = "SELECT relname FROM pg_class WHERE relkind = 'r' AND reltuples > $1"
    large = frozenset(row["relname"] for row in await owner.fetch(grown, LARGE))
    books = Database(open_engine(database_url, application="growth", pool=4))
    yield LongHistory(books, owner, Statements(books.engine), large)
    await books.close()
    await owner.close()


async def test_no_answer_reads_more_of_the_history_than_its_page(
    history: LongHistory, settings: Settings
) -> None:
    assert {"orders", "events", "movements", "work_orders", "tasks"} <= history.large
    app = create_app(Services(settings, history.books, away))
    transport = httpx2.ASGITransport(app)
    failed, excessive, asked = [], {}, 0
    async with httpx2.AsyncClient(transport=transport, base_url="http://stateset") as client:
        callers = Callers(client, history.books)
        for question in Questions(app.openapi(), await known(history.owner)):
            with history.sent.kept() as statements:
                answer = await callers.get(question)
            if answer.status_code not in (200, 404, 422):
                failed.append((answer.status_code, question))
            asked += 1
            if not question.startswith(OF_ITS_SUBJECT):
                excessive[question] = await history.excesses(statements)
    assert (failed, {at: read for at, read in excessive.items() if read}) == ([], {})
    assert asked > 400


async def test_what_is_there_now_is_not_added_up(history: LongHistory) -> None:
    async with history.books.read() as db:
        now = datetime.now(UTC)
        with history.sent.kept() as statements:
            rows, _ = await get_past_stock(db, {}, as_of=now, limit=50)
            places = [Place(row.item_id, row.location_id, row.lot_id, now) for row in rows]
            expected = await get_expected(db, places)
    assert [row.on_hand for row in rows] == expected
    assert len(statements) == 2
    assert await history.excesses(statements) == []


@pytest.mark.parametrize("name", SWEEPS)
async def test_no_sweep_or_gauge_reads_the_history(history: LongHistory, name: str) -> None:
    sweeper = Sweeper(history.books, await Client.connect("127.0.0.1:1", lazy=True))
    # Temporal is not there to be asked of runs that may be lost.
    with history.sent.kept() as statements, suppress(RuntimeError):
        await SWEEPS[name].find(sweeper)
    assert statements or name in OF_ITS_PROCESS
    assert await history.excesses(statements) == []


async def test_books_of_years_are_sound_and_no_check_reads_them_again_for_each_row(
    history: LongHistory,
) -> None:
    with history.sent.kept() as statements:
        findings = await verify(history.books.engine)
    assert [found for found in findings if found.broken] == []

    counted = "SELECT max(reltuples) FROM pg_class WHERE relkind = 'r'"
    most = OVER * await history.owner.fetchval(counted)
    checks = [sent for sent in statements if "set_config" not in sent[0]]
    assert len(checks) >= len(CHECKS)
    excessive = [
        f"{part['Node Type']} of {part['Relation Name']}, {rows_read(part):.0f} rows: {sent}"
        for sent in checks
        for part in parts(await plan_of(history.owner, sent))
        if "Relation Name" in part and rows_read(part) > most
    ]
    assert excessive == []
