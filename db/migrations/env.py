"""Run migrations on the configured database, one process at a time."""

import asyncio
import os

from alembic import context
from sqlalchemy import Connection, inspect, text

from db.engine import open_engine
from db.events import continue_feed, feed_origin
from db.tables import metadata

ADVISORY_LOCK = 7_310_483_291


def _run(connection: Connection) -> None:
    context.configure(connection=connection, target_metadata=metadata, compare_type=True)
    with context.begin_transaction():
        # Several processes may start at once; only the first one changes anything. Building an
        # index over years of orders may take longer than any statement of a request.
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        connection.execute(text("SET LOCAL lock_timeout = '60s'"))
        connection.execute(text(f"SELECT pg_advisory_xact_lock({ADVISORY_LOCK})"))
        context.run_migrations()
        # What was restored from a dump is migrated before anything is added to it.
        if inspect(connection).has_sequence(feed_origin.name):
            continue_feed(connection)


async def _main() -> None:
    url = context.config.attributes.get("url") or os.environ.get("STATESET_DATABASE_URL")
    if not url:
        raise SystemExit("STATESET_DATABASE_URL is not set: which database?")
    engine = open_engine(url, application="stateset-migrate", pool=1)
    async with engine.connect() as connection:
        await connection.execution_options(isolation_level="READ COMMITTED")
        await connection.run_sync(_run)
        await connection.commit()
    await engine.dispose()


asyncio.run(_main())
