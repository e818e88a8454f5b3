"""Keys that end soon are told of while nothing follows them."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import text

from activities.access.accepting import create_key
from db.access import revoke_key
from db.engine import Database
from domain.ids import new_id
from relay.gauges import read_keys, set_keys
from telemetry.metrics import REGISTRY

METRIC = "stateset_api_key_expires_timestamp_seconds"


async def a_key(books: Database, name: str, days: float | None) -> datetime | None:
    """Make a key that ends in so many days; return when."""
    ends = None if days is None else datetime.now(UTC) + timedelta(days=days)
    async with books.begin() as db:
        await create_key(db, new_id(), name=name, role="integration", expires_at=ends)
    return ends


async def told(books: Database) -> dict[str, float]:
    """Return when keys end, by name, as a worker tells it."""
    await set_keys(None, await read_keys(books))
    found = (sample for metric in REGISTRY.collect() for sample in metric.samples)
    return {one.labels["name"]: one.value for one in found if one.name == METRIC}


async def test_a_key_that_ends_soon_is_told_of_until_it_has_a_successor(books: Database) -> None:
    ends = await a_key(books, "web shop", 10)
    await a_key(books, "erp", 90)
    await a_key(books, "report", None)
    assert ends is not None
    assert await told(books) == {"web shop": ends.timestamp()}
    await a_key(books, "web shop", 400)
    assert await told(books) == {}


async def test_a_key_that_has_ended_is_told_of_for_a_day_and_a_revoked_one_never(
    books: Database,
) -> None:
    await a_key(books, "scanner", -0.5)
    await a_key(books, "forgotten", -3)
    await a_key(books, "left", 5)
    async with books.begin() as db:
        prefix = await db.scalar(text("SELECT prefix FROM api_keys WHERE name = 'left'"))
        await revoke_key(db, prefix)
    assert list(await told(books)) == ["scanner"]
