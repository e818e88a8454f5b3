"""Thousands of sound and unsound requests, made from the API's own description of itself."""

import asyncio
import os
import re
import sys
from pathlib import Path

from tests.installation import Installation
from tests.partners import ROOT

SECONDS = int(os.environ.get("STATESET_PROBE_SECONDS", "20"))
CONFIG = """
[checks.positive_data_acceptance]
# 422 also refuses what no schema can say: an unknown item, a key that was used for something else.
expected-statuses = ["2xx", 304, 401, 402, 403, 404, 409, 412, 422, 429]

[auth.openapi.bearer]
bearer = "{key}"
"""


async def test_every_answer_is_one_that_the_description_promises(
    installation: Installation, tmp_path: Path
) -> None:
    record = installation.record
    sku = await installation.item(stock=100_000)
    config = tmp_path / "schemathesis.toml"
    config.write_text(CONFIG.format(key=record.api_key))
    probe = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "schemathesis.cli", f"--config-file={config}", "run"),
        *(f"{record.api_url}/openapi.json", f"--max-time={SECONDS}", "--checks=all", "--seed=1"),
        *("--continue-on-failure", "--request-timeout=20", "--generation-database=none"),
        cwd=ROOT,
        env={
            **os.environ,
            "SCHEMATHESIS_HOOKS": "tests.journeys.probing",
            "PROBE_SKU": sku,
            "PROBE_CUSTOMER": installation.customer_id,
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(SECONDS + 180):
        output = (await probe.communicate())[0].decode()
    assert probe.returncode == 0, output[-10_000:]
    # How many requests fit into the time depends on the machine; that each route got some does not.
    selected, tested, tried = (
        int(found[1]) if (found := re.search(pattern, output)) else 0
        for pattern in (r"Selected: (\d+)", r"Tested: (\d+)", r"(\d+) generated")
    )
    assert selected == tested > 30, output[-3_000:]
    assert tried > 2 * selected, output[-3_000:]
    assert (await installation.shop.get("/orders", sku=sku, limit=1)).body["items"]
    await installation.assert_sound()
