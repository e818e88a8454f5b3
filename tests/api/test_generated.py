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
from starlette.types import Message, Receive, Scope, Send

from api.headers import COMPONENTS
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
"""What no schema says: a sound adjustment names one item and one place, a refund something."""
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
            name = f"{min(route.methods)} {route.path_format}"
            route.dependant.call = counted(name, route.dependant.call)
    return handled


class Answered:
    """Serves an app, and notes which of the headers that are described each answer has."""

    def __init__(self, app: FastAPI) -> None:
        self._app = app
        self.seen: Counter[tuple[str, str, str, frozenset[str]]] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                sent = {name.decode().lower() for name, _ in message["headers"]}
                has = frozenset(name for name in COMPONENTS if name.lower() in sent)
                path = getattr(scope.get("route"), "path_format", "")
                self.seen[path, scope["method"].lower(), str(message["status"]), has] += 1
            await send(message)

        await self._app(scope, receive, answer)

    def otherwise(self, described: dict[str, Any]) -> list[str]:
        """Say which answers had other headers than are described."""
        required = {name for name, one in COMPONENTS.items() if one.get("required")}
        found = []
        for path, method, status, has in self.seen:
            told = described["paths"].get(path, {}).get(method, {}).get("responses", {}).get(status)
            if told is not None and not required & told["headers"].keys() <= has <= set(
                told["headers"]
            ):
                found.append(f"{method} {path} {status} has {sorted(has)}")
        return found


async def test_generated_requests_get_the_answers_that_are_described(
    app: FastAPI, callers: Callers, tmp_path: Path
) -> None:
    """D25: they reach every handler; an answer that is not 401 may still be of a layer before.

    D22: and every answer has the headers that are described.
    """
    key = await callers.key("admin")
    config, handled = tmp_path / "schemathesis.toml", count_handled(app)
    config.write_text(CONFIG.format(key=key))
    program = Path(sys.executable).with_name("schemathesis")
    answered = Answered(app)
    async with served(answered) as address:
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
    assert answered.otherwise(app.openapi()) == []
    assert sum(answered.seen.values()) > 200
    asked = {
        f"{method.upper()} {path}"
        for path, operations in app.openapi()["paths"].items()
        if not re.match(OTHERS, path)
        for method in operations
    }
    print("handlers asked:", {name: handled[name] for name in sorted(asked)})
    assert len(asked) > 20
    assert {name for name in asked if not handled[name]} == set()
