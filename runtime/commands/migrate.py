"""``stateset migrate``: the schema, and what runs are searched by."""

import asyncio
from pathlib import Path

import typer
from alembic import command
from alembic.config import Config

from runtime.settings import Settings
from runtime.temporal import NotRegistrable, connect, register_search_attributes

MIGRATIONS = Path(__file__).parents[2] / "db" / "migrations"
TEMPORAL_PATIENCE = 30
"""Attempts, a second apart, to reach Temporal."""


def upgrade_schema(database_url: str) -> None:
    """Bring the database's schema to the newest revision; safe to run from several processes."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["url"] = database_url
    command.upgrade(config, "head")


def run_migrate(settings: Settings) -> int:
    """Migrate everything; return the exit code."""
    if settings.database_url is None:
        typer.echo("STATESET_DATABASE_URL is not set: which database?")
        return 2
    upgrade_schema(settings.database_url)
    typer.echo("The schema is up to date.")
    if settings.temporal_address is not None:
        try:
            new = asyncio.run(_register(settings))
        except NotRegistrable as problem:
            typer.echo(str(problem))
            return 0
        typer.echo(f"Search attributes registered: {', '.join(new) or 'none were missing'}.")
    return 0


async def _register(settings: Settings) -> list[str]:
    for attempt in range(TEMPORAL_PATIENCE):
        try:
            return await register_search_attributes(await connect(settings))
        except RuntimeError:
            if attempt == TEMPORAL_PATIENCE - 1:
                raise
            await asyncio.sleep(1)
    return []
