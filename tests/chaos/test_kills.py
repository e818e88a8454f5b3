"""A trade while one part after another is killed: nothing is lost, and nothing happens twice."""

import asyncio

from runtime.commands.chaos.judging import Judgement
from runtime.commands.chaos.trade import Wish
from tests.chaos.trading import judged, trading
from tests.installation import Installation

VICTIMS = ("worker", "api", "postgres", "temporal", "payments", "carrier")
ORDERS = 84


async def test_orders_returns_refunds_and_claims_survive_the_death_of_every_part(
    installation: Installation,
) -> None:
    async with trading(installation) as trade:
        serving = asyncio.create_task(trade.serve(12, ORDERS))
        for turn, victim in enumerate(VICTIMS):
            await trade.until_over(5 + turn * ORDERS // len(VICTIMS))
            await installation.kill(victim)
        await serving
        assert await judged(installation, trade) == Judgement()
    assert [life for life in trade.lives if not life.order_id] == []
    assert sum(len(life.returns) for life in trade.lives) == ORDERS // len(Wish) * 3
    # Each repair took one part.
    repaired = sum(len(life.claims) for life in trade.lives)
    assert await installation.stock(trade.part) == (trade.stock - repaired, 0)
    await installation.assert_sound()
