"""``stateset chaos``: faults chosen by a seed, done to a stack of its own that is at work."""

import asyncio
import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import httpx2
import orjson
import typer
from rich.console import Console
from rich.table import Table

from runtime.commands.chaos.asking import Late, Refused
from runtime.commands.chaos.disk import Disk
from runtime.commands.chaos.faults import Fault, FaultKind, choose
from runtime.commands.chaos.ground import Ground
from runtime.commands.chaos.rounds import Blow, Outcome, play
from runtime.commands.concurrency import until_interrupted
from runtime.commands.exits import leave
from runtime.commands.verify import summary
from runtime.local.children import CannotStart
from runtime.local.postgres import remove
from runtime.settings import Settings

_NOT_OURS = ("DATABASE_URL", "URL", "CARRIER_URL", "PAYMENTS_URL", "DATA_DIR", "TEMPORAL_ADDRESS")
"""Settings of the user's own installation, to which no harm may come."""
MANY = 1000


def chaos_command(
    seed: Annotated[int, typer.Option(help="Chooses the faults: the same ones for the same seed.")],
    faults: Annotated[int, typer.Option(min=1, max=MANY, help="How many faults at most.")] = 12,
    minutes: Annotated[
        float, typer.Option(min=0, help="No new fault begins after so many minutes.")
    ] = 10,
    only: Annotated[
        list[FaultKind] | None, typer.Option(help="Only faults of this kind; may be repeated.")
    ] = None,
    json: Annotated[Path | None, typer.Option(help="Write what was found to this file.")] = None,
) -> None:
    """Break a stack of its own in every way while it trades, and say what came of it.

    Exit code 1 when anything is lost, has happened twice, is stuck without a task for a person, or
    breaks a rule of `stateset verify`.
    """
    console = Console()
    console.print(f"Seed {seed}")
    chosen = choose(seed, faults, frozenset(only or ()))
    with _disk() as disk:
        try:
            outcome = asyncio.run(until_interrupted(_run(disk, chosen, minutes, console)))
            show(outcome, console)
            if json is not None:
                found = orjson.dumps(report(outcome, seed), option=orjson.OPT_INDENT_2)
                json.write_bytes(found + b"\n")
            code = 0 if outcome.sound else 1
        except KeyboardInterrupt:
            console.print("stopped")
            code = 130
        except (CannotStart, Late, Refused, OSError, httpx2.HTTPError) as error:
            console.print(f"the chaos itself failed: {error!r}", style="red", markup=False)
            code = 2
    leave(code)


@contextlib.contextmanager
def _disk() -> Iterator[Disk]:
    folder = Path(tempfile.mkdtemp(prefix="stateset-chaos-"))
    folder.chmod(0o711)
    disk = Disk(folder)
    disk.mount()
    try:
        yield disk
    finally:
        remove(folder / "data")
        disk.unmount()
        shutil.rmtree(folder, ignore_errors=True)


async def _run(disk: Disk, chosen: list[Fault], minutes: float, console: Console) -> Outcome:
    for name in _NOT_OURS:
        os.environ.pop(f"STATESET_{name}", None)
    console.print("Starting two workers, two APIs and all that they need ...")

    def say(text: str) -> None:
        console.print(text, style="dim", markup=False, highlight=False)

    ground = Ground(Settings(), disk, say)
    try:
        await ground.start()
        until = time.monotonic() + minutes * 60
        outcome = await play(ground, chosen, until, lambda told: console.print(told, markup=False))
    finally:
        await ground.stop()
    return outcome


def show(outcome: Outcome, console: Console) -> None:
    """Print the recovery from each fault, and then what was lost, doubled and stuck."""
    table = Table("fault", "works again after", "held up a customer for", title_justify="left")
    for blow in outcome.blows:
        table.add_row(str(blow.fault), _recovery(blow), f"{blow.held:.1f} s" if blow.ended else "-")
    console.print(table)
    found = outcome.judgement
    lives = outcome.trade.lives
    console.print(
        f"{sum(bool(life.order_id) for life in lives)} orders, "
        f"{sum(len(life.returns) for life in lives)} returns, "
        f"{sum(len(life.refunds) for life in lives)} refunds beside them, "
        f"{sum(len(life.claims) for life in lives)} claims with their repairs; "
        f"all had ended {outcome.settled:.1f} s after the last was asked for"
    )
    for name, words in (
        ("lost", found.lost),
        ("doubled", found.doubled),
        ("stuck", found.stuck),
        ("refused or late", found.refused),
    ):
        console.print(f"{name}: {len(words) or 'nothing'}", style="red" if words else "green")
        for each in words:
            console.print(f"  {each}", markup=False, soft_wrap=True)
    console.print(f"waiting for a person, who was asked: {found.asked or 'nothing'}")
    checked = summary(outcome.findings)
    broken = [finding for finding in outcome.findings if finding.broken]
    console.print(
        f"verify: {checked['checks']} checks, {len(broken)} broken",
        style="red" if broken else "green",
    )
    for finding in broken:
        console.print(f"  {finding.id} {finding.sentence}: {finding.samples}", markup=False)


def report(outcome: Outcome, seed: int) -> dict[str, Any]:
    """Return what was found, as JSON."""
    found = outcome.judgement
    return {
        "seed": seed,
        "faults": [
            {
                "fault": str(blow.fault),
                "left_out": blow.left_out,
                "works_again_after": blow.recovered,
                "held_up_a_customer_for": blow.held,
            }
            for blow in outcome.blows
        ],
        "orders": sum(bool(life.order_id) for life in outcome.trade.lives),
        "lost": found.lost,
        "doubled": found.doubled,
        "stuck": found.stuck,
        "refused_or_late": found.refused,
        "waiting_for_a_person": found.asked,
        "verify": summary(outcome.findings),
    }


def _recovery(blow: Blow) -> str:
    if blow.left_out:
        return f"left out: {blow.left_out}"
    return "never" if blow.recovered is None else f"{blow.recovered:.1f} s"
