"""Events to the customer's endpoint: stored first, signed, and sent again until they are taken."""

import asyncio
import json
import secrets
import sqlite3
import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import httpx2
from fastapi import APIRouter
from pydantic import BaseModel
from standardwebhooks.webhooks import Webhook

from simulators.errors import Refusal
from simulators.faults import WEBHOOKS, Faults
from simulators.paging import After, Limit
from simulators.settings import SimulatorSettings
from simulators.storage import Storage, timestamp

SCHEMA = """
CREATE TABLE IF NOT EXISTS webhooks (
    sequence INTEGER PRIMARY KEY,
    event_id TEXT NOT NULL,
    type TEXT NOT NULL,
    body TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'delivered', 'dropped', 'unsent', 'dead')),
    attempts INTEGER NOT NULL DEFAULT 0,
    due_at REAL NOT NULL,
    created_at REAL NOT NULL,
    last_answer TEXT NOT NULL DEFAULT '',
    misbehaved INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS webhooks_due ON webhooks (due_at) WHERE state = 'waiting';
CREATE INDEX IF NOT EXISTS webhooks_event ON webhooks (event_id);
"""
DELAYS = (0.2, 1.0, 2.0, 5.0, 10.0, 30.0)
"""Seconds after the 1st, 2nd, … failed attempt; the last one repeats."""
GIVE_UP_AFTER = 24 * 3600.0
ATTEMPT_SECONDS = 15.0


class Delivery(BaseModel):
    """What became of one event."""

    sequence: int
    event_id: str
    type: str
    state: str
    attempts: int
    last_answer: str


class DeliveryList(BaseModel):
    """Deliveries, oldest first; ask on with ``after`` = the last sequence."""

    data: list[Delivery]


class Outbox:
    """Events in store and the loop that sends them, at most ``webhook_parallel`` at once."""

    def __init__(self, storage: Storage, faults: Faults, settings: SimulatorSettings) -> None:
        self._storage = storage
        self._faults = faults
        self._url = settings.webhook_url
        self._signer = Webhook(settings.webhook_secret.get_secret_value())
        self._parallel = settings.webhook_parallel
        self._wake = asyncio.Event()
        self._flying: dict[int, asyncio.Task[None]] = {}

    def add(
        self,
        db: sqlite3.Connection,
        kind: str,
        data: dict[str, Any],
        event_id: str | None = None,
    ) -> None:
        """Store an event in the transaction that made it true."""
        event_id = event_id or new_event_id()
        event = {"id": event_id, "type": kind, "created_at": timestamp(), "data": data}
        body = json.dumps(event, separators=(",", ":"), ensure_ascii=False)
        state = "waiting" if self._url else "unsent"
        _insert(db, event_id, kind, body, state)
        self._wake.set()

    def resend(self, event_id: str) -> None:
        """Send an event again, whatever became of it."""
        with self._storage.transaction() as db:
            found = db.execute(
                "UPDATE webhooks SET state = 'waiting', due_at = ?, created_at = ?"
                " WHERE event_id = ?",
                (time.time(), time.time(), event_id),
            )
        if not found.rowcount:
            raise Refusal(404, "not_found", "there is no such event")
        self._wake.set()

    def deliveries(self, after: int, limit: int) -> DeliveryList:
        """Return deliveries in the order in which their events happened."""
        rows = self._storage.all(
            "SELECT sequence, event_id, type, state, attempts, last_answer FROM webhooks"
            " WHERE sequence > ? ORDER BY sequence LIMIT ?",
            after,
            limit,
        )
        return DeliveryList(data=[Delivery(**dict(row)) for row in rows])

    async def run(self) -> None:
        """Send what is due until cancelled."""
        limits = httpx2.Limits(max_connections=self._parallel, keepalive_expiry=2)
        timeout = httpx2.Timeout(ATTEMPT_SECONDS)
        async with httpx2.AsyncClient(limits=limits, timeout=timeout) as client:
            try:
                while True:
                    self._wake.clear()
                    wait = self._launch(client)
                    with suppress(TimeoutError):
                        async with asyncio.timeout(wait):
                            await self._wake.wait()
            finally:
                for task in self._flying.values():
                    task.cancel()
                await asyncio.gather(*self._flying.values(), return_exceptions=True)

    def _launch(self, client: httpx2.AsyncClient) -> float:
        """Start what is due and has room; return the seconds until something may be due again."""
        now = time.time()
        rows = self._storage.all(
            "SELECT * FROM webhooks WHERE state = 'waiting' ORDER BY due_at LIMIT ?",
            self._parallel + 1,
        )
        for row in rows:
            if row["sequence"] in self._flying:
                continue
            if row["due_at"] > now:
                return float(min(row["due_at"] - now, 1.0))
            if len(self._flying) >= self._parallel:
                return 1.0
            if self._misbehave(row):
                return 0.0
            self._flying[row["sequence"]] = asyncio.create_task(self._send(client, row))
        return 1.0

    def _misbehave(self, row: sqlite3.Row) -> bool:
        """Apply an ordered fault to an event that was not tried yet; return whether one was due."""
        if row["misbehaved"] or row["attempts"]:
            return False
        fault = self._faults.take(WEBHOOKS)
        if fault is None:
            return False
        state = "dropped" if fault.kind == "drop_webhooks" else "waiting"
        pause = fault.delay_seconds if fault.kind == "reorder_webhooks" else 0.0
        with self._storage.transaction() as db:
            db.execute(
                "UPDATE webhooks SET misbehaved = 1, state = ?, due_at = due_at + ?"
                " WHERE sequence = ?",
                (state, pause, row["sequence"]),
            )
            if fault.kind == "duplicate_webhooks":
                _insert(db, row["event_id"], row["type"], row["body"], state, misbehaved=1)
        return True

    async def _send(self, client: httpx2.AsyncClient, row: sqlite3.Row) -> None:
        retry_after = 0.0
        try:
            body, headers = row["body"].encode(), self._sign(row)
            answer = await client.post(self._url, content=body, headers=headers)
            said, taken = str(answer.status_code), answer.is_success
            with suppress(ValueError):
                retry_after = min(float(answer.headers.get("retry-after", "0")), 3600.0)
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
            said, taken = type(error).__name__, False
        finally:
            del self._flying[row["sequence"]]
            self._wake.set()
        self._settle(row, said, taken=taken, retry_after=retry_after)

    def _sign(self, row: sqlite3.Row) -> dict[str, str]:
        now = datetime.now(UTC)
        return {
            "content-type": "application/json",
            "webhook-id": row["event_id"],
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": self._signer.sign(row["event_id"], now, row["body"]),
        }

    def _settle(self, row: sqlite3.Row, said: str, *, taken: bool, retry_after: float) -> None:
        now, attempts = time.time(), row["attempts"] + 1
        pause = max(DELAYS[min(attempts, len(DELAYS)) - 1], retry_after)
        state = "delivered" if taken else "waiting"
        if not taken and now + pause > row["created_at"] + GIVE_UP_AFTER:
            state = "dead"
        with self._storage.transaction() as db:
            db.execute(
                "UPDATE webhooks SET state = ?, attempts = ?, due_at = ?, last_answer = ?"
                " WHERE sequence = ?",
                (state, attempts, now + pause, said, row["sequence"]),
            )


def _insert(
    db: sqlite3.Connection, event_id: str, kind: str, body: str, state: str, misbehaved: int = 0
) -> None:
    now = time.time()
    db.execute(
        "INSERT INTO webhooks (event_id, type, body, state, due_at, created_at, misbehaved)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (event_id, kind, body, state, now, now, misbehaved),
    )


def new_event_id() -> str:
    """Return an id that stays the same however often the event is sent."""
    return f"evt_{secrets.token_hex(12)}"


def webhook_routes(outbox: Outbox) -> APIRouter:
    """Return the routes that show and repeat deliveries."""
    routes = APIRouter(prefix="/webhooks", tags=["webhooks"])

    @routes.get("")
    async def list_deliveries(after: After = 0, limit: Limit = 1000) -> DeliveryList:
        """List events and what became of them, oldest first."""
        return outbox.deliveries(after, limit)

    @routes.post("/{event_id}/resend", status_code=202)
    async def resend(event_id: str) -> None:
        """Send one event again, also one that was dropped."""
        outbox.resend(event_id)

    return routes
