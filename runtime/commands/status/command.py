"""``stateset status``: how everything is, on one screen."""

import asyncio
import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import orjson
import structlog
import typer
from rich.console import Console
from rich.live import Live

from runtime.commands.connection import NotReachable, find_target
from runtime.commands.exits import leave
from runtime.commands.status.parts import State
from runtime.commands.status.showing import screen
from runtime.settings import Settings

if TYPE_CHECKING:
    from runtime.commands.status.gathering import Observer


def status_command(
    watch: Annotated[bool, typer.Option(help="Look again and again, until Ctrl-C.")] = False,
    every: Annotated[float, typer.Option(min=0.5, help="Seconds between two looks.")] = 2,
    json: Annotated[bool, typer.Option(help="Print what was found as JSON.")] = False,
) -> None:
    """Show how everything is: processes, outbox, partners, what waits for people, the last check.

    Exit code 1 when a part is away, 2 when nothing says where to look.
    """
    from runtime.commands.status.gathering import Observer

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    settings = Settings()
    try:
        observer = Observer(find_target(settings), settings)
    except NotReachable as error:
        typer.echo(f"cannot look: {error}", err=True)
        raise typer.Exit(2) from error
    found = asyncio.run(_watch(observer, every) if watch else _once(observer))
    if json:
        typer.echo(as_json(found))
    elif not watch:
        Console().print(screen(found))
    leave(1 if any(part["state"] == State.AWAY for part in found["parts"]) else 0)


def as_json(found: Mapping[str, Any]) -> str:
    """Write what was found under its documented names."""
    return orjson.dumps(found, option=orjson.OPT_INDENT_2, default=float).decode()


async def _once(observer: "Observer") -> dict[str, Any]:
    async with observer:
        return await observer.look()


async def _watch(observer: "Observer", every: float) -> dict[str, Any]:
    """Show what is found until Ctrl-C; return what was found last."""
    async with observer:
        found = await observer.look()
        with Live(screen(found), screen=True, auto_refresh=False) as live:
            try:
                while True:
                    await asyncio.sleep(every)
                    found = await observer.look()
                    live.update(screen(found), refresh=True)
            except asyncio.CancelledError:
                return found
