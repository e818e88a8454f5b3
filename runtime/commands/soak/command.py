"""``stateset soak``: a company sells for an hour on this machine, and what grows is told."""

import asyncio
from pathlib import Path
from typing import Annotated, Any

import httpx2
import orjson
import typer
from rich.console import Console

from runtime.commands.concurrency import until_interrupted
from runtime.commands.connection import target_of
from runtime.commands.demo import its_folder, its_settings
from runtime.commands.exits import leave
from runtime.commands.shop import NoAnswer
from runtime.commands.soak.running import Soak, soak
from runtime.commands.soak.showing import as_json, show
from runtime.commands.up import development_key
from runtime.local.children import CannotStart
from runtime.local.stack import Stack


def soak_command(
    minutes: Annotated[float, typer.Option(min=0.1, help="How long orders come.")] = 60,
    rate: Annotated[float, typer.Option(min=0.01, help="Orders a second.")] = 5,
    json: Annotated[Path | None, typer.Option(help="Write the figures to this file.")] = None,
) -> None:
    """Sell for so long on a stack of its own; tell what grew, and whether the books are right.

    Ends with 1 when memory, handles, runs or tables grow without bound, when documents stand
    still, or when the books are broken.
    """
    console = Console()
    with its_folder("soak") as folder:
        try:
            code = asyncio.run(until_interrupted(_run(folder, minutes * 60, rate, json, console)))
        except KeyboardInterrupt:
            console.print("stopped")
            code = 130
        except (CannotStart, NoAnswer, OSError, httpx2.HTTPError) as error:
            told = f"the soak failed: {type(error).__name__} {error}"
            console.print(told, style="red", markup=False)
            code = 1
    leave(code)


async def _run(
    folder: Path, seconds: float, rate: float, json: Path | None, console: Console
) -> int:
    settings = its_settings(folder)
    async with Stack(settings, make_api_key=development_key, say=console.print) as stack:
        await stack.ready()
        console.print(f"Orders come for {seconds / 60:g} minutes, {rate:g} a second ...")
        target = target_of(stack.record)
        found = await soak(stack.record, target, settings, seconds=seconds, rate=rate)
    _tell(found, json, console)
    return 1 if found.failures else 0


def _tell(found: Soak, json: Path | None, console: Console) -> None:
    show(found, console)
    if json is not None:
        written: dict[str, Any] = as_json(found)
        json.write_bytes(orjson.dumps(written, option=orjson.OPT_INDENT_2) + b"\n")
