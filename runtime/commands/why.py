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

_FORBIDDEN = 403


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
        typer.echo(f"no document and no task that the key may see is {number}", err=True)
        raise typer.Exit(1)
    if json:
        typer.echo(orjson.dumps(found, option=orjson.OPT_INDENT_2).decode())
    else:
        show(found, Console(), datetime.now(UTC))


async def explain(url: str, api_key: str, number: str) -> dict[str, Any] | None:
    """Return the process of the document of this number, or of a task's, and its open questions.

    The process is None of a task about something that has none, such as a payment. None when
    nothing that the key may see has the number. Raises NoAnswer and Refused.
    """
    async with Shop(url, api_key) as caller:
        place = await _find(caller, number)
        if place is None:
            return None
        path, document_id = place
        process = None if path is None else _answered(await caller.get(f"{path}/process"))
        asked = {"document_id": document_id, "status": "open"}
        tasks = _items(await caller.get("/tasks", **asked))
    return {"url": url + (path or "/tasks"), "process": process, "tasks": tasks}


async def _find(caller: Shop, number: str) -> tuple[str | None, str] | None:
    """Return path and id of the document that has this number, or that its task is about."""
    paths = {str(kind): each.path for kind, each in PROCESSES.items() if kind is not Kind.SITE}
    *listed, tasks = await asyncio.gather(
        *(caller.get(f"/{path}", number=number) for path in paths.values()),
        caller.get("/tasks", number=number),
    )
    for path, answer in zip(paths.values(), listed, strict=True):
        for item in _items(answer):
            return f"/{path}/{item['id']}", item["id"]
    for task in _items(tasks):
        document_id, kind = task["document_id"], task["document_type"]
        return f"/{paths[kind]}/{document_id}" if kind in paths else None, document_id
    return None


def _items(answer: Answer) -> list[Mapping[str, Any]]:
    """Return what a list shows; nothing of a kind that the key may not read."""
    return [] if answer.status == _FORBIDDEN else list(_answered(answer)["items"])


def _answered(answer: Answer) -> Mapping[str, Any]:
    if answer.status != 200:
        raise Refused(str(answer))
    return answer.body


def show(found: Mapping[str, Any], console: Console, now: datetime) -> None:
    """Print what is awaited, the most pressing first, and the answers that people may give."""
    process = found["process"]
    if process is not None:
        _show_process(process, console, now)
    elif not found["tasks"]:
        console.print("No question about it is open.")
    for task in found["tasks"]:
        late = " It is overdue." if datetime.fromisoformat(task["due_at"]) < now else ""
        console.print(Text(f"{task['number']} asks {task['role']}: {task['question']}{late}"))
        for option in task["options"]:
            console.print(Text(f"  {option['choice']}: {option['effect']}"))
        console.print(Text(f"  answer with POST /tasks/{task['id']}/decide"), soft_wrap=True)
    console.print(Text(found["url"], style="dim"), soft_wrap=True)


def _show_process(process: Mapping[str, Any], console: Console, now: datetime) -> None:
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
    if not process["runs_known"]:
        console.print("Temporal does not answer: this is what the books know.", style="yellow")


def _between(instant: str | None, now: datetime) -> str:
    """Return in words how far away an instant is, to whole units."""
    if instant is None:
        return ""
    seconds = abs(round((now - datetime.fromisoformat(instant)).total_seconds()))
    return str(timedelta(seconds=seconds))
