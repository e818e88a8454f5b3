"""The books that faults are planted in."""

import asyncpg
import pytest

from tests.db.books import SOUND, UNBOUND


@pytest.fixture(scope="module")
async def sound_url(database_url: str) -> str:
    """Books without a fault and without the constraints that would refuse one."""
    connection = await asyncpg.connect(database_url, ssl=False)
    await connection.execute(SOUND)
    await connection.execute(UNBOUND)
    await connection.close()
    return database_url
