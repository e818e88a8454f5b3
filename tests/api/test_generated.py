"""Requests generated from the API's own description: whatever is sent, the answers are as said."""

import asyncio
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from tests.api.callers import Callers
from tests.serving import served

EXAMPLES = "10"
CONFIG = '[auth.openapi.bearer]\nbearer = "{key}"\n'
"""One credential for each request: with two of them every answer is 401."""
OTHERS = r"^/(orders|health|webhooks)"
"""Orders need a run, and the others answer whoever asks; they have tests of their own."""


class Counted:
    """An application whose answers are counted by path."""

    def __init__(self, app: FastAPI) -> None:
        self._app = app
        self.refused: Counter[str] = Counter()
        self.answered: Counter[str] = Counter()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def counting(message: Any) -> None:
            if message["type"] == "http.response.start":
                place = f"{scope['method']} {scope['path']}"
                self.answered[place] += 1
                self.refused[place] += message["status"] in (401, 403)
            await send(message)

        await self._app(scope, receive, counting)


async def test_generated_requests_get_the_answers_that_are_described(
    app: FastAPI, callers: Callers, tmp_path: Path
) -> None:
    """D25: they reach the handlers; most of the adjustments once ended in 401."""
    key = await callers.key("admin")
    config, counted = tmp_path / "schemathesis.toml", Counted(app)
    config.write_text(CONFIG.format(key=key))
    program = Path(sys.executable).with_name("schemathesis")
    async with served(counted) as address:
        running = await asyncio.create_subprocess_exec(
            str(program),
            f"--config-file={config}",
            "run",
            f"{address}/openapi.json",
            f"--exclude-path-regex={OTHERS}",
            f"--max-examples={EXAMPLES}",
            "--phases=examples,coverage,fuzzing",
            "--seed=1",
            "--no-color",
            "--generation-database=none",
            # Rules between fields, and keys that were used before, are beyond a schema.
            "--exclude-checks=positive_data_acceptance",
            cwd=tmp_path,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            async with asyncio.timeout(240):
                said, _ = await running.communicate()
        finally:
            if running.returncode is None:
                running.kill()
                await running.wait()
    assert running.returncode == 0, said.decode()[-8000:]
    adjustments = "POST /inventory/adjustments"
    reached = counted.answered[adjustments] - counted.refused[adjustments]
    assert reached > 0.8 * counted.answered[adjustments] > 0, (reached, counted.answered)
    print(f"{counted.refused.total()} of {counted.answered.total()} were refused unheard")
    assert counted.refused.total() < 0.2 * counted.answered.total()
