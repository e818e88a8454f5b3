"""How a check ends when it does not pass, and how it runs a program."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
IN_CI = os.environ.get("CI") == "true"
PATIENCE = 300


class Failed(Exception):
    """What is wrong, one line for each finding."""


class Skipped(Exception):
    """Why the check could not be made here; a failure in CI."""


def refuse(findings: list[str]) -> None:
    """Raise Failed when there are any findings."""
    if findings:
        raise Failed("\n".join(findings))


def program(name: str, comes_from: str) -> str:
    """Return the path of a program, first from our own environment. Raises Skipped without it."""
    ours = Path(sys.executable).with_name(name)
    found = str(ours) if ours.exists() else shutil.which(name)
    if found is None:
        raise Skipped(f"{name} is not installed: {comes_from}")
    return found


def run(*command: str | Path, cwd: Path = ROOT) -> str:
    """Return what the command printed. Raises Failed with its output when it fails."""
    ended = subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    if ended.returncode != 0:
        raise Failed(ended.stdout + ended.stderr)
    return ended.stdout
