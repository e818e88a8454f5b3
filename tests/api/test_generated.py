"""Requests generated from the API's own description: whatever is sent, the answers are as said."""

import asyncio
import sys
from pathlib import Path

from fastapi import FastAPI

from tests.api.callers import Callers
from tests.serving import served

EXAMPLES = "10"
OTHERS = r"^/(orders|health|webhooks)"
"""Orders need a run, and the others answer whoever asks; they have tests of their own."""


async def test_generated_requests_get_the_answers_that_are_described(
    app: FastAPI, callers: Callers, tmp_path: Path
) -> None:
    key = await callers.key("admin")
    program = Path(sys.executable).with_name("schemathesis")
    async with served(app) as address:
        running = await asyncio.create_subprocess_exec(
            str(program),
            "run",
            f"{address}/openapi.json",
            f"--header=X-API-Key: {key}",
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
