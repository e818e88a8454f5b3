"""The commands that bring AdventureWorks in and play its orders again."""

import asyncio
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

import httpx2
import orjson
import typer
from rich.console import Console
from rich.table import Table
from sqlalchemy.exc import SQLAlchemyError

from db.engine import Database, open_engine
from runtime.commands.adventureworks.company import Company, read_company
from runtime.commands.adventureworks.files import NotReadable
from runtime.commands.adventureworks.importing import Count, import_company
from runtime.commands.adventureworks.playing import Wish, replay, succeeded
from runtime.commands.concurrency import until_interrupted
from runtime.commands.connection import NotReachable, Target, find_target
from runtime.commands.exits import leave
from runtime.commands.shop import NoAnswer
from runtime.settings import Settings

import_app = typer.Typer(help="Bring other systems' data in.", no_args_is_help=True)
replay_app = typer.Typer(help="Play recorded orders again.", no_args_is_help=True)

_FAILURES = (NotReachable, NotReadable, OSError, SQLAlchemyError)

Folder = Annotated[Path, typer.Argument(help="The folder with the CSV files.", metavar="DIR")]
Report = Annotated[Path | None, typer.Option(help="Write the figures to this file.")]


@import_app.callback()
def bring_in() -> None:
    """Bring other systems' data in."""


@replay_app.callback()
def play_again() -> None:
    """Play recorded orders again."""


@import_app.command("adventureworks")
def import_adventureworks(folder: Folder, json: Report = None) -> None:
    """Bring in customers, items, prices, places and opening stock; a repeat changes nothing."""
    console = Console()
    try:
        target = find_target(Settings())
        company = read_company(folder)
        counts = asyncio.run(_import(target, company))
    except _FAILURES as error:
        typer.echo(f"cannot import: {error}", err=True)
        raise typer.Exit(2) from error
    _show(counts, company.notes, console)
    if json is not None:
        figures = {"import": {kind: asdict(count) for kind, count in counts.items()}}
        json.write_bytes(orjson.dumps(figures, option=orjson.OPT_INDENT_2) + b"\n")


@replay_app.command("adventureworks")
def replay_adventureworks(
    folder: Folder,
    orders: Annotated[int, typer.Option(min=1, help="How many; the newest ones.")] = 1000,
    since: Annotated[
        datetime | None,
        typer.Option("--from", formats=["%Y-%m-%d"], help="The first ones from this day on."),
    ] = None,
    concurrency: Annotated[int, typer.Option(min=1, max=500, help="Requests at a time.")] = 16,
    patience: Annotated[float, typer.Option(help="Seconds without progress to give up.")] = 120,
    json: Report = None,
) -> None:
    """Place real sales orders as a shop would, and wait until each has ended."""
    console = Console()
    try:
        settings = Settings()
        wish = Wish(
            folder,
            orders,
            since.date() if since else None,
            concurrency,
            timedelta(seconds=patience),
        )
        summary = asyncio.run(
            until_interrupted(replay(find_target(settings), settings, wish, console))
        )
    except KeyboardInterrupt:
        typer.echo("stopped; repeat the command to go on where it was", err=True)
        leave(130)
    except (
        NotReachable,
        NotReadable,
        OSError,
        SQLAlchemyError,
        httpx2.HTTPError,
        NoAnswer,
    ) as error:
        typer.echo(f"cannot replay: {error}", err=True)
        raise typer.Exit(2) from error
    summary.show(console)
    summary.write(json)
    leave(0 if succeeded(summary) else 1)


async def _import(target: Target, company: Company) -> dict[str, Count]:
    db = Database(open_engine(target.database_url, application="stateset-import", pool=2))
    try:
        return await import_company(db, company)
    finally:
        await db.close()


def _show(counts: dict[str, Count], notes: list[str], console: Console) -> None:
    table = Table("kind", "read", "written", "unchanged", "refused")
    for kind, count in counts.items():
        figures = (count.read, count.written, count.unchanged, len(count.refused))
        table.add_row(kind, *(f"{figure:,}" for figure in figures))
    console.print(table)
    for note in notes:
        console.print(f"note: {note}")
    for kind, count in counts.items():
        for reason in count.refused[:20]:
            console.print(f"refused, {kind}: {reason}", style="yellow")
        if len(count.refused) > 20:
            console.print(f"refused, {kind}: and {len(count.refused) - 20} more", style="yellow")
