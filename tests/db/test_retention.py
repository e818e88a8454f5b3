"""What is old and nothing needs is dropped by index; the books hold before and after."""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
from temporalio.client import Client

from db.engine import Database, open_engine
from db.verify.books import verify
from relay.retention import AT_A_TIME, RETENTION
from relay.sweeps import Sweeper
from telemetry.metrics import REGISTRY
from tests.history import History
from tests.statements import Statements, parts, plan_of

OLD, YOUNG = AT_A_TIME + 9, 9_000
ROWS = f"""
INSERT INTO inbound_facts (id, provider, provider_event_id, payload, state, received_at, applied_at)
    SELECT gen_random_uuid(), 'old', n::text, '{{}}'::jsonb, 'applied', at, at
    FROM generate_series(1, {OLD}) n, LATERAL (SELECT now() - interval '91 days' AS at) d
    UNION ALL SELECT gen_random_uuid(), 'young', n::text, '{{}}'::jsonb, 'ignored', at, at
    FROM generate_series(1, {YOUNG}) n, LATERAL (SELECT now() - interval '89 days' AS at) d
    UNION ALL SELECT md5('answered')::uuid, 'old', 'answered', '{{}}'::jsonb, 'task', at, at
    FROM (SELECT now() - interval '91 days' AS at) d
    UNION ALL SELECT md5('asked')::uuid, 'asked', 'about', '{{}}'::jsonb, 'task', at, at
    FROM (SELECT now() - interval '91 days' AS at) d
    UNION ALL SELECT gen_random_uuid(), 'waits', 'still', '{{}}'::jsonb, 'waiting',
        now() - interval '1 hour', NULL::timestamptz;
INSERT INTO tasks SELECT (jsonb_populate_record(t, jsonb_build_object('id', gen_random_uuid(),
    'number', 'T-fact', 'kind', 'unapplied_fact', 'status', 'open', 'document_type', 'fact',
    'document_id', md5('asked'), 'closed_at', NULL, 'closed_by', NULL, 'outcome', NULL,
    'due_at', now() + interval '1 day'))).* FROM tasks t ORDER BY id LIMIT 1;
INSERT INTO idempotency_keys (caller, key, route, fingerprint, resource_id, state, status, answer,
    created_at)
    SELECT CASE WHEN n > {YOUNG} THEN 'old' ELSE 'young' END, n::text, 'POST /anything', '',
        gen_random_uuid(), 'done', 200, '{{}}',
        now() - CASE WHEN n > {YOUNG} THEN interval '73 hours' ELSE interval '71 hours' END
    FROM generate_series(1, {YOUNG + OLD}) n;
INSERT INTO withdrawal_links (id, order_id, token_sha256, expires_at, withdrawal_id)
    SELECT gen_random_uuid(), o.id, gen_random_uuid()::text, now() - CASE WHEN n > {YOUNG}
        THEN interval '31 days' ELSE interval '29 days' END, NULL
    FROM generate_series(1, {YOUNG + OLD}) n, LATERAL (SELECT id FROM orders LIMIT 1) o
    UNION ALL SELECT gen_random_uuid(), w.order_id, 'used', now() - interval '31 days', w.id
    FROM (SELECT * FROM withdrawals LIMIT 1) w;
"""
LEFT = """
SELECT (SELECT array_agg(DISTINCT provider) FROM inbound_facts WHERE provider IN (
        'old', 'young', 'asked', 'waits')) AS facts,
    (SELECT array_agg(DISTINCT caller) FROM idempotency_keys
        WHERE caller IN ('old', 'young')) AS answers,
    (SELECT count(*) FROM withdrawal_links WHERE expires_at < now() - interval '30 days') AS links,
    (SELECT count(*) FROM withdrawal_links WHERE expires_at < now()) AS all_links
"""


@pytest.fixture
async def owner(database_url: str) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(database_url, ssl=False)
    history = History(connection, minutes=240)
    await history.begin()
    await history.grow(60)
    await connection.execute(ROWS)
    await connection.execute("VACUUM (ANALYZE)")
    yield connection
    await connection.close()


def dropped(name: str) -> float:
    value = REGISTRY.get_sample_value("stateset_rows_dropped_total", {"sweep": name})
    assert value is not None
    return value


async def test_what_is_old_is_dropped_by_index_and_the_books_hold_before_and_after(
    owner: Any, database_url: str
) -> None:
    books = Database(open_engine(database_url, application="test", pool=2))
    sent = Statements(books.engine)
    sweeper = Sweeper(books, await Client.connect("127.0.0.1:1", lazy=True))
    assert [found for found in await verify(books.engine) if found.broken] == []
    before = {sweep.name: dropped(sweep.name) for sweep in RETENTION}
    for sweep in RETENTION:
        with sent.kept() as statements:
            await sweep.find(sweeper)
        plans = [part for each in statements for part in parts(await plan_of(owner, each))]
        tables = [part for part in plans if part.get("Relation Name") not in (None, "tasks")]
        assert tables
        assert {part["Node Type"] for part in tables} <= {"Index Scan", "Index Only Scan"}
        await sweeper.sweep(sweep.name)
    assert [found for found in await verify(books.engine) if found.broken] == []
    await books.close()

    left = await owner.fetchrow(LEFT)
    assert left["facts"] == ["asked", "waits", "young"]
    assert left["answers"] == ["young"]
    assert (left["links"], left["all_links"]) == (1, YOUNG + 1)
    counts = {name: dropped(name) - count for name, count in before.items()}
    assert counts == {"expired_keys": OLD, "old_facts": OLD + 1, "unused_links": OLD}
