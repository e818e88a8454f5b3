"""The stack that harm is done to: two workers and two APIs over a small disk of its own."""

import asyncio
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path

import httpx2

from db.engine import Database, open_engine
from db.outbox import signal as wake
from db.runs import find_unfinished
from domain.documents import PROCESSES
from gateways.carriers.sandbox import SANDBOX_CARRIER
from gateways.payments.sandbox import SANDBOX_PAYMENTS
from runtime.commands.chaos.disk import Disk
from runtime.commands.connection import Target, target_of
from runtime.commands.up import development_key
from runtime.local.ports import free_port
from runtime.local.record import StackRecord
from runtime.local.stack import Stack
from runtime.settings import Settings

COPIES = 2


class Ground:
    """One stack, started and stopped at will; its addresses stay."""

    def __init__(self, settings: Settings, disk: Disk, say: Callable[[str], None]) -> None:
        """Use these settings, with ports and data of its own; ``say`` hears of deaths."""
        names = ("api_port", "postgres_port", "temporal_port", "ui_port", "metrics_port")
        ours = {"data_dir": disk.folder / "data", **{name: free_port() for name in names}}
        self.settings = settings.model_copy(update=ours)
        self.disk = disk
        self._say = say
        self._stack: Stack | None = None

    @property
    def record(self) -> StackRecord:
        """What runs now, and where."""
        if self._stack is None:
            raise RuntimeError("nothing was started")
        return self._stack.record

    @property
    def target(self) -> Target:
        """Where it is, for those who check it."""
        return target_of(self.record)

    @property
    def api_urls(self) -> list[str]:
        """Where its APIs are."""
        port = self.record.ports["api-2"]
        return [self.record.api_url, f"http://127.0.0.1:{port}"]

    async def start(self) -> None:
        """Start everything and wait until orders can be taken."""
        self._stack = Stack(
            self.settings, make_api_key=development_key, say=self._say, copies=COPIES
        )
        await self._stack.__aenter__()
        await self._stack.ready()

    async def stop(self) -> None:
        """Stop everything in order."""
        if self._stack is not None:
            await self._stack.__aexit__(None, None, None)
            self._stack = None

    def kill(self, part: str) -> None:
        """Kill a process; the stack starts it again."""
        os.kill(self.record.processes[part].pid, signal.SIGKILL)

    def signal(self, pids: Iterable[int], what: signal.Signals) -> None:
        """Send a signal to those that still live."""
        for pid in pids:
            try:
                os.kill(pid, what)
            except ProcessLookupError:
                continue

    def pids(self, part: str) -> list[int]:
        """Return the process of a part and those that it has started."""
        parent = self.record.processes[part].pid
        listed = Path(f"/proc/{parent}/task/{parent}/children")
        children = listed.read_text().split() if listed.exists() else []
        return [parent, *map(int, children)]

    async def misbehave(self, partner: str, how: str, seconds: float) -> None:
        """Order a fault of a partner, which all that it is asked for meets."""
        if how.endswith("_webhooks"):
            await self._sandbox(partner, kind=how, times=1000, delay_seconds=2)
            return
        operations = ("book",) if partner == "carrier" else ("authorize", "capture", "refund")
        for operation in operations:
            await self._sandbox(partner, kind=how, operation=operation, times=4, delay_seconds=2)

    async def behave(self, partner: str) -> None:
        """Take back what was ordered."""
        async with self._partner(partner) as http:
            await http.delete("/sandbox/faults")

    async def _sandbox(self, partner: str, **fault: object) -> None:
        async with self._partner(partner) as http:
            (await http.post("/sandbox/faults", json=fault)).raise_for_status()

    def _partner(self, name: str) -> httpx2.AsyncClient:
        ours = SANDBOX_CARRIER if name == "carrier" else SANDBOX_PAYMENTS
        url = self.record.carrier_url if name == "carrier" else self.record.payments_url
        key = self.settings.of(ours).api_key.get_secret_value()
        headers = {"Authorization": f"Bearer {key}"}
        return httpx2.AsyncClient(base_url=url, headers=headers, timeout=30)

    async def restore(self) -> None:
        """Put the books back from a backup of their last moment, and begin with an empty Temporal.

        Then as ``docs/operations.md`` says: the runs of all open documents are started anew.
        """
        await self.stop()
        data = self.settings.data_dir
        books = (data / "postgres").resolve()
        backup = books.with_name("backup")
        # With owners and modes, which PostgreSQL insists on.
        await asyncio.to_thread(subprocess.run, ["cp", "-a", str(books), str(backup)], check=True)
        await asyncio.to_thread(shutil.rmtree, books)
        backup.rename(books)
        for file in data.glob("temporal.db*"):
            file.unlink()
        await self.start()
        db = Database(open_engine(self.record.database_url, application="stateset-chaos", pool=1))
        try:
            async with db.begin() as connection:
                for one in await find_unfinished(connection):
                    await wake(connection, one.document, PROCESSES[one.kind].signals[0])
        finally:
            await db.close()
