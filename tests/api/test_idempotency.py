"""A request that steers a document happens once, whoever repeats it and whatever breaks."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from pydantic import ValidationError

from api.idempotency import idempotent
from db.engine import Database
from db.idempotency import TAKEN_OVER_AFTER, Answer, drop_expired, find_expired
from domain.access import Caller, Role
from domain.errors import IllegalMove, KeyInProgress, KeyReused
from domain.value import Value
from relay.sweep import Keep
from runtime.settings import Settings
from tests.patience import PATIENCE

ROUTE = "POST /orders/1/cancel"
CALLER = Caller(subject="key:1", role=Role.SUPPORT)


class Asked(Value):
    reason: str = "staff"


class Done(Value):
    by: UUID


class Process:
    """Counts how often it was really asked."""

    def __init__(self) -> None:
        self.asked: list[UUID] = []
        self.begun = asyncio.Semaphore(0)
        self.go_on = asyncio.Event()
        self.go_on.set()
        self.refusal: Exception | None = None

    async def run(self, request_id: UUID) -> Done:
        self.asked.append(request_id)
        self.begun.release()
        await self.go_on.wait()
        if self.refusal is not None:
            raise self.refusal
        return Done(by=request_id)


@pytest.fixture
def process() -> Process:
    return Process()


async def ask(
    books: Database, process: Process, key: str, *, caller: Caller = CALLER, **rest: Any
) -> Answer:
    asked = {"route": ROUTE, "body": Asked(), **rest}
    return await idempotent(books, caller, key, asked["route"], asked["body"], process.run)


async def test_a_repeated_request_gets_the_first_answer(books: Database, process: Process) -> None:
    first = await ask(books, process, "repeat")
    again = await ask(books, process, "repeat")
    assert again.body == first.body
    assert again.replayed
    assert len(process.asked) == 1


async def test_requests_at_the_same_time_wait_for_the_first(
    books: Database, process: Process
) -> None:
    process.go_on.clear()
    asking = [asyncio.create_task(ask(books, process, "together")) for _ in range(10)]
    await asyncio.wait_for(process.begun.acquire(), PATIENCE)
    process.go_on.set()
    answers = await asyncio.gather(*asking)
    assert len({answer.body for answer in answers}) == 1
    assert len(process.asked) == 1


async def test_who_waits_too_long_is_told_to_come_back(
    books: Database, process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.idempotency.PATIENCE", 0.2)
    process.go_on.clear()
    first = asyncio.create_task(ask(books, process, "slow"))
    await asyncio.wait_for(process.begun.acquire(), PATIENCE)
    with pytest.raises(KeyInProgress):
        await ask(books, process, "slow")
    process.go_on.set()
    await first


async def test_another_request_under_the_same_key_is_refused(
    books: Database, process: Process
) -> None:
    await ask(books, process, "reuse")
    with pytest.raises(KeyReused):
        await ask(books, process, "reuse", body=Asked(reason="other"))
    with pytest.raises(KeyReused):
        await ask(books, process, "reuse", route="POST /orders/2/cancel")
    assert len(process.asked) == 1


async def test_callers_do_not_share_keys(books: Database, process: Process) -> None:
    other = Caller(subject="key:2", role=Role.SUPPORT)
    first = await ask(books, process, "mine")
    second = await ask(books, process, "mine", caller=other)
    assert first.body != second.body
    assert not second.replayed


@pytest.mark.parametrize("refusal", [IllegalMove("no"), RuntimeError("broken")], ids=str)
async def test_what_was_refused_or_failed_may_be_asked_again(
    refusal: Exception, books: Database, process: Process
) -> None:
    process.refusal = refusal
    key = f"again-{refusal}"
    with pytest.raises(type(refusal)):
        await ask(books, process, key)
    process.refusal = None
    await ask(books, process, key)
    assert len(process.asked) == 2


async def test_a_request_that_is_given_up_is_repeated_at_once_under_the_same_id(
    books: Database, process: Process
) -> None:
    """B3: nobody knows what became of it, so a repeat must not be another request."""
    process.go_on.clear()
    asking = asyncio.create_task(ask(books, process, "given-up"))
    await asyncio.wait_for(process.begun.acquire(), PATIENCE)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    process.go_on.set()
    await ask(books, process, "given-up")
    assert process.asked[0] == process.asked[1]


async def test_a_request_whose_process_died_is_taken_over_under_the_same_id(
    books: Database, process: Process, database_url: str
) -> None:
    process.go_on.clear()
    dead = asyncio.create_task(ask(books, process, "died"))
    await asyncio.wait_for(process.begun.acquire(), PATIENCE)
    connection = await asyncpg.connect(database_url, ssl=False)
    await connection.execute(
        "UPDATE idempotency_keys SET created_at = now() - interval '61 seconds' WHERE key = 'died'"
    )
    second = asyncio.create_task(ask(books, process, "died"))
    await asyncio.wait_for(process.begun.acquire(), PATIENCE)
    assert process.asked[0] == process.asked[1]
    # The first one turns out to be alive after all; its answer is the same and harms nothing.
    process.go_on.set()
    assert (await dead).body == (await second).body
    state = await connection.fetchval("SELECT state FROM idempotency_keys WHERE key = 'died'")
    await connection.close()
    assert state == "done"


def test_no_request_is_taken_over_while_it_may_still_be_answered() -> None:
    longest = timedelta(seconds=45)
    assert Settings(request_timeout=longest).request_timeout == longest
    with pytest.raises(ValidationError):
        Settings(request_timeout=longest + timedelta(seconds=1))
    # What is given up frees its key, which takes a statement.
    assert longest + Settings().statement_timeout <= TAKEN_OVER_AFTER


async def test_keys_are_forgotten_after_72_hours(
    books: Database, process: Process, database_url: str
) -> None:
    for key, hours in (("kept", 71), ("forgotten", 73)):
        await ask(books, process, key)
        connection = await asyncpg.connect(database_url, ssl=False)
        await connection.execute(
            "UPDATE idempotency_keys SET created_at = now() - make_interval(hours => $2)"
            " WHERE key = $1",
            key,
            hours,
        )
        await connection.close()
    kept = Keep().answers
    async with books.begin() as db:
        assert await drop_expired(db, await find_expired(db, 9, kept), kept) == 1
    assert (await ask(books, process, "kept")).replayed
    assert not (await ask(books, process, "forgotten")).replayed
