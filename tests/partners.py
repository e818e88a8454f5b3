"""The partners as real servers of their own, and an endpoint that listens to their webhooks."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx2
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.patience import PATIENCE
from tests.ports import free_port
from tests.serving import served

ROOT = Path(__file__).parent.parent
CARRIER_KEY = "sandbox-carrier-key"
CARRIER_SECRET = "whsec_c2FuZGJveC1jYXJyaWVyLXdlYmhvb2stc2VjcmV0IQ=="
PAYMENTS_KEY = "sandbox-payments-key"
PAYMENTS_SECRET = "whsec_c2FuZGJveC1wYXltZW50cy13ZWJob29rLXNlY3JldA=="


class Partner:
    """A sandbox partner's own side: its ledger, its faults, its steering."""

    def __init__(self, base_url: str, key: str) -> None:
        self.base_url = base_url
        self.api_key = key
        self.http = httpx2.AsyncClient(
            base_url=base_url, headers={"authorization": f"Bearer {key}"}, timeout=PATIENCE
        )

    async def ask(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        """Return the JSON of a 2xx answer (None when empty); asked again while it is away."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                answer = await self.http.request(method, path, json=body, params=query or None)
                break
            except httpx2.TransportError:
                if time.monotonic() > deadline:
                    raise
                await asyncio.sleep(0.25)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    async def fault(self, kind: str, operation: str = "", times: int = 1, **rest: Any) -> None:
        """Order a fault."""
        order = {"kind": kind, "operation": operation, "times": times, **rest}
        await self.ask("POST", "/sandbox/faults", order)

    async def forget_faults(self) -> None:
        """Take back every fault that was ordered."""
        await self.ask("DELETE", "/sandbox/faults")


class Simulator(Partner):
    """A simulator's process. ``http`` is a client with its key, for steering and for questions."""

    def __init__(
        self, module: str, key: str, secret: str, data: Path, environment: dict[str, str]
    ) -> None:
        self.port = free_port()
        super().__init__(f"http://127.0.0.1:{self.port}", key)
        self.webhook_secret = secret
        self._module = module
        self._environment = {
            **os.environ,
            "SIMULATOR_PORT": str(self.port),
            "SIMULATOR_DATA": str(data),
            "SIMULATOR_API_KEY": key,
            "SIMULATOR_WEBHOOK_SECRET": secret,
            **environment,
        }
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start the process and wait until it answers."""
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", self._module, cwd=ROOT, env=self._environment
        )
        async with asyncio.timeout(PATIENCE):
            while self._process.returncode is None:
                try:
                    await self.http.get("/health")
                except httpx2.TransportError:
                    await asyncio.sleep(0.05)
                else:
                    return
        raise RuntimeError(f"{self._module} ended with {self._process.returncode}")

    async def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Stop or kill the process; return its exit code."""
        assert self._process is not None
        if self._process.returncode is None:
            self._process.send_signal(how)
        return await self._process.wait()

    async def restart(self, how: signal.Signals = signal.SIGKILL) -> None:
        """Kill the process and start it again on the same port and data."""
        await self.stop(how)
        await self.start()


@asynccontextmanager
async def simulator(
    module: str, key: str, secret: str, webhook_url: str = "", hang_seconds: float = 0.2
) -> AsyncIterator[Simulator]:
    """A partner with fresh data; simulated time-outs last ``hang_seconds``."""
    environment = {
        "SIMULATOR_WEBHOOK_URL": webhook_url,
        "SIMULATOR_HANG_SECONDS": str(hang_seconds),
    }
    with TemporaryDirectory(prefix="stateset-partner-") as folder:
        data = Path(folder) / "state.sqlite"
        running = Simulator(module, key, secret, data, environment)
        try:
            await running.start()
            yield running
        finally:
            await running.stop()
            await running.http.aclose()


carrier_simulator = partial(simulator, "simulators.carrier", CARRIER_KEY, CARRIER_SECRET)
payments_simulator = partial(simulator, "simulators.payments", PAYMENTS_KEY, PAYMENTS_SECRET)


@dataclass
class Delivery:
    """A webhook as it came in."""

    headers: dict[str, str]
    body: bytes

    @property
    def event_id(self) -> str:
        return self.headers["webhook-id"]


@dataclass
class Inbox:
    """Every webhook that came in; answers with the next of ``answers``, and with 204 after them."""

    url: str = ""
    deliveries: list[Delivery] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    _news: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def receive(self, request: Request) -> Response:
        """Keep the delivery and answer."""
        body = await request.body()
        async with self._news:
            self.deliveries.append(Delivery(dict(request.headers), body))
            self._news.notify_all()
        return Response(status_code=self.answers.pop(0) if self.answers else 204)

    async def until(
        self, enough: Callable[[list[Delivery]], bool], seconds: float = PATIENCE
    ) -> list[Delivery]:
        """Wait until what came in is enough."""
        async with asyncio.timeout(seconds), self._news:
            await self._news.wait_for(lambda: enough(self.deliveries))
        return list(self.deliveries)


@asynccontextmanager
async def webhook_inbox() -> AsyncIterator[Inbox]:
    """A real HTTP endpoint that collects webhooks."""
    inbox = Inbox()
    app = Starlette(routes=[Route("/webhooks", inbox.receive, methods=["POST"])])
    async with served(app) as address:
        inbox.url = f"{address}/webhooks"
        yield inbox
