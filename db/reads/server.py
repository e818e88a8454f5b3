"""What an operator is told of the database itself: how large it is."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

_TABLES = text("""
SELECT relname AS name, pg_total_relation_size(oid) AS bytes FROM pg_class
WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY relname
""")


async def table_sizes(db: AsyncConnection) -> dict[str, int]:
    """Return the bytes of each table with its indexes."""
    return {row.name: row.bytes for row in await db.execute(_TABLES)}
