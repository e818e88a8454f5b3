"""Running a document's commands as its reader would: in order, in one shell, beside a stack."""

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path

from tests.docs.examples import Example
from tests.docs.likeness import unlike

PATIENCE = 240
_MARK = "\x1e"


async def run_examples(examples: Sequence[Example], folder: Path) -> list[str]:
    """Run what is to be run in ``folder``; return what went otherwise than shown."""
    wanted = [each for each in examples if each.skip is None]
    script = "set -euo pipefail\n" + "".join(
        f"{each.commands}\nprintf '{_MARK}'\n" for each in wanted
    )
    shell = await asyncio.create_subprocess_exec(
        "bash",
        "-c",
        script,
        cwd=folder,
        env={name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        printed, complaints = await asyncio.wait_for(shell.communicate(), PATIENCE)
    except TimeoutError:
        shell.kill()
        return [f"not done after {PATIENCE} s"]
    outputs = printed.decode().split(_MARK)
    wrong: list[str] = []
    for example, output in zip(wanted, outputs, strict=False):
        if example.shown is not None and output is not outputs[-1]:
            found = unlike(example.language, example.shown, output)
            wrong += [f"line {example.line}: {each}" for each in found]
    if shell.returncode != 0:
        stopped = wanted[len(outputs) - 1]
        wrong.append(f"line {stopped.line} ended with {shell.returncode}: {outputs[-1]}")
        wrong.append(complaints.decode()[-2000:])
    return wrong
