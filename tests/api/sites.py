"""Sites for tests; there is no route that makes them."""

from uuid import uuid4

import asyncpg


async def add_site(database_url: str, code: str) -> None:
    """Add a site with a shelf ``A-1`` to sell from and a quarantine ``Q-1``."""
    connection = await asyncpg.connect(database_url, ssl=False)
    site = uuid4()
    await connection.execute(
        "INSERT INTO sites (id, code, name, address) VALUES ($1, $2, $2, '{}')", site, code
    )
    for place, kind, sellable in (("A-1", "stock", True), ("Q-1", "quarantine", False)):
        await connection.execute(
            "INSERT INTO locations (id, site_id, code, kind, sellable, valued)"
            " VALUES ($1, $2, $3, $4, $5, true)",
            uuid4(),
            site,
            place,
            kind,
            sellable,
        )
    await connection.close()
