"""Sound books in which anything can be broken, and how that is done."""

from pathlib import Path

import asyncpg

SOUND = Path(__file__).with_name("sound.sql").read_text()
UNBOUND = """DO $$ DECLARE c record; BEGIN
    FOR c IN SELECT conrelid::regclass AS t, conname AS n FROM pg_constraint
        WHERE connamespace = 'public'::regnamespace AND contype IN ('c', 'f', 'u', 'x')
        ORDER BY contype = 'u' LOOP
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', c.t, c.n);
    END LOOP;
    FOR c IN SELECT indexname AS n FROM pg_indexes
        WHERE schemaname = 'public' AND indexname LIKE 'uq_%' LOOP
        EXECUTE format('DROP INDEX %I', c.n);
    END LOOP; END $$"""
"""Takes away the constraints that would refuse a fault."""


async def spoil(url: str, statements: str) -> None:
    """Change books behind the back of their triggers."""
    connection = await asyncpg.connect(url, ssl=False)
    await connection.execute(f"SET session_replication_role = replica; {statements}")
    await connection.close()


def check_of(fault: str) -> str:
    """Return the check that sees a fault; more words tell several faults of one check apart."""
    return fault.partition(" ")[0]
