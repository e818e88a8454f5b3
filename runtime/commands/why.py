"""``stateset why SO-1042``: what a document waits for, and what a person may do about it."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from domain.documents import PROCESSES, Kind
from runtime.commands.connection import NotReachable, find_api
from runtime.commands.shop import Answer, NoAnswer, Shop
from runtime.settings import Settings

_LISTS = tuple(process.path for kind, process in PROCESSES.items() if kind is not Kind.SITE)


class Refused(Exception):
    """The API refuses to say it, for the reason that stands in its answer."""


def why_command(
    number: Annotated[
        str, typer.Argument(help="The number of any document or task: SO-1042, RMA-7, TSK-3.")
    ],
    api_key: Annotated[
        str | None,
        typer.Option(
            envvar="STATESET_API_KEY", help="Not needed with the stack that runs on this machine."
        ),
    ] = None,
    json: Annotated[bool, typer.Option(help="Print the answers of the API as they are.")] = False,
) -> None:
    """Say why a document has not ended: what it waits for, since when, and what may be done.

    Exit code 1 when nothing has the number, 2 when it cannot be asked.
    """
    try:
        url, key = find_api(Settings(), api_key)
        found = asyncio.run(explain(url, key, number))
    except (NotReachable, NoAnswer, Refused) as error:
        typer.echo(f"cannot ask: {error}", err=True)
        raise typer.Exit(2) from error
    if found is None:
        typer.echo(f"no document and no task has the number {number}", err=True)
        raise typer.Exit(1)
    if json:
        typer.echo(orjson.dumps(found, option=orjson.OPT_INDENT_2).decode())
    else:
        show(found, Console(), datetime.now(UTC))


async def explain(url: str, api_key: str, number: str) -> dict[str, Any] | None:
    """Return the process of the document of this number, and its open questions.

    None when nothing has the number. Raises NoAnswer and Refused.
    """
    async with Shop(url, api_key) as caller:
        path = await _path_of(caller, number)
        if path is None:
            return None
        process = _answered(await caller.get(f"{path}/process"))
        asked = {"document_id": process["document_id"], "status": "open"}
        tasks = _answered(await caller.get("/tasks", **asked))["items"]
    return {"url": f"{url}{path}", "process": process, "tasks": tasks}


async def _path_of(caller: Shop, number: str) -> str | None:
    """Return where the document is that has this number, or that a task of this number is about."""
    lists = {process.path: kind for kind, process in PROCESSES.items()}
    answers = await asyncio.gather(
        *(caller.get(f"/{path}", number=number) for path in _LISTS),
        caller.get("/tasks", number=number),
    )
    *listed, tasks = (_answered(answer)["items"] for answer in answers)
    for path, items in zip(_LISTS, listed, strict=True):
        if items:
            return f"/{path}/{items[0]['id']}"
    for task in tasks:
        paths = {str(kind): path for path, kind in lists.items()}
        if task["document_type"] in paths:
            return f"/{paths[task['document_type']]}/{task['document_id']}"
    return None


def _answered(answer: Answer) -> Mapping[str, Any]:
    if answer.status != 200:
        raise Refused(str(answer))
    return answer.body


def show(found: Mapping[str, Any], console: Console, now: datetime) -> None:
    """Print what is awaited, the most pressing first, and the answers that people may give."""
    process, tasks = found["process"], found["tasks"]
    console.print(Text(process["summary"], style="bold"))
    if process["waiting_for"]:
        table = Table("who", "what", "for", "tried", "next try in", "last error")
        for wait in process["waiting_for"]:
            table.add_row(
                Text(wait["who"]),
                Text(wait["what"]),
                _between(wait["since"], now),
                str(wait["attempts"] or ""),
                _between(wait["next_attempt_at"], now),
                Text(wait["last_error"] or ""),
            )
        console.print(table)
    for task in tasks:
        late = " It is overdue." if datetime.fromisoformat(task["due_at"]) < now else ""
        console.print(Text(f"{task['number']} asks {task['role']}: {task['question']}{late}"))
        for option in task["options"]:
            console.print(Text(f"  {option['choice']}: {option['effect']}"))
        console.print(Text(f"  answer with POST /tasks/{task['id']}/decide"), soft_wrap=True)
    if not process["runs_known"]:
        console.print("Temporal does not answer: this is what the books know.", style="yellow")
    console.print(Text(found["url"], style="dim"), soft_wrap=True)


def _between(instant: str | None, now: datetime) -> str:
    """Return in words how far away an instant is, to whole units."""
    if instant is None:
        return ""
    seconds = abs(round((now - datetime.fromisoformat(instant)).total_seconds()))
    return str(timedelta(seconds=seconds))
