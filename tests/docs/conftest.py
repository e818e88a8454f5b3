"""A stack as the README starts it, on free ports, and a folder that looks like a checkout."""

import asyncio
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.patience import PATIENCE

START_PATIENCE = 180
LAST = "Development API key"
_SETTINGS = {f"STATESET_{name}_PORT": "0" for name in ("POSTGRES", "TEMPORAL", "UI", "METRICS")}


@pytest.fixture(scope="session")
async def checkout() -> AsyncIterator[Path]:
    """A folder with ``.venv`` and, in ``.stateset``, the data of a running stack."""
    for program in ("bash", "curl", "jq", "openssl"):
        if shutil.which(program) is None:
            if os.environ.get("CI") == "true":
                pytest.fail(f"{program} is not installed")
            pytest.skip(f"{program} is not installed")
    folder = _checkout()
    # A shell starts programs in the background so that they, and what they start, ignore Ctrl-C.
    deaf = signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    stack = await asyncio.create_subprocess_exec(
        *(".venv/bin/stateset", "up", "--port", "0"),
        cwd=folder,
        env={**os.environ, **_SETTINGS},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        (folder / "up.txt").write_text(await asyncio.wait_for(_table(stack), START_PATIENCE))
        yield folder
    finally:
        if stack.returncode is None:
            stack.send_signal(signal.SIGTERM if deaf else signal.SIGINT)
        try:
            await asyncio.wait_for(stack.communicate(), PATIENCE)
        except TimeoutError:
            stack.kill()
            raise
        shutil.rmtree(folder, ignore_errors=True)


def _checkout() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="stateset-docs-"))
    # Under root PostgreSQL runs as another user, who must get through to its data.
    folder.chmod(0o711)
    (folder / ".venv").symlink_to(sys.prefix)
    return folder


async def _table(stack: asyncio.subprocess.Process) -> str:
    """Read what ``stateset up`` prints until the last of its addresses, the key."""
    assert stack.stdout is not None
    lines: list[str] = []
    while LAST not in lines[:-1]:
        line = (await stack.stdout.readline()).decode()
        if not line:
            pytest.fail("stateset up ended: " + "\n".join(lines))
        lines.append(line.rstrip())
    return "\n".join(lines)
