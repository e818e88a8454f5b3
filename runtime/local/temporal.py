"""The embedded Temporal server: Temporal's own development server over one SQLite file."""

import asyncio
import signal
import time
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType

from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client
from temporalio.service import RPCError

from runtime.local.binaries import temporal_program
from runtime.local.children import POLL, CannotStart, Child, spawn
from runtime.local.postgres import make_folder
from workflows.runs import tells_of_runs

START_PATIENCE = 60.0
STOP_PATIENCE = 15.0
PROBE_PATIENCE = timedelta(seconds=3)
NO_ATTRIBUTES: Mapping[str, str] = MappingProxyType({})


class Temporal:
    """One development server over ``<data_dir>/temporal.db``; it listens on 127.0.0.1 only."""

    def __init__(
        self,
        data_dir: Path,
        port: int,
        ui_port: int | None = None,
        *,
        namespace: str = "default",
        search_attributes: Mapping[str, str] = NO_ATTRIBUTES,
        program: Path | None = None,
        log_level: str = "warn",
        codec: str | None = None,
    ) -> None:
        """Describe the server; without ``ui_port`` it has no web UI.

        ``search_attributes`` are names and Temporal's types, for example ``Keyword``; ``codec`` is
        the address by which the browser has payloads decrypted.
        """
        self._data_dir = data_dir.absolute()
        self._port = port
        self._ui_port = ui_port
        self._namespace = namespace
        self._search_attributes = search_attributes
        self._configured = program
        self._log_level = log_level
        self._codec = codec
        self._child: Child | None = None
        self._client: Client | None = None

    @property
    def child(self) -> Child:
        """The running server."""
        if self._child is None:
            raise RuntimeError("Temporal was not started")
        return self._child

    async def start(self) -> str:
        """Start the server and return its address. Raises CannotStart."""
        make_folder(self._data_dir)
        database = self._data_dir / "temporal.db"
        self._child = spawn(
            "temporal",
            self._command(database),
            log=self._data_dir / "logs" / "temporal.log",
        )
        address = f"127.0.0.1:{self._port}"
        try:
            await self._wait_until_it_serves(address)
        except BaseException:
            await self.stop()
            raise
        return address

    async def stop(self) -> None:
        """Stop the server; what it has acknowledged is in the file."""
        if self._child is not None:
            await self._child.stop(signal.SIGTERM, STOP_PATIENCE)
            self._child = None

    async def answers(self) -> bool:
        """Whether the server can tell of runs."""
        if self._client is None:
            address = f"127.0.0.1:{self._port}"
            self._client = await Client.connect(address, namespace=self._namespace)
        return await tells_of_runs(self._client, PROBE_PATIENCE)

    def _command(self, database: Path) -> list[str]:
        command = [str(temporal_program(self._configured)), "server", "start-dev"]
        command += ["--db-filename", str(database), "--ip", "127.0.0.1", "--port", str(self._port)]
        # As fast as memory, and it survives a crash; without them less than half as fast.
        command += ["--sqlite-pragma", "journal_mode=WAL", "--sqlite-pragma", "synchronous=1"]
        # Timers are up to a second late without this.
        command += ["--dynamic-config-value", 'history.timerProcessorMaxTimeShift="100ms"']
        command += ["--namespace", self._namespace, "--log-level", self._log_level]
        for name, kind in self._search_attributes.items():
            command += ["--search-attribute", f"{name}={kind}"]
        if self._ui_port is None:
            return [*command, "--headless"]
        codec = [] if self._codec is None else ["--ui-codec-endpoint", self._codec]
        return [*command, "--ui-port", str(self._ui_port), *codec]

    async def _wait_until_it_serves(self, address: str) -> None:
        deadline = time.monotonic() + START_PATIENCE
        request = DescribeNamespaceRequest(namespace=self._namespace)
        while True:
            try:
                client = await Client.connect(address, namespace=self._namespace)
                await client.workflow_service.describe_namespace(request)
            except (RuntimeError, RPCError):
                if not self.child.running or time.monotonic() > deadline:
                    raise CannotStart(
                        f"Temporal does not start:\n{self.child.last_words()}"
                    ) from None
                await asyncio.sleep(POLL)
            else:
                return
