"""The file by which other commands find the running stack, and the lock that keeps it single."""

import fcntl
import os
import sys
import time
from datetime import datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from runtime.local.children import CannotStart

_PATIENCE = 1.0
"""Seconds for which a start waits for a lock: longer than a look by ``find_stack`` takes."""


class Process(BaseModel):
    """A process of the stack; the command line tells it from a later one with the same pid."""

    model_config = ConfigDict(frozen=True)

    pid: int
    command: str


class StackRecord(BaseModel):
    """What is written to ``<data_dir>/stack.json``; it holds secrets, so its mode is 0600."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    started_at: datetime
    api_url: str
    api_key: str | None = None
    database_url: str
    temporal_address: str
    temporal_namespace: str
    temporal_ui_url: str | None = None
    payload_keys: str | None = None
    carrier_url: str
    payments_url: str
    worker_metrics_url: str
    api_metrics_url: str
    ports: dict[str, int]
    processes: dict[str, Process]

    def write(self, data_dir: Path) -> None:
        """Replace the file in one step."""
        new = _file(data_dir).with_suffix(".new")
        new.unlink(missing_ok=True)
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(self.model_dump_json(indent=2) + "\n")
        new.rename(_file(data_dir))


class StackLock:
    """Held while a stack lives on ``data_dir``; the kernel drops it with the process."""

    def __init__(self, data_dir: Path) -> None:
        self._path = data_dir / "stack.lock"
        self._handle: int | None = None

    def acquire(self) -> None:
        """Take the lock. Raises CannotStart when another stack holds it."""
        handle = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        deadline = time.monotonic() + _PATIENCE
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    pid = os.read(handle, 20).decode().strip()
                    os.close(handle)
                    raise CannotStart(
                        f"a stack already runs on {self._path.parent} (process {pid}); stop it, "
                        "or use another STATESET_DATA_DIR and other ports"
                    ) from None
                time.sleep(0.05)
        os.ftruncate(handle, 0)
        os.write(handle, f"{os.getpid()}\n".encode())
        self._handle = handle

    def release(self) -> None:
        """Give the lock back; harmless when it is not held."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None


def find_stack(data_dir: Path) -> StackRecord | None:
    """Return the stack that runs on ``data_dir`` now; one that was killed does not count."""
    record = read_record(data_dir)
    path = data_dir / "stack.lock"
    if record is None or not path.exists():
        return None
    with path.open() as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return record
    return None


def read_record(data_dir: Path) -> StackRecord | None:
    """Return what the last stack wrote, alive or not."""
    try:
        return StackRecord.model_validate_json(_file(data_dir).read_bytes())
    except (FileNotFoundError, ValueError):
        return None


def remove_record(data_dir: Path) -> None:
    """Forget the stack, after a clean stop."""
    _file(data_dir).unlink(missing_ok=True)


def _file(data_dir: Path) -> Path:
    return data_dir / "stack.json"


if __name__ == "__main__":
    # Ends with 0 when a stack runs on the folder, for scripts.
    raise SystemExit(0 if find_stack(Path(sys.argv[1])) else 1)
