"""What partners tell us: only what is signed, once each, kept as it came."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import httpx2
import pytest
from standardwebhooks.webhooks import Webhook

from gateways.carriers.sandbox import SANDBOX_CARRIER
from gateways.payments.sandbox import SANDBOX_PAYMENTS
from runtime.settings import Settings
from tests.api.callers import Callers

EVENT = {"id": "evt_1", "type": "tracking.scan", "data": {"code": "DL"}}


def sign(
    body: str, *, event_id: str | None = None, secret: str | None = None, at: datetime | None = None
) -> dict[str, str]:
    """Sign as the sandbox carrier does, with the partners' own library."""
    now = at or datetime.now(UTC)
    name = event_id or f"evt_{uuid4().hex}"
    key = secret or Settings().of(SANDBOX_CARRIER).webhook_secret.get_secret_value()
    return {
        "content-type": "application/json",
        "webhook-id": name,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(key).sign(name, now, body),
    }


async def tell(
    callers: Callers, body: str, headers: dict[str, str], provider: str = "sandbox-carrier"
) -> httpx2.Response:
    return await callers.client.post(f"/webhooks/{provider}", content=body, headers=headers)


async def kept(database_url: str) -> list[Any]:
    connection = await asyncpg.connect(database_url, ssl=False)
    rows = await connection.fetch(
        "SELECT f.provider_event_id, f.payload, f.state, o.kind, o.document_type"
        " FROM inbound_facts f LEFT JOIN outbox o ON o.document_id = f.id ORDER BY f.id"
    )
    await connection.close()
    return list(rows)


async def test_a_signed_event_is_kept_and_queued_in_one_step(
    callers: Callers, database_url: str
) -> None:
    body = json.dumps(EVENT)
    answer = await tell(callers, body, sign(body, event_id="evt_first"))
    assert answer.status_code == 202
    assert answer.json() == {"event_id": "evt_first", "repeated": False}
    (row,) = [row for row in await kept(database_url) if row["provider_event_id"] == "evt_first"]
    assert json.loads(row["payload"]) == EVENT
    assert (row["state"], row["kind"], row["document_type"]) == ("received", "fact", "fact")


async def test_a_repeated_event_is_thanked_for_and_kept_once(
    callers: Callers, database_url: str
) -> None:
    body = json.dumps(EVENT)
    headers = sign(body, event_id="evt_again")
    answers = await asyncio.gather(*(tell(callers, body, headers) for _ in range(6)))
    assert {answer.status_code for answer in answers} == {202}
    assert sorted(answer.json()["repeated"] for answer in answers) == [False] + [True] * 5
    again = [row for row in await kept(database_url) if row["provider_event_id"] == "evt_again"]
    assert len(again) == 1


async def test_of_events_that_come_at_once_one_that_is_no_object_holds_no_other(
    callers: Callers, database_url: str
) -> None:
    bodies = [json.dumps({**EVENT, "data": {"turn": turn}}) for turn in range(20)]
    bodies.insert(7, "no object")
    before = len(await kept(database_url))
    answers = await asyncio.gather(*(tell(callers, body, sign(body)) for body in bodies))
    assert [answer.status_code for answer in answers] == [202] * 21
    rows = (await kept(database_url))[before:]
    told = [json.loads(row["payload"]) for row in rows]
    assert told.pop(7) == {"unreadable": "no object"}
    assert [each["data"]["turn"] for each in told] == list(range(20))
    assert {row["kind"] for row in rows} == {"fact"}


@pytest.mark.parametrize(
    ("digits", "kept_as"),
    [
        ("9223372036854775808", 2**63),
        ("18446744073709551615", 2**64 - 1),
        ("-9223372036854775808", -(2**63)),
        ("18446744073709551616", "18446744073709551616"),
        ("-9223372036854775809", "-9223372036854775809"),
        ("12345678901234567890123", "12345678901234567890123"),
        ("9" * 300, "9" * 300),
    ],
)
async def test_a_number_beyond_64_bits_is_kept_digit_by_digit(
    digits: str, kept_as: int | str, callers: Callers, database_url: str
) -> None:
    """D20: stored as it came; a rounded number would be what nobody told."""
    body = f'{{"id": "evt_large", "type": "tracking.scan", "data": {{"large": {digits}, "n": 1}}}}'
    name = f"evt_{uuid4().hex}"
    assert (await tell(callers, body, sign(body, event_id=name))).status_code == 202
    (row,) = [row for row in await kept(database_url) if row["provider_event_id"] == name]
    assert json.loads(row["payload"])["data"] == {"large": kept_as, "n": 1}


async def test_what_is_not_signed_by_the_partner_leaves_nothing(
    callers: Callers, database_url: str
) -> None:
    body = json.dumps(EVENT)
    good = sign(body)
    payments = Settings().of(SANDBOX_PAYMENTS).webhook_secret.get_secret_value()
    forged = {
        "unsigned": {},
        "no signature": {**good, "webhook-signature": ""},
        "another's secret": sign(body, secret=payments),
        "another id": {**good, "webhook-id": "evt_other"},
        "old": sign(body, at=datetime.now(UTC) - timedelta(minutes=6)),
        "from the future": sign(body, at=datetime.now(UTC) + timedelta(minutes=6)),
        "another version": {**good, "webhook-signature": good["webhook-signature"][1:]},
    }
    before = len(await kept(database_url))
    for name, headers in forged.items():
        assert (await tell(callers, body, headers)).status_code == 401, name
    assert (await tell(callers, body + " ", good)).status_code == 401
    assert len(await kept(database_url)) == before


async def test_one_good_signature_of_two_is_enough(callers: Callers) -> None:
    body = json.dumps(EVENT)
    good = sign(body)
    other = sign(body, secret=Settings().of(SANDBOX_PAYMENTS).webhook_secret.get_secret_value())
    both = f"{other['webhook-signature']} {good['webhook-signature']}"
    assert (await tell(callers, body, {**good, "webhook-signature": both})).status_code == 202


async def test_an_unknown_partner_is_not_found(callers: Callers) -> None:
    body = json.dumps(EVENT)
    assert (await tell(callers, body, sign(body), "somebody")).status_code == 404


def nested(depth: int) -> str:
    return '{"a": ' + "[" * depth + "]" * depth + "}"


@pytest.mark.parametrize(
    "body", ["[]", "1", "{", "NaN", '{"a": "\\ud800"}', "", nested(252), nested(1000)]
)
async def test_a_genuine_body_that_is_no_storable_object_is_kept_as_text(
    body: str, callers: Callers, database_url: str
) -> None:
    """T09, D20: refused, the partner would send it for ever; kept, it becomes a task."""
    before = len(await kept(database_url))
    assert (await tell(callers, body, sign(body))).status_code == 202
    [row] = (await kept(database_url))[before:]
    assert json.loads(row["payload"]) == {"unreadable": body}


async def test_a_genuine_body_with_nul_is_stored_safely(
    callers: Callers, database_url: str
) -> None:
    """T09: NUL in a text was 422 at the door for ever."""
    body = '{"a\\u0000": ["\\u0000b", {"c": "\\\\u0000"}]}'
    assert (await tell(callers, body, sign(body, event_id="evt_nul"))).status_code == 202
    [row] = [row for row in await kept(database_url) if row["provider_event_id"] == "evt_nul"]
    assert json.loads(row["payload"]) == {"a\ufffd": ["\ufffdb", {"c": "\\u0000"}]}
