"""Record histories for the replay tests: ``python -m tests.workflows.record [--again PATH ...]``.

Records the paths that have no history yet. A history that is there is what runs in production
were made of, so it is replaced only when named, and never in the commit that changes a workflow.
"""

import argparse
import asyncio
import inspect
import json
import os
import sys
import tempfile
from collections.abc import Awaitable, Callable
from importlib import import_module
from pathlib import Path
from uuid import UUID

from domain.documents import PROCESSES, run_id
from runtime.local.postgres import Postgres
from tests.database import make_template
from tests.ports import free_port
from tests.workflows.servers import temporal
from tests.workflows.stage import Stage, open_stage

ROOT = Path(__file__).parent.parent.parent
HISTORIES = ROOT / "tests" / "histories"

Story = Callable[[Stage], Awaitable[UUID]]
"""Plays a path to its end and returns the document whose run is to be recorded."""


def stories_in(file: Path) -> tuple[Story, ...]:
    """Return the public functions of a file under ``paths/``: each plays one path."""
    module = import_module(f"tests.workflows.paths.{file.stem}")
    return tuple(
        function
        for name, function in inspect.getmembers(module, inspect.iscoroutinefunction)
        if function.__module__ == module.__name__ and not name.startswith("_")
    )


PATHS: dict[str, tuple[Story, ...]] = {
    file.stem.title().replace("_", ""): stories_in(file)
    for file in sorted(Path(__file__).with_name("paths").glob("[a-z]*.py"))
}
"""The paths of each workflow, whose file has the same name as its own."""


def file_of(workflow: str, path: Story) -> Path:
    """Return where the history of a path is kept."""
    return HISTORIES / workflow / f"{path.__name__}.json"


def missing(again: set[str]) -> list[tuple[str, Story]]:
    """Return the paths without a history, and those to be recorded again."""
    return [
        (workflow, path)
        for workflow, played in PATHS.items()
        for path in played
        if path.__name__ in again or not file_of(workflow, path).exists()
    ]


async def record(stage: Stage, workflow: str, path: Story) -> Path:
    """Play a path and write the closed history of its run."""
    document = await path(stage)
    kind = next(kind for kind, process in PROCESSES.items() if process.workflow == workflow)
    handle = stage.client.get_workflow_handle(run_id(kind, stage.shop.numbers[document]))
    history = await handle.fetch_history()
    file = file_of(workflow, path)
    file.parent.mkdir(parents=True, exist_ok=True)
    plain = json.dumps(json.loads(history.to_json()), separators=(",", ":"))
    # Where it was recorded is nobody's business: stack traces name files, events name the worker.
    for ours, neutral in ((f"{ROOT}/", ""), (stage.client.identity, "worker")):
        plain = plain.replace(ours, neutral)
    file.write_text(plain + "\n")
    return file


async def main(again: set[str]) -> None:
    """Record what is missing, and what is to be recorded again."""
    due = missing(again)
    with tempfile.TemporaryDirectory(prefix="stateset-record-") as folder:
        # PostgreSQL's own user must get through.
        os.chmod(folder, 0o711)
        postgres = Postgres(Path(folder) / "postgres", free_port())
        try:
            template = await make_template(await postgres.start())
            async with (
                temporal() as environment,
                open_stage(template, environment) as stage,
                stage.working(),
            ):
                for workflow, path in due:
                    file = await record(stage, workflow, path)
                    print(f"recorded {file.relative_to(HISTORIES)}", flush=True)
        finally:
            await postgres.stop()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--again", nargs="+", default=[], metavar="PATH")
    asyncio.run(main(set(parser.parse_args().again)))
    sys.stdout.flush()
    # The Temporal SDK's threads may abort a normal interpreter exit.
    os._exit(0)
