"""Tables and migrations: they agree, and every migration goes up, down and up again."""

import asyncio
import io
import os
import shutil
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError

from db.engine import open_engine
from db.tables import metadata
from runtime.local.postgres import Postgres, remove
from tests.checks.outcome import ROOT, Failed, refuse
from tests.ports import free_port

SHAPE = """
    SELECT 'column', table_name, column_name, data_type, is_nullable || coalesce(column_default, '')
    FROM information_schema.columns
    WHERE table_schema = 'public' AND table_name <> 'alembic_version'
    UNION ALL
    SELECT 'index', tablename, indexname, indexdef, '' FROM pg_indexes WHERE schemaname = 'public'
        AND tablename <> 'alembic_version'
    UNION ALL
    SELECT 'check', conrelid::regclass::text, conname, pg_get_constraintdef(oid), ''
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace
        AND conrelid::regclass::text <> 'alembic_version'
    UNION ALL
    SELECT 'sequence', sequencename, '', '', '' FROM pg_sequences WHERE schemaname = 'public'
    UNION ALL
    SELECT 'function', proname, '', prosrc, '' FROM pg_proc
    WHERE pronamespace = 'public'::regnamespace
    UNION ALL
    SELECT 'type', typname, '', '', '' FROM pg_type
    WHERE typnamespace = 'public'::regnamespace AND typtype IN ('e', 'd')
    ORDER BY 1, 2, 3, 4
"""
"""All that a migration can leave behind."""
ONLY_MIGRATED = {"function"}
"""What tables cannot say: the triggers that keep ledgers append-only."""


def check_the_migrations_make_what_the_tables_say() -> None:
    asyncio.run(_on_a_fresh_server(_agree))


def check_every_migration_goes_up_and_down_and_up() -> None:
    asyncio.run(_on_a_fresh_server(_up_down_up))


def check_there_is_one_line_of_migrations() -> None:
    heads = ScriptDirectory.from_config(_config("")).get_heads()
    refuse([] if len(heads) == 1 else [f"there are {len(heads)} newest migrations: {heads}"])


async def _agree(url: str) -> None:
    await _alembic(command.upgrade, url, "head")
    try:
        await _alembic(command.check, url)
    except CommandError as difference:
        raise Failed(str(difference)) from difference
    # Alembic compares no CHECK, no partial index's condition and no sequence.
    migrated = [one for one in await _shape(url) if one[0] not in ONLY_MIGRATED]
    await _alembic(command.downgrade, url, "base")
    engine = open_engine(url, application="check", pool=1)
    async with engine.begin() as connection:
        await connection.run_sync(metadata.create_all)
    await engine.dispose()
    said = await _shape(url)
    findings = [f"only in the migrations: {' '.join(one)}" for one in set(migrated) - set(said)]
    findings += [f"only in the tables: {' '.join(one)}" for one in set(said) - set(migrated)]
    refuse(sorted(findings))


async def _up_down_up(url: str) -> None:
    await _alembic(command.upgrade, url, "head")
    first = await _shape(url)
    await _alembic(command.downgrade, url, "base")
    left = await _shape(url)
    await _alembic(command.upgrade, url, "head")
    again = await _shape(url)
    findings = [f"left behind: {' '.join(one[:3])}" for one in left]
    findings += [f"not the same again: {' '.join(one[:3])}" for one in set(first) ^ set(again)]
    refuse(sorted(findings if first else ["the migrations make nothing"]))


async def _on_a_fresh_server(check: Callable[[str], Awaitable[None]]) -> None:
    folder = Path(tempfile.mkdtemp(prefix="stateset-check-"))
    os.chmod(folder, 0o711)  # Under root another user runs PostgreSQL in there.
    server = Postgres(folder, free_port())
    try:
        await check(await server.start())
    finally:
        await server.stop()
        remove(folder)
        shutil.rmtree(folder, ignore_errors=True)


async def _shape(url: str) -> list[tuple[str, ...]]:
    connection = await asyncpg.connect(url, ssl=False)
    try:
        return [tuple(map(str, row)) for row in await connection.fetch(SHAPE)]
    finally:
        await connection.close()


def _config(url: str) -> Config:
    config = Config(str(ROOT / "alembic.ini"), stdout=io.StringIO())
    config.set_main_option("script_location", str(ROOT / "db/migrations"))
    config.attributes["url"] = url
    return config


async def _alembic(what: Callable[..., object], url: str, *arguments: str) -> None:
    # The migrations run an event loop of their own, so they need a thread of their own.
    await asyncio.to_thread(what, _config(url), *arguments)
