"""A trade while the partners fail, lose answers and mix up their webhooks."""

from typing import Any

from runtime.commands.chaos.judging import Judgement
from tests.chaos.trading import judged, trading
from tests.installation import Installation

ORDERS = 42
LOST: dict[str, Any] = {"times": 4, "delay_seconds": 0.1}


async def test_a_trade_survives_partners_that_fail_and_lose_answers(
    installation: Installation,
) -> None:
    async with trading(installation) as trade:
        for operation in ("authorize", "capture"):
            await installation.payments.fault("timeout_after_success", operation, **LOST)
            await installation.payments.fault("http_503", operation, times=4)
            await installation.payments.fault("timeout_before", operation, **LOST)
            await installation.payments.fault("malformed", operation, times=2)
        await installation.payments.fault("http_429", "find", times=2)
        await installation.carrier.fault("timeout_after_success", "book", **LOST)
        await installation.carrier.fault("http_503", "book", times=4)
        await installation.carrier.fault("malformed", "void", times=1)
        await installation.carrier.fault("duplicate_webhooks", times=ORDERS)
        await installation.carrier.fault("reorder_webhooks", times=ORDERS, delay_seconds=0.3)
        await installation.payments.fault("duplicate_webhooks", times=ORDERS)
        await trade.serve(20, ORDERS)
        assert await judged(installation, trade) == Judgement()
        left = (await installation.payments.ask("GET", "/sandbox/faults"))["data"]
        unused = {(fault["operation"], fault["kind"]) for fault in left}
        assert not {fault for fault in unused if fault[0] in ("authorize", "capture")}
    await installation.assert_sound()
