"""Answers to questions: the first one counts, and every other one hears which it was."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx2
import pytest

from api.idempotency import fingerprint
from api.tasks import DecideTask
from domain.tasks import TaskKind
from domain.value import Value
from tests.api.callers import Callers
from tests.workflows.asking import calling
from tests.workflows.stage import Stage

ROLES = ("support", "admin")


@pytest.fixture
async def callers(stage: Stage) -> AsyncIterator[Callers]:
    async with calling(stage) as callers:
        yield callers


async def _lost(stage: Stage) -> Any:
    """Return the question about a lost parcel."""
    mug = await stage.shop.item(AUS=1)
    order = await stage.shop.place((mug, 1))
    shipment = await stage.shipment(order, "booked")
    await stage.travel(shipment, "lost")
    return await stage.task(TaskKind.PARCEL_LOST, shipment)


async def _decide(callers: Callers, task: UUID, choice: str, role: str) -> httpx2.Response:
    return await callers.post(f"/tasks/{task}/decide", {"choice": choice}, role=role)


def _is_late(answer: httpx2.Response, outcome: str) -> bool:
    body = answer.json()
    return (answer.status_code, body["code"], body.get("outcome")) == (409, "illegal_move", outcome)


async def test_a_decided_task_refuses_every_other_answer_with_its_outcome(
    stage: Stage, callers: Callers
) -> None:
    """D8: 409 with the outcome; 200 only for the repeat of the same choice."""
    task = (await _lost(stage))["id"]
    first = await _decide(callers, task, "write_off", "support")
    assert (first.status_code, first.json()["outcome"]) == (200, "write_off"), first.text
    for choice, role in (("refund", "support"), ("nonsense", "support"), ("write_off", "admin")):
        late = await _decide(callers, task, choice, role)
        assert _is_late(late, "write_off"), late.text
        assert late.json()["decided_by"] == first.json()["closed_by"]
    again = await _decide(callers, task, "write_off", "support")
    assert (again.status_code, again.json()) == (200, first.json())


async def test_of_many_who_answer_at_once_one_decides_and_the_others_are_refused(
    stage: Stage, callers: Callers
) -> None:
    """D8: the losers of a race get 409 with the outcome, also after the run has ended."""
    found = await _lost(stage)
    task = found["id"]
    rivals = [("refund", "support"), ("write_off", "admin")] * 4
    for role in ROLES:
        await callers.key(role)
    answers = await asyncio.gather(*(_decide(callers, task, *rival) for rival in rivals))
    row = await stage.shop.one("SELECT outcome FROM tasks WHERE id = :id", id=task)
    for (choice, _), answer in zip(rivals, answers, strict=True):
        assert answer.status_code == 200 if choice == row else _is_late(answer, row), answer.text
    await stage.result(stage.tracking(found["document_id"]))
    for choice, role in rivals[:2]:
        after = await _decide(callers, task, choice, role)
        assert after.status_code == 200 if choice == row else _is_late(after, row), after.text


async def test_an_answer_that_books_money_is_refused_with_the_outcome_too(
    stage: Stage, callers: Callers
) -> None:
    """D8: an amount that is decided is not decided again, whatever could be booked."""
    await stage.payments.fault("wrong_amount", "authorize", amount=1)
    mug = await stage.shop.item(AUS=2)
    order = await stage.shop.place((mug, 2))
    task = (await stage.task(TaskKind.PAYMENT_MISMATCH, order))["id"]
    first = await _decide(callers, task, "theirs", "finance")
    assert first.status_code == 200, first.text
    for choice in ("ours", "nonsense"):
        late = await _decide(callers, task, choice, "finance")
        assert _is_late(late, "theirs"), late.text
    again = await _decide(callers, task, "theirs", "finance")
    assert again.status_code == 200, again.text
    assert await stage.entries(order) == [
        ("authorization", "requested"),
        ("authorization", "succeeded"),
    ]
    await stage.cancel(order)


def test_an_answer_is_repeated_under_a_key_that_the_release_before_has_stored() -> None:
    class DecideBefore(Value):
        choice: str
        note: str = ""

    route, given = "POST /tasks/1/decide", {"choice": "refund", "note": "lost"}
    before = fingerprint(route, DecideBefore.model_validate(given))
    assert fingerprint(route, DecideTask.model_validate(given)) == before
    with_service = DecideTask.model_validate({**given, "service": "express"})
    assert fingerprint(route, with_service) != before
