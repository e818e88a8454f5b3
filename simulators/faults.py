"""Faults that a tester orders: an operation or a webhook that misbehaves a number of times."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from simulators.errors import Garbled, NoAnswer, Refusal
from simulators.storage import Storage

SCHEMA = """
CREATE TABLE IF NOT EXISTS faults (
    id INTEGER PRIMARY KEY,
    operation TEXT NOT NULL,
    kind TEXT NOT NULL,
    remaining INTEGER NOT NULL,
    delay_seconds REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS fault_money (
    fault INTEGER PRIMARY KEY,
    amount INTEGER NOT NULL,
    currency TEXT NOT NULL
);
"""
PENDING = (
    "SELECT faults.*, amount, currency FROM faults"
    " LEFT JOIN fault_money ON fault_money.fault = faults.id WHERE remaining > 0"
)
WEBHOOKS = "webhooks"

OperationFault = Literal[
    "http_503", "http_429", "timeout_before", "timeout_after_success", "slow", "malformed"
]
MoneyFault = Literal["wrong_amount"]
LabelFault = Literal["used_number"]
WebhookFault = Literal["duplicate_webhooks", "reorder_webhooks", "drop_webhooks"]


class FaultOrder(BaseModel):
    """A fault for the next ``times`` calls of ``operation``, or for the next events sent.

    ``timeout_*`` keep the caller waiting ``delay_seconds`` (by default the server's setting) and
    close the connection; ``slow`` answers after ``delay_seconds``; ``reorder_webhooks`` holds an
    event back for ``delay_seconds`` (by default 1) so that later ones overtake it. ``wrong_amount``
    really moves ``amount`` minor units (and another ``currency``, if given) instead of what is
    asked for, and says so. ``used_number`` sells a label whose first parcel has the number of the
    parcel that was sold last before it.
    """

    model_config = ConfigDict(extra="forbid")

    kind: OperationFault | WebhookFault | MoneyFault | LabelFault
    operation: str = Field(default="", max_length=50)
    times: int = Field(default=1, ge=1, le=1_000_000)
    delay_seconds: float | None = Field(default=None, ge=0, le=600)
    amount: int | None = Field(default=None, ge=1, le=10**15)
    currency: str = Field(default="", pattern="^([A-Z]{3})?$")


class Fault(BaseModel):
    """A fault that is still due."""

    id: int
    operation: str
    kind: str
    remaining: int
    delay_seconds: float
    amount: int | None = None
    currency: str | None = None


class FaultList(BaseModel):
    """Every fault that is still due, oldest first."""

    data: list[Fault]


class Faults:
    """The faults in store.

    ``operations`` are the names that this partner knows, ``of_money`` those that move money, and
    ``of_labels`` those that sell labels.
    """

    def __init__(
        self,
        storage: Storage,
        operations: frozenset[str],
        hang_seconds: float,
        of_money: frozenset[str] = frozenset(),
        of_labels: frozenset[str] = frozenset(),
    ) -> None:
        self._storage = storage
        self._operations = operations
        self._hang_seconds = hang_seconds
        self._known = {"wrong_amount": of_money, "used_number": of_labels}

    def add(self, order: FaultOrder) -> None:
        """Store the fault; refuse an operation that does not exist."""
        operation, delay = order.operation, order.delay_seconds
        known = self._known.get(order.kind, self._operations)
        if order.kind.endswith("_webhooks"):
            operation = WEBHOOKS
        elif operation not in known:
            raise Refusal(422, "unknown_operation", f"operations are {', '.join(sorted(known))}")
        if (order.amount is None) == (order.kind == "wrong_amount"):
            raise Refusal(422, "invalid_request", "amount belongs to wrong_amount, and to it alone")
        if delay is None:
            delay = self._hang_seconds if order.kind.startswith("timeout") else 1.0
        with self._storage.transaction() as db:
            fault = db.execute(
                "INSERT INTO faults (operation, kind, remaining, delay_seconds)"
                " VALUES (?, ?, ?, ?)",
                (operation, order.kind, order.times, delay),
            ).lastrowid
            if order.amount is not None:
                money = (fault, order.amount, order.currency)
                db.execute("INSERT INTO fault_money VALUES (?, ?, ?)", money)

    def pending(self) -> FaultList:
        """Return what is still due."""
        rows = self._storage.all(PENDING + " ORDER BY id")
        return FaultList(data=[Fault(**dict(row)) for row in rows])

    def clear(self) -> None:
        """Forget every fault."""
        with self._storage.transaction() as db:
            db.execute("DELETE FROM fault_money")
            db.execute("DELETE FROM faults")

    def take(self, operation: str) -> Fault | None:
        """Use up one occurrence of the oldest fault of this operation."""
        row = self._storage.one(PENDING + " AND operation = ? ORDER BY id LIMIT 1", operation)
        if row is None:
            return None
        with self._storage.transaction() as db:
            db.execute("UPDATE faults SET remaining = remaining - 1 WHERE id = ?", (row["id"],))
        return Fault(**dict(row))

    @asynccontextmanager
    async def around(self, operation: str) -> AsyncIterator[Fault | None]:
        """Let the block run, misbehaving before or after it when a fault is due.

        The block gets the fault, because what money it moves or number it sells is its own affair.
        """
        fault = self.take(operation)
        if fault is None:
            yield None
            return
        if fault.kind == "http_503":
            raise Refusal(503, "unavailable", "try again later", retry_after=1)
        if fault.kind == "http_429":
            raise Refusal(429, "rate_limited", "too many requests", retry_after=1)
        if fault.kind == "timeout_before":
            raise NoAnswer(fault.delay_seconds)
        if fault.kind == "slow":
            await asyncio.sleep(fault.delay_seconds)
        yield fault
        if fault.kind == "timeout_after_success":
            raise NoAnswer(fault.delay_seconds)
        if fault.kind == "malformed":
            raise Garbled


def fault_routes(faults: Faults) -> APIRouter:
    """Return the sandbox routes that order and clear faults."""
    routes = APIRouter(prefix="/sandbox/faults", tags=["sandbox"])

    @routes.post("", status_code=201)
    async def order_fault(order: FaultOrder) -> FaultList:
        """Order a fault; the answer lists all that are due."""
        faults.add(order)
        return faults.pending()

    @routes.get("")
    async def list_faults() -> FaultList:
        """List the faults that are still due."""
        return faults.pending()

    @routes.delete("", status_code=204)
    async def clear_faults() -> None:
        """Behave again."""
        faults.clear()

    return routes
