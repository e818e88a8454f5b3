"""The feed of events: complete, each one once, in one order, also when writers commit late."""

import asyncio
import sys
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from sqlalchemy import text

from db.engine import Database
from db.events import Event, add_events
from db.reads.events import START
from domain.ids import new_id
from tests.api.callers import Callers
from tests.database import ROOT

PROCESSES, WRITERS = 2, 8
EVENTS = 5000
LOOKED_AT = 2000
"""How many events a page looks through for those that are wanted."""


async def add(books: Database, *subjects: UUID, kind: str = "order.told") -> None:
    async with books.begin() as db:
        await add_events(db, [event(subject, kind) for subject in subjects])


def event(subject: UUID, kind: str = "order.told") -> Event:
    return Event(kind, "SO-1", subject, "tests", "", {"a": [1]})


async def read(callers: Callers, address: str) -> dict[str, Any]:
    answer = await callers.get(address)
    assert answer.status_code == 200, answer.text
    page: dict[str, Any] = answer.json()
    return page


async def rest(callers: Callers, address: str) -> tuple[list[dict[str, Any]], str]:
    """Read on to the end; return the events and where the feed goes on."""
    items: list[dict[str, Any]] = []
    while True:
        page = await read(callers, address)
        items += page["items"]
        address = page["next"]
        if not page["has_more"]:
            return items, address


async def end(callers: Callers) -> str:
    return (await rest(callers, "/events?limit=100"))[1]


async def test_a_hungry_reader_misses_nothing_of_writers_that_overtake_each_other(
    callers: Callers, books: Database, database_url: str
) -> None:
    for name in range(5):
        await callers.post("/customers", {"name": f"Customer {name}"})
    each = EVENTS // PROCESSES // WRITERS + 1
    command = (sys.executable, "-m", "tests.api.writing", database_url, str(WRITERS), str(each))
    address = "/events?limit=7"
    writers = [await asyncio.create_subprocess_exec(*command, cwd=ROOT) for _ in range(PROCESSES)]
    done = asyncio.gather(*(process.wait() for process in writers))
    seen: list[dict[str, Any]] = []
    pages = 0
    while not done.done():
        page = await read(callers, address)
        seen += page["items"]
        address = page["next"]
        pages += 1
    assert await done == [0] * PROCESSES
    seen += (await rest(callers, address))[0]

    async with books.read() as db:
        written = set((await db.execute(text("SELECT id FROM events"))).scalars())
    assert len(written) >= EVENTS
    assert pages > 100
    assert len(seen) == len({one["id"] for one in seen}), "an event was seen twice"
    assert {UUID(one["id"]) for one in seen} == written
    reached: dict[str, int] = {}
    for one in seen:
        assert one["sequence"] == reached.get(one["subject_id"], 0) + 1
        reached[one["subject_id"]] = one["sequence"]


async def test_an_open_transaction_holds_back_what_was_written_after_it_began(
    callers: Callers, books: Database
) -> None:
    address = await end(callers)
    slow, quick = new_id(), new_id()
    async with books.begin() as db:
        await add_events(db, [event(slow)])
        await add(books, quick)
        page = await read(callers, address)
        assert (page["items"], page["has_more"], page["next"]) == ([], False, address)
    items, _ = await rest(callers, address)
    assert [one["subject_id"] for one in items] == [str(slow), str(quick)]


async def test_events_of_a_document_keep_their_sequence_whichever_transaction_began_first(
    callers: Callers, books: Database
) -> None:
    address = await end(callers)
    document, other = new_id(), new_id()
    async with books.begin() as early:
        await add_events(early, [event(other)])
        await add(books, document)
        await add_events(early, [event(document), event(document)])
    items, _ = await rest(callers, address)
    numbers = [one["sequence"] for one in items if one["subject_id"] == str(document)]
    assert numbers == [1, 2, 3]


async def test_events_of_one_transaction_come_as_they_were_added(
    callers: Callers, books: Database
) -> None:
    address = await end(callers)
    subjects = [uuid4() for _ in range(20)]
    await add(books, *subjects)
    items, _ = await rest(callers, f"{address}&limit=3")
    assert [one["subject_id"] for one in items] == [str(subject) for subject in subjects]


async def test_a_page_says_where_to_read_on_also_at_the_end(
    callers: Callers, books: Database
) -> None:
    start = await end(callers)
    document = new_id()
    await add(books, document, document, document)
    first = await read(callers, f"{start.replace('limit=100', 'limit=2')}")
    assert [one["sequence"] for one in first["items"]] == [1, 2]
    assert first["has_more"] is True
    assert first["next"] == f"/events?limit=2&after={first['items'][-1]['position']}"
    last = await read(callers, first["next"])
    assert [one["sequence"] for one in last["items"]] == [3]
    assert last["has_more"] is False
    again = await read(callers, last["next"])
    assert (again["items"], again["next"], again["has_more"]) == ([], last["next"], False)
    assert set(last["items"][0]) == {
        *("id", "type", "subject", "subject_id", "sequence", "time", "actor"),
        *("correlation_id", "data", "position"),
    }


async def test_a_filtered_feed_moves_on_past_what_is_not_wanted(
    callers: Callers, books: Database
) -> None:
    start = (await end(callers)).rpartition("=")[2]
    wanted, other = new_id(), new_id()
    for _ in range(3):
        await add(books, *[other] * LOOKED_AT)
        await add(books, wanted, kind="order.wanted")
    by_type = f"/events?type=order.wanted.v1&type=nothing.v1&after={start}"
    page = await read(callers, by_type)
    assert (page["items"], page["has_more"]) == ([], True)
    items, address = await rest(callers, by_type)
    assert [one["sequence"] for one in items] == [1, 2, 3]
    assert "type=nothing.v1&type=order.wanted.v1" in address
    await add(books, wanted, kind="order.wanted")
    assert [one["sequence"] for one in (await rest(callers, address))[0]] == [4]
    items, address = await rest(callers, f"/events?subject_id={other}&limit=100")
    assert [one["sequence"] for one in items] == list(range(1, 3 * LOOKED_AT + 1))
    await add(books, wanted, other)
    assert [one["sequence"] for one in (await rest(callers, address))[0]] == [3 * LOOKED_AT + 1]


@pytest.mark.parametrize(
    "after",
    [
        "x",
        "",
        "4df66942-dabc-426d-a60b-a27ba500d4e5",
        "8" + "0" * 47,
        "0" * 47 + "1",
        "0" * 49,
        "7" + "F" * 47,
    ],
)
async def test_a_position_that_no_event_has_is_refused(callers: Callers, after: str) -> None:
    answer = await callers.get(f"/events?after={after}")
    assert answer.status_code == 422
    assert answer.json()["code"] == "malformed"
    assert answer.json()["errors"][0]["pointer"] == "/query/after"


async def test_an_empty_feed_says_where_to_begin(callers: Callers, database_url: str) -> None:
    connection = await asyncpg.connect(database_url, ssl=False)
    await connection.execute("SET session_replication_role = replica; TRUNCATE events")
    await connection.close()
    page = await read(callers, "/events")
    assert page == {"items": [], "next": f"/events?after={START}", "has_more": False}
    assert await read(callers, page["next"]) == page
