"""Ports of the local stack: checked before anything starts, with an error that helps."""

import random
import shutil
import socket
import subprocess
from collections.abc import Collection, Iterator
from pathlib import Path

from runtime.local.children import CannotStart, command_line

# Below the range from which the kernel takes the near ends of outgoing connections, so that no
# connection of ours sits on a port that was found free a moment ago.
_FREE = range(20_000, 32_768)
_given: set[int] = set()


def free_port(host: str = "127.0.0.1") -> int:
    """Return a port that is free and that this process was not given before."""
    for port in random.sample(_FREE, 200):
        if port not in _given and _is_free(port, host):
            _given.add(port)
            return port
    raise CannotStart("no free port found")


def claim(port: int, option: str, host: str = "127.0.0.1") -> int:
    """Return ``port``, or any free one for 0. Raises CannotStart when it is in use."""
    if port == 0:
        return free_port(host)
    if not _is_free(port, host):
        raise CannotStart(
            f"port {port} ({option}) is taken, {_holder(port)}; stop that, choose another with "
            f"{option} N, or {option} 0 for any free one"
        )
    return port


def claim_or_any(port: int, taken: Collection[int], host: str = "127.0.0.1") -> int:
    """Return ``port`` when it is free and not in ``taken``, else any free one."""
    if 0 < port < 65_536 and port not in taken and _is_free(port, host):
        return port
    return free_port(host)


def _is_free(port: int, host: str) -> bool:
    with socket.socket() as probe:
        # Connections that are closing (TIME_WAIT) do not hinder a server.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except PermissionError as error:
            raise CannotStart(f"port {port} is reserved for root") from error
        except OSError:
            return False
    return True


def _holder(port: int) -> str:
    """Say in words who listens on ``port``, as far as we are allowed to see."""
    for pid in _listeners(port):
        return f"probably by process {pid}: {(command_line(pid) or '?')[:100]}"
    return "by a program that this user may not look at"


def _listeners(port: int) -> Iterator[int]:
    if Path("/proc/net/tcp").exists():
        wanted = {f"socket:[{inode}]" for inode in _listening_inodes(port)}
        for entry in Path("/proc").glob("[0-9]*/fd/*"):
            try:
                if str(entry.readlink()) in wanted:
                    yield int(entry.parts[2])
            except OSError:  # The process ended, or is another user's.
                continue
    elif lsof := shutil.which("lsof"):
        command = [lsof, "-nP", "-t", f"-iTCP:{port}", "-sTCP:LISTEN"]
        listed = subprocess.run(command, capture_output=True, text=True, check=False)
        yield from map(int, listed.stdout.split())


def _listening_inodes(port: int) -> Iterator[str]:
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        if not Path(table).exists():
            continue
        for line in Path(table).read_text().splitlines()[1:]:
            fields = line.split()
            local_port, state = int(fields[1].rpartition(":")[2], 16), fields[3]
            if local_port == port and state == "0A":
                yield fields[9]
