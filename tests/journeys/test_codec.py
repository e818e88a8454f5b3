"""What operators see of a run with Temporal's own command line: with a key, and without."""

import asyncio
import base64
import re

from runtime.local.binaries import temporal_program
from tests.installation import Installation


async def test_temporals_command_line_shows_ciphertext_unless_the_codec_is_asked_with_a_key(
    installation: Installation,
) -> None:
    order_id = await installation.place({await installation.item(stock=1): 1})
    note = "planted: her purse was stolen"
    held = await installation.post(f"/orders/{order_id}/holds", {"reason": "manual", "note": note})
    assert held.body["holds"][0]["note"] == note
    process = await installation.shop.get(f"/orders/{order_id}/process")
    run = process.body["runs"][0]["workflow_id"]
    record = installation.record

    async def shown(*how: str) -> str:
        process = await asyncio.create_subprocess_exec(
            *(str(temporal_program()), "workflow", "show", "--output", "json"),
            *("--address", record.temporal_address),
            *("--workflow-id", run, *how),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        written = (await process.communicate())[0].decode()
        assert "EVENT_TYPE_WORKFLOW_EXECUTION_STARTED" in written
        # What is decoded it writes in base64 all the same.
        data = re.findall(r'"data": "([^"]*)"', written)
        return b"\n".join(map(base64.b64decode, data)).decode(errors="replace")

    codec = ("--codec-endpoint", f"{record.api_url}/codec")
    assert note not in await shown()
    assert note in await shown(*codec, "--codec-auth", f"Bearer {record.api_key}")
    assert (await installation.cancel(order_id)).status_code == 200
