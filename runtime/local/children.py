"""Child processes that never outlive the process which started them."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

POLL = 0.05
"""Seconds between two looks at a process; there are only a handful of them."""
LOG_LIMIT = 20_000_000
"""Bytes after which the next start of a program moves its log aside."""


class CannotStart(Exception):
    """A part of the local stack does not start; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Child:
    """One running process and the file that its output goes to."""

    name: str
    command: str
    process: subprocess.Popen[bytes]
    log: Path
    log_start: int

    @property
    def pid(self) -> int:
        """The id of the process."""
        return self.process.pid

    @property
    def running(self) -> bool:
        """Whether the process has not ended yet."""
        return self.process.poll() is None

    async def wait(self) -> int:
        """Wait for the end and return the exit code, negative for a signal."""
        while True:
            if (code := self.process.poll()) is not None:
                return code
            await asyncio.sleep(POLL)

    async def stop(self, with_signal: signal.Signals, patience: float) -> None:
        """Send the signal and, when ``patience`` seconds were not enough, kill."""
        if not self.running:
            return
        self.process.send_signal(with_signal)
        try:
            await asyncio.wait_for(self.wait(), patience)
        except TimeoutError:
            self.process.kill()
            await self.wait()

    def last_words(self, lines: int = 8) -> str:
        """Return the end of the log, for error messages."""
        with self.log.open("rb") as log:
            log.seek(max(self.log_start, self.log.stat().st_size - 16_384))
            text = log.read().decode(errors="replace")
        return "\n".join(text.splitlines()[-lines:])


def spawn(
    name: str,
    argv: Sequence[str],
    *,
    log: Path,
    env: Mapping[str, str] | None = None,
    at_our_death: signal.Signals = signal.SIGKILL,
    user: int | None = None,
    group: int | None = None,
    cwd: Path | None = None,
) -> Child:
    """Start a process in its own session, so that Ctrl-C reaches us alone and we stop it in order.

    On Linux the kernel sends it ``at_our_death`` when we die in any way. The kernel watches the
    thread that starts it, so call this from the main thread. Raises CannotStart.
    """
    command = " ".join(argv)
    if setpriv := _setpriv():
        argv = [setpriv, "--pdeathsig", at_our_death.name.removeprefix("SIG"), *argv]
    log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if log.exists() and log.stat().st_size > LOG_LIMIT:
        log.replace(log.with_name(f"{log.name}.1"))
    with log.open("ab") as output:
        log_start = output.tell()
        try:
            process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=None if env is None else dict(env),
                cwd=cwd,
                user=user,
                group=group,
                extra_groups=None if user is None else [],
                umask=0o077,
                start_new_session=True,
            )
        except OSError as error:
            raise CannotStart(f"{name} does not start: {error}") from error
    return Child(name, command, process, log, log_start)


def _setpriv() -> str | None:
    """Return util-linux's setpriv; busybox has one that cannot set the signal."""
    found = shutil.which("setpriv") if sys.platform == "linux" else None
    return None if found is None or Path(found).resolve().name == "busybox" else found


def command_line(pid: int) -> str | None:
    """Return the command line of a living process, or None when there is no such process."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except PermissionError:
        pass
    proc = Path(f"/proc/{pid}/cmdline")
    if proc.exists():
        return proc.read_bytes().replace(b"\0", b" ").decode(errors="replace").strip() or None
    listed = subprocess.run(
        ["ps", "-ww", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return listed.stdout.strip() or None


async def stop_stranger(pid: int, mark: str, with_signal: signal.Signals, patience: float) -> None:
    """Stop a process that an earlier run left behind, if ``mark`` is in its command line.

    Process ids are reused: a process without the mark is not ours and is left alone.
    """
    deadline = time.monotonic() + patience
    sent = False
    while mark in (command_line(pid) or ""):
        if not sent:
            _send(pid, with_signal)
            sent = True
        elif time.monotonic() > deadline:
            _send(pid, signal.SIGKILL)
        await asyncio.sleep(POLL)


def _send(pid: int, with_signal: signal.Signals) -> None:
    try:
        os.kill(pid, with_signal)
    except ProcessLookupError:
        return
    except PermissionError as error:
        raise CannotStart(f"process {pid} of an earlier run belongs to another user") from error
