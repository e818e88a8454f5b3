"""The whole of StateSet on one machine: servers, partners' simulators, worker and API."""

import asyncio
import contextlib
import signal
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

import httpx2

from runtime.local.answering import HEARING, Hearing, over_http
from runtime.local.children import CannotStart, Child, stop_stranger
from runtime.local.plan import Plan, Programs, make_plan
from runtime.local.postgres import Postgres, make_folder, stop_leftover
from runtime.local.processes import Command, Processes
from runtime.local.record import (
    Process,
    StackLock,
    StackRecord,
    read_record,
    remove_record,
)
from runtime.local.temporal import NO_ATTRIBUTES, Temporal
from runtime.settings import Settings

READY_PATIENCE = 90.0
LEFTOVER_PATIENCE = 10.0
OURS = Programs()


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


class Stack:
    """Everything that ``stateset up`` starts; ``async with`` runs it, and stops it in the end.

    A server whose address is in the settings is used, not started. SIGTERM ends the ``async with``
    like Ctrl-C does: the task that entered it is cancelled and the stack stops in order.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        make_api_key: Callable[[str], Awaitable[str]] | None = None,
        programs: Programs = OURS,
        search_attributes: Mapping[str, str] = NO_ATTRIBUTES,
        say: Callable[[str], None] = _say,
        hearing: Hearing = HEARING,
        copies: int = 1,
    ) -> None:
        """Describe the stack; ports of the settings that are 0 become any free ones.

        ``make_api_key`` is given the URL of the migrated database and returns a key for it. There
        are ``copies`` of worker and API.
        """
        self._settings = settings
        self._data_dir = settings.data_dir.absolute()
        self._make_api_key = make_api_key
        self._programs = programs
        self._search_attributes = search_attributes
        self._copies = copies
        self._processes = Processes(say, self._write, hearing)
        self._lock = StackLock(self._data_dir)
        self._record: StackRecord | None = None

    @property
    def record(self) -> StackRecord:
        """The addresses, ports, keys and processes of the running stack."""
        if self._record is None:
            raise RuntimeError("the stack was not started")
        return self._record

    async def __aenter__(self) -> Self:
        """Start everything. Raises CannotStart, and then nothing is left running."""
        make_folder(self._data_dir)
        self._lock.acquire()
        self._hear_sigterm()
        try:
            await self._stop_leftovers()
            await self._start(make_plan(self._settings, self._data_dir, self._copies))
        except BaseException:
            await self._stop()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop everything in reverse order; a second Ctrl-C or SIGTERM kills instead."""
        await self._stop()

    async def ready(self, patience: float = READY_PATIENCE) -> None:
        """Wait until the API says that it can serve. Raises CannotStart with the reason."""
        deadline = time.monotonic() + patience
        answer = "nothing yet"
        async with httpx2.AsyncClient(timeout=5) as client:
            while True:
                try:
                    response = await client.get(f"{self.record.api_url}/health/ready")
                except httpx2.HTTPError as error:
                    answer = str(error) or type(error).__name__
                else:
                    if response.status_code == 200:
                        return
                    answer = f"{response.status_code} {response.text[:500]}"
                if (child := self._processes.dying()) is not None:
                    raise CannotStart(f"{child.name} does not stay up:\n{child.last_words()}")
                if time.monotonic() > deadline:
                    raise CannotStart(f"the API is not ready, its last answer was {answer}")
                await asyncio.sleep(0.1)

    async def _start(self, plan: Plan) -> None:
        # Temporal and the database are slow to start and do not need each other.
        temporal = asyncio.create_task(self._start_temporal(plan))
        try:
            database_url = await self._start_postgres(plan)
            address = plan.settings.temporal_address or f"127.0.0.1:{plan.ports['temporal']}"
            commands = plan.commands(self._programs, database_url, address)
            if migrate := commands.pop("migrate", None):
                await migrate.run(self._data_dir / "logs")
            key = None if self._make_api_key is None else await self._make_api_key(database_url)
            await temporal
        finally:
            temporal.cancel()
            # Its own failure matters only when it is the first one; then it was awaited above.
            await asyncio.gather(temporal, return_exceptions=True)
        self._record = StackRecord(
            started_at=datetime.now(UTC),
            api_url=plan.api_url,
            api_key=key,
            database_url=database_url,
            temporal_address=address,
            temporal_namespace=plan.settings.temporal_namespace,
            temporal_ui_url=plan.ui_url,
            payload_keys=plan.payload_keys,
            carrier_url=plan.carrier_url,
            payments_url=plan.payments_url,
            worker_metrics_url=plan.metrics_url("worker"),
            api_metrics_url=plan.metrics_url("api"),
            ports=plan.ports,
            processes={},
        )
        for command in commands.values():
            ask = over_http(plan.health_url(command.name))
            await self._processes.keep(command.name, self._launcher(command), ask=ask)

    async def _start_postgres(self, plan: Plan) -> str:
        if (url := plan.settings.database_url) is not None:
            return url
        programs = plan.settings.postgres_bin
        server = Postgres(self._data_dir, plan.ports["postgres"], programs=programs)

        async def launch() -> Child:
            nonlocal url
            url = await server.start()
            return server.child

        await self._processes.keep("postgres", launch, signal.SIGINT, server.answers)
        if url is None:
            raise RuntimeError("PostgreSQL started without an address")
        return url

    async def _start_temporal(self, plan: Plan) -> None:
        if plan.settings.temporal_address is not None:
            return
        server = Temporal(
            self._data_dir,
            plan.ports["temporal"],
            plan.ports["ui"],
            namespace=plan.settings.temporal_namespace,
            search_attributes=self._search_attributes,
            program=plan.settings.temporal_bin,
            codec=f"{plan.api_url}/codec",
        )

        async def launch() -> Child:
            await server.start()
            return server.child

        await self._processes.keep("temporal", launch, ask=server.answers)

    def _launcher(self, command: Command) -> Callable[[], Awaitable[Child]]:
        async def launch() -> Child:
            return command.launch(self._data_dir / "logs")

        return launch

    async def _stop(self) -> None:
        try:
            await self._processes.stop()
            remove_record(self._data_dir)
        finally:
            self._lock.release()
            if threading.current_thread() is threading.main_thread():
                asyncio.get_running_loop().remove_signal_handler(signal.SIGTERM)

    async def _stop_leftovers(self) -> None:
        """Stop what a killed stack left running; where the kernel did it, this only waits."""
        if (old := read_record(self._data_dir)) is not None:
            for each in old.processes.values():
                await stop_stranger(each.pid, each.command, signal.SIGTERM, LEFTOVER_PATIENCE)
        with contextlib.suppress(FileNotFoundError):
            await stop_leftover((self._data_dir / "postgres" / "data").resolve(strict=True))
        remove_record(self._data_dir)

    def _hear_sigterm(self) -> None:
        task = asyncio.current_task()
        if task is not None and threading.current_thread() is threading.main_thread():
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)

    def _write(self) -> None:
        """Write down the processes of this moment, for other commands and for a later start."""
        if self._record is None:
            return
        processes = {
            child.name: Process(pid=child.pid, command=child.command)
            for child in self._processes.children
        }
        self._record = self._record.model_copy(update={"processes": processes})
        self._record.write(self._data_dir)
