"""Orders while one part after another is killed: none is lost, and none happens twice."""

import asyncio

from tests.chaos.load import under_load
from tests.installation import Installation

VICTIMS = ("worker", "api", "postgres", "temporal")
ORDERS = 200


async def test_two_hundred_orders_survive_the_death_of_every_part(
    installation: Installation,
) -> None:
    async with under_load(installation, stock=ORDERS) as load:
        shopping = asyncio.create_task(load.shoppers(ORDERS))
        for turn, victim in enumerate(VICTIMS):
            await load.until_accepted(20 + turn * ORDERS // len(VICTIMS))
            await installation.kill(victim)
        await shopping
        await load.until_all_ended(patience=240)
        assert len(load.accepted) == ORDERS
        await load.assert_each_happened_once()
    await installation.assert_sound()
