"""What unexpected failures write to the log: never the facts of a customer."""

import logging
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
import structlog
from fastapi import FastAPI
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from pydantic import ValidationError
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from structlog.testing import capture_logs

from api.customers.router import CustomerView
from db.driver_reads import fetch
from db.engine import Database
from domain.addresses import Address
from telemetry import tracing
from tests.api.callers import Callers
from tests.shop import opened
from tests.storefront import ADDRESS, an_order

PLANTED = {
    "name": "Ada Planted",
    "email": "ada@planted.example",
    "phone": "+4930555777",
    "line1": "77 Planted Row",
    "token": "tok_planted",
}


@pytest.fixture
def written(caplog: pytest.LogCaptureFixture) -> Iterator[list[Any]]:
    """All that the process logs, with the whole chain of each exception."""
    caplog.set_level(logging.DEBUG)
    with capture_logs(processors=[structlog.processors.format_exc_info]) as lines:
        yield lines


def planted_in(lines: list[Any], caplog: pytest.LogCaptureFixture) -> list[str]:
    said = f"{lines}\n{caplog.text}"
    return [fact for fact in PLANTED.values() if fact in said]


@pytest.mark.parametrize(
    "check",
    [
        "name <> 'Ada Planted'",
        "CAST(name AS integer) > 0",
        "CAST(email AS uuid) IS NOT NULL",
        "CAST(address ->> 'line1' AS timestamptz) IS NOT NULL",
        "CAST('[' || phone AS jsonb) IS NOT NULL",
    ],
)
async def test_a_customer_that_the_database_refuses_is_not_in_the_log(
    check: str,
    callers: Callers,
    database_url: str,
    written: list[Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """D10: neither parameters nor what the server quotes of the row are logged."""
    connection = await asyncpg.connect(database_url, ssl=False)
    try:
        await connection.execute(f"ALTER TABLE customers ADD CONSTRAINT odd CHECK ({check})")
        body = {name: PLANTED[name] for name in ("name", "email", "phone")}
        address = {**ADDRESS, "name": PLANTED["name"], "line1": PLANTED["line1"]}
        answer = await callers.post("/customers", {**body, "address": address})
    finally:
        await connection.execute("ALTER TABLE customers DROP CONSTRAINT IF EXISTS odd")
        await connection.close()
    assert answer.status_code == 422, answer.text
    [failed] = [line for line in written if line["event"] == "refused_by_the_database"]
    assert "asyncpg" in failed["exception"]
    assert planted_in(written, caplog) == []


async def test_an_order_that_the_database_refuses_is_not_in_the_log(
    callers: Callers, database_url: str, written: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    """D10: the statement that writes an order carries all of it, and none of it is logged."""
    async with opened(database_url):
        pass
    prices = [{"amount": 100, "currency": "USD"}]
    await callers.post("/items", {"sku": "MUG", "name": "Mug", "prices": prices})
    stock = {"sku": "MUG", "site": "AUS", "quantity": 5, "reason": "found"}
    await callers.post("/inventory/adjustments", stock)
    customer = (await callers.post("/customers", {"name": "Ada"})).json()["id"]
    to = {**ADDRESS, "name": PLANTED["name"], "line1": PLANTED["line1"]}
    card = {"method": "card", "token": PLANTED["token"]}
    body = an_order(customer, {"MUG": 1}, ship_to=to, payment=card)
    connection = await asyncpg.connect(database_url, ssl=False)
    try:
        for table, check in (("orders", "ship_to ->> 'name' = 'x'"), ("payments", "token = 'x'")):
            await connection.execute(f"ALTER TABLE {table} ADD CONSTRAINT odd CHECK ({check})")
            answer = await callers.post("/orders", body)
            assert answer.status_code == 422, answer.text
            await connection.execute(f"ALTER TABLE {table} DROP CONSTRAINT odd")
    finally:
        await connection.close()
    failed = [line for line in written if line["event"] == "refused_by_the_database"]
    assert len(failed) == 2
    assert all("CheckViolationError" in line["exception"] for line in failed)
    assert planted_in(written, caplog) == []


async def _write(books: Database, name: str) -> None:
    async with books.begin() as db:
        given = {"name": name, "id": uuid4()}
        await db.execute(text("SELECT CAST(:name AS uuid), CAST(:id AS uuid)"), given)


async def test_values_that_the_driver_cannot_write_are_not_in_its_error(books: Database) -> None:
    """D10: what raises keeps no value, so neither logs nor traces nor failures show one."""
    spans = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    tracer = provider.get_tracer("tests")
    tracing.collect(tracer)
    try:
        with pytest.raises(DBAPIError), tracer.start_as_current_span("reading"):
            await fetch(books, "SELECT $1::uuid", PLANTED["name"])
        with pytest.raises(DBAPIError), tracer.start_as_current_span("writing"):
            await _write(books, PLANTED["name"])
    finally:
        tracing.collect(None)
    told = [
        str(dict(one.attributes or {}))
        for span in spans.get_finished_spans()
        for one in span.events
    ]
    assert len(told) >= 2
    assert [one for one in told if PLANTED["name"] in one] == []


def test_a_value_that_is_refused_is_not_in_the_refusal() -> None:
    """D10: the words of a validation name the place, not what was found there."""
    with pytest.raises(ValidationError) as raised:
        Address.model_validate({**ADDRESS, "line1": PLANTED["line1"] * 30})
    assert "line1" in str(raised.value)
    assert PLANTED["line1"] not in str(raised.value)


async def test_an_answer_that_does_not_fit_its_description_is_not_in_the_log(
    app: FastAPI, callers: Callers, written: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    """D10: the log says which route answered oddly and where, not what it would have said."""

    @app.get("/customers/odd/answer", response_model=CustomerView)
    async def answer_oddly() -> dict[str, str]:
        return dict(PLANTED)

    app.router.routes.insert(0, app.router.routes.pop())
    try:
        answer = await callers.get("/customers/odd/answer")
    finally:
        del app.router.routes[0]
    assert (answer.status_code, answer.json()["code"]) == (500, "internal"), answer.text
    [failed] = [line for line in written if line["event"] == "request failed"]
    assert planted_in(written, caplog) == []
    for said in ("GET /customers/odd/answer", "answer_oddly", "response.status (missing)"):
        assert said in failed["exception"]
    assert [fact for fact in PLANTED.values() if fact in answer.text] == []
