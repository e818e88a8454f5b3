"""Requests generated from the API's own description: whatever is sent, the answers are as said."""

import asyncio
import functools
import os
import re
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute

from tests.api.callers import Callers
from tests.partners import ROOT
from tests.serving import served

EXAMPLES = "10"
CONFIG = '[auth.openapi.bearer]\nbearer = "{key}"\n'
"""One credential for each request: with two of them every answer is 401."""
SOUND = {
    "SCHEMATHESIS_HOOKS": "tests.journeys.probing",
    "PROBE_SKU": "MUG",
    "PROBE_CUSTOMER": "nobody",
}
"""What no schema says: a sound adjustment names one item and one place."""
OTHERS = r"^/(orders|health|webhooks)"
"""Orders need a run, and the others answer whoever asks; they have tests of their own."""


def count_handled(app: FastAPI) -> Counter[str]:
    """Count from now on how often the handler of each operation is asked."""
    handled: Counter[str] = Counter()

    def counted(name: str, handler: Any) -> Any:
        @functools.wraps(handler)
        async def ask(**given: Any) -> Any:
            handled[name] += 1
            return await handler(**given)

        return ask

    for route in app.routes:
        if isinstance(route, APIRoute):
            name = f"{min(route.methods)} {route.path}"
            route.dependant.call = counted(name, route.dependant.call)
    return handled


async def test_generated_requests_get_the_answers_that_are_described(
    app: FastAPI, callers: Callers, tmp_path: Path
) -> None:
    """D25: they reach every handler; an answer that is not 401 may still be of a layer before."""
    key = await callers.key("admin")
    config, handled = tmp_path / "schemathesis.toml", count_handled(app)
    config.write_text(CONFIG.format(key=key))
    program = Path(sys.executable).with_name("schemathesis")
    async with served(app) as address:
        running = await asyncio.create_subprocess_exec(
            str(program),
            f"--config-file={config}",
            "run",
            f"{address}/openapi.json",
            f"--exclude-path-regex={OTHERS}",
            f"--max-examples={EXAMPLES}",
            # All phases, orders included, are played on an installation (tests/journeys).
            "--phases=examples,fuzzing",
            "--seed=1",
            "--no-color",
            "--generation-database=none",
            # Rules between fields, and keys that were used before, are beyond a schema.
            "--exclude-checks=positive_data_acceptance",
            cwd=ROOT,
            env={**os.environ, **SOUND},
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
    asked = {
        f"{method.upper()} {path}"
        for path, operations in app.openapi()["paths"].items()
        if not re.match(OTHERS, path)
        for method in operations
    }
    print("handlers asked:", {name: handled[name] for name in sorted(asked)})
    assert len(asked) > 20
    assert {name for name in asked if not handled[name]} == set()
