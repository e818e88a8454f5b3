"""Orders while one part after another is killed: none is lost, and none happens twice."""

import asyncio

from tests.chaos.load import under_load
from tests.installation import Installation

VICTIMS = ("worker", "api", "postgres", "temporal")
WAVE = 50


async def test_two_hundred_orders_survive_the_death_of_every_part(
    installation: Installation,
) -> None:
    async with under_load(installation, stock=WAVE * len(VICTIMS)) as load:
        for victim in VICTIMS:
            before = len(load.accepted)
            wave = asyncio.create_task(load.shoppers(WAVE))
            await load.until_accepted(before + WAVE // 5)
            await installation.kill(victim)
            await wave
        await load.until_all_ended(patience=60)
        assert len(load.accepted) == WAVE * len(VICTIMS)
        await load.assert_each_happened_once()
    await installation.assert_sound(patience=30)
