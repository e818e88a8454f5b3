"""The databases as an operator makes, dumps and restores them, on a server of their own."""

import os
import subprocess
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from db.documents import DOCUMENTS
from db.engine import Database, open_engine
from db.reads.events import START, get_feed
from db.reads.server import ServerUse, server_use
from db.verify.books import Finding, verify
from domain.documents import PROCESSES
from runtime.local.binaries import postgres_bin
from runtime.local.postgres import Postgres, remove
from tests.database import execute, migrate, named
from tests.ports import free_port

ROOT = Path(__file__).parents[2]
PASSWORDS = {"stateset_owner": "owners", "stateset_app": "apps", "temporal": "temporals"}


@dataclass(frozen=True)
class Server:
    """A PostgreSQL server after the first start of ``docker-compose.yml``."""

    admin_url: str

    def url(self, role: str, database: str = "stateset") -> str:
        """Return the URL of a database for one of our roles."""
        there = urlsplit(self.admin_url)
        return f"postgresql://{role}:{PASSWORDS[role]}@{there.hostname}:{there.port}/{database}"

    def run(self, *command: str | Path) -> bytes:
        """Run one of PostgreSQL's programs, or a script that does, as the administrator."""
        there = urlsplit(self.admin_url)
        assert there.username is not None
        environment = {
            "PATH": f"{postgres_bin()}:{os.environ['PATH']}",
            "PGHOST": there.hostname or "",
            "PGPORT": str(there.port),
            "PGPASSWORD": there.password or "",
            "PGUSER": there.username,
            "POSTGRES_USER": there.username,
            "STATESET_OWNER_PASSWORD": PASSWORDS["stateset_owner"],
            "STATESET_APP_PASSWORD": PASSWORDS["stateset_app"],
            "TEMPORAL_DB_PASSWORD": PASSWORDS["temporal"],
        }
        return subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE).stdout


@pytest.fixture(scope="module")
async def server(server_dir: Path) -> AsyncIterator[Server]:
    """A server with our databases and roles, the newest schema and some books."""
    data_dir = server_dir / "operator"
    postgres = Postgres(data_dir, free_port())
    made = Server(named(await postgres.start(), "postgres"))
    try:
        # The supervisor's own database has the name of ours.
        await execute(made.admin_url, "DROP DATABASE stateset")
        made.run(ROOT / "deploy/postgres/databases.sh")
        await migrate(made.url("stateset_owner"))
        await execute(made.url("stateset_owner"), (ROOT / "tests/db/sound.sql").read_text())
        yield made
    finally:
        await postgres.stop()
        remove(data_dir)


@pytest.fixture
async def app(server: Server) -> AsyncIterator[asyncpg.Connection]:
    """A connection as our processes have it."""
    connection = await asyncpg.connect(server.url("stateset_app"))
    yield connection
    await connection.close()


async def test_our_processes_change_rows_of_every_table(app: asyncpg.Connection) -> None:
    tables = await app.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    assert len(tables) > 10
    for (table,) in tables:
        for right in ("SELECT", "INSERT", "UPDATE", "DELETE"):
            assert await app.fetchval("SELECT has_table_privilege($1, $2)", table, right)
    assert await app.fetchval("SELECT nextval('task_numbers')") > 0


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE more (id int)",
        "ALTER TABLE orders ADD COLUMN more int",
        "DROP TABLE outbox",
        "TRUNCATE events",
    ],
)
async def test_our_processes_change_no_table(app: asyncpg.Connection, statement: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await app.execute(statement)


@pytest.mark.parametrize(
    ("role", "database"),
    [("stateset_app", "temporal"), ("stateset_owner", "temporal"), ("temporal", "stateset")],
)
async def test_nobody_enters_the_database_of_another(
    server: Server, role: str, database: str
) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await asyncpg.connect(server.url(role, database))


async def use_of(server: Server, role: str) -> ServerUse:
    books = Database(open_engine(server.url(role), application="tests", pool=2))
    try:
        async with books.read() as db:
            return await server_use(db)
    finally:
        await books.close()


async def test_our_processes_see_how_full_the_server_is(server: Server) -> None:
    slot = "SELECT pg_create_physical_replication_slot('left_behind', true)"
    await execute(server.admin_url, slot)
    found = await use_of(server, "stateset_app")
    await execute(server.admin_url, "SELECT pg_drop_replication_slot('left_behind')")
    assert set(found.sizes) == {"stateset", "postgres"}, "not those of Temporal"
    assert found.sizes["stateset"] > 1_000_000
    assert 0 < found.connections < found.most_connections <= 197
    assert found.wal is not None
    assert found.wal >= 16 * 1024 * 1024
    assert found.wal_most >= 1024 * 1024 * 1024
    assert list(found.kept) == ["left_behind"]
    assert found.archiving_fails == 0
    assert (await use_of(server, "stateset_app")).kept == {}


async def test_a_role_that_may_not_see_the_log_sees_the_rest(server: Server) -> None:
    """Databases from before the grant, and those of providers who do not give it."""
    found = await use_of(server, "stateset_owner")
    assert found.wal is None
    assert found.connections > 0


async def test_temporal_makes_its_tables_in_both_of_its_databases(server: Server) -> None:
    for database in ("temporal", "temporal_visibility"):
        connection = await asyncpg.connect(server.url("temporal", database))
        try:
            await connection.execute("CREATE TABLE executions (id int)")
            assert await connection.fetchval("SELECT count(*) FROM executions") == 0
        finally:
            await connection.close()


async def test_every_open_document_is_woken_after_a_restore(
    server: Server, app: asyncpg.Connection
) -> None:
    open_documents = {
        (row["id"], str(kind))
        for kind, each in DOCUMENTS.items()
        for row in await app.fetch(each.unfinished)
    }
    assert {kind for _, kind in open_documents} >= {"order", "return", "claim", "work_order"}
    orders = sum(kind == "order" for _, kind in open_documents)
    assert await app.fetchval("SELECT count(*) FROM orders") > orders
    await app.execute("DELETE FROM outbox")
    server.run(
        "psql", "--quiet", "--dbname", "stateset", "--file", ROOT / "deploy/restart_runs.sql"
    )
    woken = await app.fetch(
        "SELECT document_id, document_type, payload->>'signal' AS signal FROM outbox"
    )
    assert {(row["document_id"], row["document_type"]) for row in woken} == open_documents
    assert len(woken) == len(open_documents)
    assert {(row["document_type"], row["signal"]) for row in woken} <= {
        (kind, signal) for kind, process in PROCESSES.items() for signal in process.signals
    }


async def test_a_dump_restores_the_books_and_the_rights(server: Server, tmp_path: Path) -> None:
    before = await _counts(server)
    assert before["orders"] > 0
    dump = tmp_path / "stateset.dump"
    dump.write_bytes(server.run("pg_dump", "--format", "custom", "stateset"))
    await execute(server.url("stateset_owner"), "DROP TABLE orders, events CASCADE")
    restore = ("pg_restore", "--clean", "--if-exists", "--exit-on-error", "--dbname", "stateset")
    server.run(*restore, dump)
    assert await _counts(server) == before
    assert await _broken(server) == []


async def test_the_feed_goes_on_in_another_cluster_whose_transactions_begin_anew(
    server: Server, server_dir: Path, tmp_path: Path
) -> None:
    await execute(
        server.url("stateset_owner"),
        "DO $$ BEGIN FOR i IN 1..5000 LOOP PERFORM pg_current_xact_id(); COMMIT; END LOOP; END $$",
    )
    await execute(server.url("stateset_app"), ADD_EVENT)
    before = await _feed(server)
    dump = tmp_path / "stateset.dump"
    dump.write_bytes(server.run("pg_dump", "--format", "custom", "stateset"))
    postgres = Postgres(server_dir / "restored", free_port())
    restored = Server(named(await postgres.start(), "postgres"))
    try:
        await execute(restored.admin_url, "DROP DATABASE stateset")
        restored.run(ROOT / "deploy/postgres/databases.sh")
        restored.run("pg_restore", "--exit-on-error", "--dbname", "stateset", dump)
        assert await _feed(restored) == before[:-1]
        assert [each.id for each in await _broken(restored)] == ["I5e"]
        for url in (restored.url("stateset_owner"), restored.url("stateset_owner")):
            await migrate(url)
        assert await _broken(restored) == []
        assert await _feed(restored) == before
        await execute(restored.url("stateset_app"), ADD_EVENT)
        after = await _feed(restored)
        assert after[:-1] == before
        assert len(after) == len(before) + 1
    finally:
        await postgres.stop()
        remove(server_dir / "restored")


ADD_EVENT = """INSERT INTO events
    (id, type, subject, subject_id, sequence, actor, correlation_id, data)
    VALUES (gen_random_uuid(), 'order.told.v1', '', gen_random_uuid(), 1, 'tests', '', '{}')"""


async def _feed(server: Server) -> list[str]:
    engine = open_engine(server.url("stateset_app"), application="test", pool=1)
    async with engine.connect() as db:
        feed = await get_feed(db, after=START, limit=1000)
    await engine.dispose()
    assert not feed.more
    return [event["position"] for event in feed.events]


async def _broken(server: Server) -> list[Finding]:
    engine = open_engine(server.url("stateset_app"), application="test", pool=1)
    try:
        return [finding for finding in await verify(engine) if finding.broken]
    finally:
        await engine.dispose()


async def _counts(server: Server) -> dict[str, int]:
    connection = await asyncpg.connect(server.url("stateset_app"))
    try:
        return {
            table: await connection.fetchval(f"SELECT count(*) FROM {table}")
            for table in ("orders", "events", "payment_entries", "shipments", "tasks")
        }
    finally:
        await connection.close()
