"""Our books against those of the sandbox partners and of Temporal, both ways."""

import ssl
from collections.abc import AsyncIterator, Iterable, Mapping
from functools import cache
from typing import Any

import httpx2
from sqlalchemy.ext.asyncio import AsyncEngine

from db.runs import find_unfinished
from db.verify.books import SAMPLES, Finding
from db.verify.partners import Label, Operation, get_labels, get_operations, get_own_numbers
from domain.payments import EntryKind, Phase
from domain.shipments.status import ShipmentStatus
from gateways.carriers.sandbox import SANDBOX_CARRIER
from gateways.payments.sandbox import SANDBOX_PAYMENTS
from runtime.settings import Settings

_PAGE = 10_000
_UNSENT = frozenset({ShipmentStatus.PENDING, ShipmentStatus.CANCELLED})


async def compare_payments(engine: AsyncEngine, url: str, key: str) -> list[Finding]:
    """Compare our entries with the sandbox provider's ledger."""
    theirs = {row["key"]: row async for row in _pages(f"{url}/ledger", key)}
    async with engine.connect() as db:
        ours = await get_operations(db, SANDBOX_PAYMENTS.name)
    return [
        _finding(
            "P1",
            "Every operation at the payment provider is in our books",
            (_shown(row) for row in theirs.values() if not _asked(row, ours.get(row["key"]))),
        ),
        _finding(
            "P2",
            "What we hold for the outcome of an operation is what the provider says",
            (vars(each) for each in ours.values() if not _agrees(each, theirs.get(each.key))),
        ),
        _finding(
            "P3",
            "The provider moved money once per operation that succeeded, else never",
            (_shown(row) for row in theirs.values() if not _moved_once(row)),
        ),
    ]


async def compare_labels(engine: AsyncEngine, url: str, key: str) -> list[Finding]:
    """Compare our labels with the sandbox carrier's bookings."""
    theirs = {row["reference"]: row async for row in _pages(f"{url}/bookings", key)}
    async with engine.connect() as db:
        ours = await get_labels(db, SANDBOX_CARRIER.name)
        by_hand = await get_own_numbers(db, SANDBOX_CARRIER.name)
    return [
        _finding(
            "P4",
            "Every live label at the carrier is that of a shipment or return of ours",
            (
                {"reference": name, "booking": row["id"]}
                for name, row in theirs.items()
                if not (row["voided"] or _wanted(row, ours.get(name)) or _numbers(row) <= by_hand)
            ),
        ),
        _finding(
            "P5",
            "Every label of ours exists at the carrier, with its parcels, live or voided as ours",
            (
                {"reference": each.reference, "booking": each.booking_reference}
                for each in ours.values()
                if each.booking_reference is not None and not _exists(each, theirs)
            ),
        ),
    ]


async def compare_runs(engine: AsyncEngine, settings: Settings) -> list[Finding]:
    """Compare the documents that have not ended with the open runs in these settings' Temporal."""
    from runtime.temporal import connect
    from workflows.runs import OPEN_RUNS

    client = await connect(settings)
    open_runs = {run.id async for run in client.list_workflows(OPEN_RUNS)}
    async with engine.connect() as db:
        unfinished = await find_unfinished(db)
    told = {document.run_id for document in unfinished if not document.due}
    left_over = open_runs - {document.run_id for document in unfinished}
    return [
        _finding(
            "P6",
            "Every document that has not ended has its run, and no run is left of another",
            [
                *({"run": name, "is": "missing"} for name in sorted(told - open_runs)),
                *({"run": name, "is": "left over"} for name in sorted(left_over)),
            ],
        )
    ]


@cache
def _tls() -> ssl.SSLContext:
    """Certificates are read once: that takes longer than an answer."""
    return httpx2.create_ssl_context()


async def _pages(url: str, key: str) -> AsyncIterator[Mapping[str, Any]]:
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx2.AsyncClient(headers=headers, timeout=30, verify=_tls()) as http:
        after = 0
        while True:
            answer = await http.get(url, params={"after": after, "limit": _PAGE})
            answer.raise_for_status()
            rows = answer.json()["data"]
            for row in rows:
                yield row
            if len(rows) < _PAGE:
                return
            after = rows[-1]["sequence"]


def _asked(row: Mapping[str, Any], ours: Operation | None) -> bool:
    return ours is not None and (
        ours.kind == row["kind"] and row["amount"] in (ours.amount, ours.told)
    )


def _agrees(ours: Operation, theirs: Mapping[str, Any] | None) -> bool:
    """Whether an outcome is theirs; what was refused or never sent they need not know."""
    if theirs is None:
        return ours.phase in (Phase.FAILED, Phase.REQUESTED)
    if ours.told is not None:
        # Nothing is booked of it before finance has said which amount stands.
        return ours.phase in (Phase.REQUESTED, Phase.ACTION_REQUIRED)
    if ours.phase == Phase.REVERSED:
        # That the time of a reserve is over the provider need not say.
        return theirs["outcome"] == "failed" or ours.kind == EntryKind.AUTHORIZATION
    return theirs["outcome"] in (ours.phase, "pending")


def _moved_once(row: Mapping[str, Any]) -> bool:
    if row["outcome"] == "succeeded":
        return bool(row["executed"] == 1)
    # What fails after it succeeded has moved money, and moved it back.
    return bool(row["executed"] <= 1)


def _wanted(row: Mapping[str, Any], ours: Label | None) -> bool:
    return ours is not None and ours.booking_reference == row["id"] and ours.status not in _UNSENT


def _numbers(row: Mapping[str, Any]) -> set[str]:
    return {parcel["tracking_number"] for parcel in row["parcels"]}


def _exists(ours: Label, theirs: Mapping[str, Mapping[str, Any]]) -> bool:
    row = theirs.get(ours.reference)
    return (
        row is not None
        and row["id"] == ours.booking_reference
        and _numbers(row) == ours.numbers
        and row["voided"] == (ours.status == ShipmentStatus.VOIDED)
    )


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in ("key", "kind", "amount", "outcome", "executed")}


def _finding(name: str, sentence: str, broken: Iterable[Mapping[str, Any]]) -> Finding:
    found = list(broken)
    return Finding(name, sentence, len(found), tuple(found[:SAMPLES]), settles=True)
