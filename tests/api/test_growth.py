"""However long the history is, no question reads more of it than it did before."""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import httpx2
import pytest

from api.app import create_app
from api.services import Services
from domain.errors import PartnerUnavailable
from db.engine import Database, open_engine
from runtime.settings import Settings
from tests.api.callers import Callers
from tests.asking import Questions, known
from tests.history import SOUND, History
from tests.statements import Statements, parts, plan_of, rows_read

ORDERS = 9_000
LARGE = 2_500
MOST = 1_500


async def away() -> Any:
    raise PartnerUnavailable("Temporal")


@pytest.fixture(scope="module")
async def long_history(database_url: str) -> AsyncIterator[Any]:
    """Books of years: a superuser's connection to them."""
    db = await asyncpg.connect(database_url, ssl=False)
    await db.execute(SOUND.read_text())
    history = History(db)
    await history.begin()
    await history.grow(ORDERS)
    yield db
    await db.close()


async def test_no_answer_reads_more_of_the_history_than_its_page(
    long_history: Any, database_url: str, settings: Settings
) -> None:
    books = Database(open_engine(database_url, application="growth", pool=4))
    sent = Statements(books.engine)
    app = create_app(Services(settings, books, away))
    rows = "SELECT relname, reltuples FROM pg_class WHERE relkind = 'r' AND reltuples > $1"
    large = {row["relname"] for row in await long_history.fetch(rows, LARGE)}
    assert {"orders", "events", "movements", "work_orders"} <= large
    excessive: dict[str, str] = {}
    transport = httpx2.ASGITransport(app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://stateset") as client:
        callers = Callers(client, books)
        for question in Questions(app.openapi(), await known(long_history)):
            with sent.kept() as statements:
                answer = await callers.get(question)
            print(answer.status_code, question)
            for statement in statements:
                for part in parts(await plan_of(long_history, statement)):
                    table = part.get("Relation Name")
                    if table in large and (
                        rows_read(part) > MOST or part["Node Type"] == "Seq Scan"
                    ):
                        print("   ", part["Node Type"], part.get("Index Name"), table, rows_read(part), statement[0][:3000])
                        excessive[question] = f"{part['Node Type']} of {table}"
    await books.close()
    assert excessive == {}
