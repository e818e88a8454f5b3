"""A whole installation as a person runs it: ``stateset up`` as a process, used from outside."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2

from runtime.commands.connection import Target
from runtime.commands.shop import Answer, Shop
from runtime.commands.verify import check_everything, summary
from runtime.local.record import StackRecord, find_stack
from runtime.settings import Settings
from tests.partners import CARRIER_KEY, PAYMENTS_KEY, ROOT, Partner
from tests.patience import PATIENCE, eventually
from tests.shop import opened
from tests.storefront import an_order, dollars

START_PATIENCE = 180.0


class Installation:
    """One ``stateset up`` on a folder; stopped and started again at will."""

    def __init__(self, folder: Path, log: Path) -> None:
        self.folder = folder
        self._log = log
        self._process: asyncio.subprocess.Process | None = None
        self.shop: Shop
        self.http: httpx2.AsyncClient
        self.carrier: Partner
        self.payments: Partner
        self.customer_id = ""

    @property
    def record(self) -> StackRecord:
        """What runs now, and where."""
        record = find_stack(self.folder)
        assert record is not None, f"the stack has ended, see {self._log}"
        return record

    async def start(self) -> None:
        """Start, wait until orders can be taken, and open a shop on the first day."""
        ports = ("--port", "--postgres-port", "--temporal-port", "--ui-port", "--metrics-port")
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "runtime.cli", "up", "--data-dir", str(self.folder)),
                *(argument for port in ports for argument in (port, "0")),
                cwd=ROOT,
                env={"STATESET_LOG_LEVEL": "WARNING", **os.environ, "COLUMNS": "200"},
                stdout=log,
                stderr=log,
            )
        await eventually(self._serves, START_PATIENCE, "the stack did not come up")
        record = self.record
        self.shop = Shop(record.api_url, record.api_key or "", connections=64)
        self.http = httpx2.AsyncClient(
            base_url=record.api_url,
            headers={"Authorization": f"Bearer {record.api_key}"},
            timeout=PATIENCE,
        )
        self.carrier = Partner(record.carrier_url, CARRIER_KEY)
        self.payments = Partner(record.payments_url, PAYMENTS_KEY)
        if not self.customer_id:
            async with opened(record.database_url) as company:
                self.customer_id = str(company.customer_id)

    async def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Stop the stack as an operator does; return the exit code."""
        assert self._process is not None
        await self.shop.__aexit__(None, None, None)
        await self.http.aclose()
        await self.carrier.http.aclose()
        await self.payments.http.aclose()
        if self._process.returncode is None:
            self._process.send_signal(how)
        async with asyncio.timeout(PATIENCE):
            return await self._process.wait()

    async def _serves(self) -> bool:
        assert self._process is not None
        assert self._process.returncode is None, self._log.read_text()[-3000:]
        record = find_stack(self.folder)
        if record is None or "api" not in record.processes:
            return False
        async with httpx2.AsyncClient(timeout=30) as http:
            try:
                ready = await http.get(f"{record.api_url}/health/ready")
            except httpx2.HTTPError:
                return False
        return ready.status_code == 200 and ready.json()["status"] == "ok"

    def signal(self, name: str, what: signal.Signals) -> int:
        """Send a signal to one process of the stack; return its id."""
        pid = self.record.processes[name].pid
        os.kill(pid, what)
        return pid

    async def kill(self, name: str) -> None:
        """Kill a process and wait until the stack has put another in its place."""
        pid = self.signal(name, signal.SIGKILL)

        async def replaced() -> bool:
            return self.record.processes[name].pid != pid

        await eventually(replaced, PATIENCE, f"{name} was not started again")

    async def post(self, path: str, body: Any = None, key: str = "", status: int = 0) -> Answer:
        """Ask for something under a key, again while there is no answer; it must succeed."""
        answer = await self.shop.post(path, body, key or uuid4().hex)
        assert answer.status == status if status else answer.status < 300, str(answer)
        return answer

    async def item(self, price: int = 1000, site: str = "AUS", *, stock: int, **rest: Any) -> str:
        """A fresh item with stock at a site; returns its SKU."""
        sku = f"SKU-{uuid4().hex[:10].upper()}"
        await self.post("/items", {"sku": sku, "name": sku, "prices": [dollars(price)], **rest})
        await self.post(
            "/inventory/adjustments",
            {"sku": sku, "site": site, "quantity": str(stock), "reason": "initial_balance"},
        )
        return sku

    async def stock(self, sku: str) -> tuple[int, int]:
        """Units of an item that can be sold, and units that are promised."""
        found = await self.shop.get("/inventory", sku=sku, group_by="item")
        [row] = found.body["items"]
        return int(float(row["available"])), int(float(row["reserved"]))

    def order(self, lines: dict[str, int], **rest: Any) -> dict[str, Any]:
        """The body of an order of this shop's customer."""
        return {**an_order(self.customer_id, lines), **rest}

    async def place(self, lines: dict[str, int], key: str = "", **rest: Any) -> str:
        """Place an order that must be accepted; returns its id."""
        made = await self.post("/orders", self.order(lines, **rest), key)
        return str(made.body["id"])

    async def cancel(self, order_id: str) -> httpx2.Response:
        """Ask for a cancellation without a key, again while there is no answer."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                answer = await self.http.post(f"/orders/{order_id}/cancel", json={})
                if answer.status_code < 500:
                    return answer
                said = answer.text
            except httpx2.TransportError as error:
                said = repr(error)
            assert time.monotonic() < deadline, said
            await asyncio.sleep(0.25)

    async def show(self, order_id: str) -> dict[str, Any]:
        """The order as it is now."""
        answer = await self.shop.get(f"/orders/{order_id}")
        assert answer.status == 200, str(answer)
        return dict(answer.body)

    async def reaches(
        self, order_id: str, patience: float = PATIENCE, **wanted: Any
    ) -> dict[str, Any]:
        """Wait until these members of the order have these values."""
        seen: dict[str, Any] = {}

        async def there() -> bool:
            seen.update(await self.show(order_id))
            return all(seen[name] == value for name, value in wanted.items())

        try:
            await eventually(there, patience, "late")
        except AssertionError:
            told = (await self.shop.get(f"/orders/{order_id}/process")).body
            raise AssertionError(f"{wanted} did not come; {told}") from None
        return seen

    async def booked(self, order_id: str) -> list[str]:
        """Wait until every shipment of an order has labels; returns the tracking numbers."""

        async def labels() -> list[str]:
            shipments = (await self.show(order_id))["shipments"]
            live = [ship for ship in shipments if ship["status"] not in ("cancelled", "voided")]
            if not live or not all(ship["tracking_numbers"] for ship in live):
                return []
            return [number for ship in live for number in ship["tracking_numbers"]]

        found: list[str] = await eventually(labels, PATIENCE, "no label was booked")
        return found

    async def travel(self, numbers: Iterable[str], to: str = "delivered") -> None:
        """Let parcels get this far."""
        for number in numbers:
            await self.carrier.ask("POST", f"/sandbox/parcels/{number}/advance", {"to": to})

    async def task(self, kind: str, document_id: str) -> dict[str, Any]:
        """Wait for an open task about a document."""

        async def asked() -> Any:
            found = await self.shop.get("/tasks", kind=kind, document_id=document_id, status="open")
            return found.body["items"]

        [task] = await eventually(asked, PATIENCE, f"no task of kind {kind} was opened")
        return dict(task)

    async def ledger(self, order_id: str) -> list[tuple[str, int, str, int]]:
        """What the provider did for an order: kind, amount, outcome, how often money moved."""
        ours = await self.shop.get("/payments", order_id=order_id)
        authorizations = {
            entry["provider_reference"]: None
            for payment in reversed(ours.body["items"])
            for entry in payment["entries"]
            if entry["kind"] == "authorization" and entry["provider_reference"]
        }
        rows = [
            row
            for reference in authorizations
            for row in (await self.payments.ask("GET", "/ledger", authorization=reference))["data"]
        ]
        return [(row["kind"], row["amount"], row["outcome"], row["executed"]) for row in rows]

    async def assert_sound(self, patience: float = PATIENCE) -> None:
        """Every rule holds in the books, at the partners and in Temporal."""
        record = self.record
        target = Target(
            database_url=record.database_url,
            carrier_url=record.carrier_url,
            payments_url=record.payments_url,
            temporal_address=record.temporal_address,
        )
        findings = await check_everything(target, Settings(), timedelta(seconds=patience))
        assert summary(findings)["violations"] == 0, [f for f in findings if f.broken]
        assert {"P1", "P3", "P4", "P6"} <= {found.id for found in findings}


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[Installation]:
    """Run an installation on a folder; everything is stopped afterwards."""
    installation = Installation(folder / "data", folder / "up.log")
    try:
        await installation.start()
        yield installation
    finally:
        if installation._process is not None and installation._process.returncode is None:
            installation._process.send_signal(signal.SIGTERM)
            try:
                async with asyncio.timeout(PATIENCE):
                    await installation._process.wait()
            except TimeoutError:
                installation._process.kill()
