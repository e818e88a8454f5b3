"""``stateset demo``: a whole company at work on this machine, watched, checked and put away."""

import asyncio
import contextlib
import os
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import httpx2
import typer
from rich.console import Console

from activities.access.accepting import create_key
from db.engine import Database, open_engine
from domain.ids import new_id
from gateways.carriers.sandbox import SANDBOX_CARRIER
from runtime.commands.concurrency import until_interrupted
from runtime.commands.connection import Target, target_of
from runtime.commands.exits import leave
from runtime.commands.sandbox import travelling
from runtime.commands.shop import NoAnswer, Shop
from runtime.commands.summary import Summary
from runtime.commands.up import development_key
from runtime.commands.verify import check_everything
from runtime.local.children import CannotStart
from runtime.local.postgres import remove
from runtime.local.stack import Stack
from runtime.sample.act import Act, People, WentWrong
from runtime.sample.acting import perform
from runtime.sample.board import show
from runtime.sample.company import Company, load_company
from runtime.sample.stories import tell
from runtime.settings import Settings

PAYMENT_WINDOW = "3"
"""Seconds; short, so that the declined order ends while one looks."""
SHIP_BACK_WINDOW = "6"
"""Seconds; short, so that the return of which nothing comes expires while one looks."""
SECONDS_PER_SCAN = 0.4
PATIENCE = 60.0
_NOT_OURS = ("DATABASE_URL", "URL", "CARRIER_URL", "PAYMENTS_URL", "DATA_DIR")
"""Settings of the user's own installation, which a demonstration must not touch."""


def demo_command(
    json: Annotated[Path | None, typer.Option(help="Write the figures to this file.")] = None,
    keep: Annotated[bool, typer.Option(help="Leave everything running until Ctrl-C.")] = False,
) -> None:
    """Start everything, let a small company trade, check its books, and stop everything."""
    console = Console()
    with its_folder("demo") as folder:
        try:
            code = asyncio.run(until_interrupted(_run(folder, json, keep, console)))
        except KeyboardInterrupt:
            console.print("stopped")
            code = 130
        except (CannotStart, WentWrong, NoAnswer, OSError, httpx2.HTTPError) as error:
            console.print(f"the demonstration failed: {error}", style="red", markup=False)
            code = 1
    leave(code)


@contextlib.contextmanager
def its_folder(command: str) -> Iterator[Path]:
    """A data folder for one run; PostgreSQL's user must pass through it under root."""
    folder = Path(tempfile.mkdtemp(prefix=f"stateset-{command}-"))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        remove(folder)
        shutil.rmtree(folder, ignore_errors=True)


def its_settings(folder: Path) -> Settings:
    """Return the settings of a stack of its own, whose programs inherit short waits."""
    for name in _NOT_OURS:
        os.environ.pop(f"STATESET_{name}", None)
    os.environ.pop("STATESET_TEMPORAL_ADDRESS", None)
    os.environ["STATESET_PAYMENT_WINDOW"] = PAYMENT_WINDOW
    os.environ["STATESET_SHIP_BACK_WINDOW"] = SHIP_BACK_WINDOW
    free = dict.fromkeys(
        ("api_port", "postgres_port", "temporal_port", "ui_port", "metrics_port"), 0
    )
    return Settings().model_copy(update={"data_dir": folder, **free})


async def _run(folder: Path, json: Path | None, keep: bool, console: Console) -> int:
    started = time.monotonic()
    settings = its_settings(folder)
    console.print("Starting PostgreSQL, Temporal, the sandbox partners, worker and API ...")
    async with Stack(settings, make_api_key=development_key, say=console.print) as stack:
        await stack.ready()
        target = target_of(stack.record)
        console.print(f"Everything runs after {time.monotonic() - started:.1f} s.")
        summary, acts = await trade(target, settings, console)
        summary.seconds = time.monotonic() - started
        summary.show(console)
        summary.write(json)
        for act in acts:
            if not act.as_told:
                console.print(
                    f"{act.story.reference} ended as {act.state}, not as {act.story.end}",
                    style="red",
                )
        if keep:
            console.print(f"It goes on running; Ctrl-C stops it. {_links(target)[0]}")
            await asyncio.Event().wait()
    return 0 if summary.sound and summary.agrees and all(act.as_told for act in acts) else 1


async def trade(
    target: Target, settings: Settings, console: Console
) -> tuple[Summary, Sequence[Act]]:
    """Let the stories happen; return the figures and how each story ended."""
    db = Database(open_engine(target.database_url, application="stateset-demo", pool=2))
    try:
        company = await load_company(db)
        async with db.begin() as connection:
            shop_key = await create_key(connection, new_id(), name="web shop", role="integration")
            staff_key = await create_key(connection, new_id(), name="support desk", role="admin")
            bench_key = await create_key(connection, new_id(), name="test bench", role="inspector")
    finally:
        await db.close()
    acts = [Act(story) for story in tell(company)]
    carrier_key = settings.of(SANDBOX_CARRIER).api_key.get_secret_value()
    async with (
        Shop(target.api, shop_key) as shop,
        Shop(target.api, staff_key) as staff,
        Shop(target.api, bench_key) as inspector,
        travelling(
            target.carrier_url or "",
            carrier_key,
            seconds_per_scan=SECONDS_PER_SCAN,
            outcomes={},
        ),
    ):
        showing = asyncio.ensure_future(show(acts, _links(target), console))
        try:
            people = People(shop, staff, inspector, deadline=time.monotonic() + PATIENCE)
            posted, ended = await perform(acts, company, people)
        finally:
            showing.cancel()
            await asyncio.gather(showing, return_exceptions=True)
    findings = await check_everything(target, settings)
    summary = _summary(acts, company)
    summary.posting_seconds, summary.completing_seconds = posted, ended
    summary.findings = findings
    return summary, acts


def _summary(acts: Sequence[Act], company: Company) -> Summary:
    placed = [act for act in acts if act.order]
    return Summary(
        accepted=len(placed),
        by_status=Counter(act.state for act in placed),
        total_ours=sum(act.order["total"]["amount"] for act in placed),
        total_data=sum(act.story.total(company) for act in placed),
        more={"refused": sum(bool(act.refusal) for act in acts)},
    )


def _links(target: Target) -> list[str]:
    return [
        f"Temporal Web UI: {target.ui_url}/namespaces/{target.temporal_namespace}/workflows",
        f"API and its documentation: {target.api}/docs",
    ]
