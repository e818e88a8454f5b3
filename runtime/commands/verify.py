"""The command that checks the books: every rule that they must keep, in one snapshot."""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import httpx2
import orjson
import typer
from rich.console import Console
from rich.table import Table
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from db.engine import open_engine
from db.failures import short_cause
from db.verify.books import Finding, Looked, look, verify
from db.verify.closed import close_days, open_days
from db.verify.mark import can_go_on
from db.watching import find_mark, record_verification
from gateways.carriers.sandbox import SANDBOX_CARRIER
from gateways.payments.sandbox import SANDBOX_PAYMENTS
from runtime.commands.connection import NotReachable, Target, find_target
from runtime.commands.exits import leave
from runtime.commands.reconciliation import compare_labels, compare_payments, compare_runs
from runtime.settings import Settings

PATIENCE = timedelta(seconds=10)
_POLL = 0.3


@dataclass(frozen=True)
class Checked:
    """What was found, and whether all books were looked at."""

    findings: list[Finding]
    documents: int | None
    """How many had changed since the books were sound, with what they are compared with."""

    @property
    def whole(self) -> bool:
        """Whether all books were looked at."""
        return self.documents is None


def _open(target: Target, pool: int) -> AsyncEngine:
    return open_engine(
        target.database_url,
        application="stateset-verify",
        pool=pool,
        statement_timeout=timedelta(minutes=5),
    )


async def check_everything(
    target: Target, settings: Settings, patience: timedelta = PATIENCE
) -> list[Finding]:
    """Check all books, and compare them with each partner and with Temporal where known.

    What a run may still settle is waited for, at most ``patience``.
    """
    engine = _open(target, pool=4)
    try:
        findings = await verify(engine, patience=patience)
        return findings + await _compare(engine, target, settings, patience)
    finally:
        await engine.dispose()


async def check_and_note(
    target: Target,
    settings: Settings,
    patience: timedelta = PATIENCE,
    *,
    whole: bool = False,
    renew: bool = False,
) -> Checked:
    """Check what changed since the books were sound, and note in them up to where they are now.

    All of them where they never were found so, or with ``whole``. ``renew`` forgets the sums of
    closed days before. Nothing is noted where that may not be.
    """
    begun = time.monotonic()
    engine = _open(target, pool=4)
    try:
        async with engine.begin() as db:
            if renew:
                await open_days(db)
            mark = await find_mark(db) if not whole and await can_go_on(db) else None
        looked = await look(engine, mark, patience=patience)
        findings = looked.findings + await _compare(engine, target, settings, patience)
        await _note(engine, looked, findings, timedelta(seconds=time.monotonic() - begun))
        return Checked(findings, looked.documents)
    finally:
        await engine.dispose()


async def _note(
    engine: AsyncEngine, looked: Looked, findings: Sequence[Finding], took: timedelta
) -> None:
    broken = [found.id for found in findings if found.broken]
    try:
        async with engine.begin() as db:
            await record_verification(
                db,
                took=took,
                checks=sum(not found.informs for found in findings),
                broken=broken,
                whole=looked.documents is None,
                mark=None if broken else looked.mark,
            )
            if not broken:
                await close_days(db, looked.days)
    except (SQLAlchemyError, OSError) as error:
        # A copy that cannot be written to is checked all the same.
        sys.stderr.write(f"not written down that the books were checked: {short_cause(error)}\n")


async def _compare(
    engine: AsyncEngine, target: Target, settings: Settings, patience: timedelta
) -> list[Finding]:
    findings: list[Finding] = []
    for compare in _comparisons(target, settings):
        findings += await _patiently(partial(compare, engine), patience)
    return findings


Comparison = Callable[[AsyncEngine], Awaitable[list[Finding]]]


def _comparisons(target: Target, settings: Settings) -> list[Comparison]:
    found: list[Comparison] = []
    if (payments := target.payments_url) is not None:
        key = settings.of(SANDBOX_PAYMENTS).api_key.get_secret_value()
        found.append(lambda engine: compare_payments(engine, payments, key))
    if (carrier := target.carrier_url) is not None:
        label_key = settings.of(SANDBOX_CARRIER).api_key.get_secret_value()
        found.append(lambda engine: compare_labels(engine, carrier, label_key))
    if target.temporal_address is not None:
        found.append(lambda engine: compare_runs(engine, target.at_temporal(settings)))
    return found


async def _patiently(
    look: Callable[[], Awaitable[list[Finding]]], patience: timedelta
) -> list[Finding]:
    deadline = time.monotonic() + patience.total_seconds()
    while True:
        findings = await look()
        if not any(found.broken for found in findings) or time.monotonic() >= deadline:
            return findings
        await asyncio.sleep(_POLL)


def summary(findings: Sequence[Finding]) -> dict[str, Any]:
    """Return how many checks there are, how many are broken, and what was found, as JSON."""
    return {
        "checks": sum(not found.informs for found in findings),
        "violations": sum(found.violations for found in findings if found.broken),
        "findings": [
            {
                "id": found.id,
                "sentence": found.sentence,
                "violations": found.violations,
                "informs": found.informs,
                "samples": [_plain(sample) for sample in found.samples],
            }
            for found in findings
        ],
    }


def _plain(sample: Any) -> dict[str, Any]:
    return {
        name: value if isinstance(value, str | int | None) else str(value)
        for name, value in sample.items()
    }


def show(checked: Checked, console: Console) -> None:
    """Print what holds, what does not and where."""
    findings = checked.findings
    table = Table("check", "what must hold", "violations", title="The books", title_justify="left")
    for found in findings:
        if found.broken:
            mark, style = str(found.violations), "bold red"
        elif found.informs:
            mark, style = (f"{found.violations} (for information)" if found.violations else "-"), ""
        else:
            mark, style = "0", "green"
        table.add_row(found.id, found.sentence, mark, style=style if found.broken else "")
    console.print(table)
    for found in findings:
        for sample in found.samples:
            console.print(f"{found.id}: {_plain(sample)}", style="red" if found.broken else "")
    broken = sum(found.broken for found in findings)
    checks = sum(not found.informs for found in findings)
    of = "all books"
    if not checked.whole:
        of = f"{checked.documents} documents that changed since the books were sound, or are near"
    words = f"{checks} checks of {of}: {broken} broken"
    console.print(words, style="bold red" if broken else "bold green", soft_wrap=True)


def verify_command(
    json: Annotated[Path | None, typer.Option(help="Write the findings to this file.")] = None,
    wait: Annotated[float, typer.Option(help="Seconds that running steps get to settle.")] = 10,
    full: Annotated[bool, typer.Option("--full", help="Check all books, however old.")] = False,
    renew: Annotated[
        bool, typer.Option("--renew", help="With --full: add the closed days up anew.")
    ] = False,
) -> None:
    """Check the books: stock, money, states and partners agree. Exit code 1 if anything breaks.

    What has changed since they were last found to be sound; everything with --full.
    """
    from temporalio.service import RPCError

    if renew and not full:
        raise typer.BadParameter("only what is checked in full is added up anew: add --full")
    settings = Settings()
    console = Console()
    try:
        target = find_target(settings)
        checked = asyncio.run(
            check_and_note(target, settings, timedelta(seconds=wait), whole=full, renew=renew)
        )
    except (NotReachable, OSError, RPCError, RuntimeError, httpx2.HTTPError) as error:
        # Temporal's client says RuntimeError when it cannot connect.
        typer.echo(f"cannot check: {error}", err=True)
        raise typer.Exit(2) from error
    show(checked, console)
    findings = checked.findings
    if json is not None:
        found = {"full": checked.whole, "documents": checked.documents, **summary(findings)}
        report = orjson.dumps({"verify": found}, option=orjson.OPT_INDENT_2)
        json.write_bytes(report + b"\n")
    leave(1 if any(found.broken for found in findings) else 0)
