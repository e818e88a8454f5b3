"""One migrated template per run, and a fresh copy of it wherever a test wants its own books."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import asyncpg
from alembic import command
from alembic.config import Config

from tests.patience import PATIENCE

ROOT = Path(__file__).parent.parent
TEMPLATE = "stateset_template"


def named(url: str, database: str) -> str:
    """Return the URL of another database on the same server."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))


async def execute(url: str, statement: str) -> None:
    """Run one statement outside any transaction, as CREATE DATABASE wants it."""
    connection = await asyncpg.connect(url, ssl=False, timeout=PATIENCE)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def migrations_of(url: str) -> Config:
    """Return what Alembic needs to migrate this database."""
    config = Config(str(ROOT / "alembic.ini"))
    config.attributes["url"] = url
    return config


async def migrate(url: str) -> None:
    """Bring a database to the newest schema."""
    # The migrations run an event loop of their own, so they need a thread of their own.
    await asyncio.to_thread(command.upgrade, migrations_of(url), "head")


async def make_template(server_url: str) -> str:
    """Create the migrated template; return its URL."""
    await execute(server_url, f"CREATE DATABASE {TEMPLATE}")
    url = named(server_url, TEMPLATE)
    await migrate(url)
    return url


@asynccontextmanager
async def fresh_database(template_url: str) -> AsyncIterator[str]:
    """Yield the URL of a copy of the template, dropped afterwards."""
    name = f"test_{uuid4().hex}"
    server_url = named(template_url, "postgres")
    template = urlsplit(template_url).path[1:]
    await execute(server_url, f"CREATE DATABASE {name} TEMPLATE {template}")
    try:
        yield named(template_url, name)
    finally:
        await execute(server_url, f"DROP DATABASE {name} WITH (FORCE)")
