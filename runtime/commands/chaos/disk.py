"""A small disk of its own for the stack, so that it can be full without harm to anything else."""

import shutil
import subprocess
from pathlib import Path

SIZE = "1g"
_BLOCK = b"\0" * 1_000_000


class Disk:
    """A file system in memory over a folder, where we may mount one; else just the folder."""

    def __init__(self, folder: Path) -> None:
        """Describe the disk; ``mount`` makes it."""
        self.folder = folder
        self.small = False
        """Whether it is a file system of its own."""

    def mount(self) -> None:
        """Make the file system, if this user may."""
        mount = shutil.which("mount")
        if mount is not None:
            options = f"size={SIZE},mode=0711"
            command = [mount, "-t", "tmpfs", "-o", options, "stateset-chaos", str(self.folder)]
            done = subprocess.run(command, capture_output=True, check=False)
            self.small = done.returncode == 0

    def unmount(self) -> None:
        """Throw the file system away with what is on it."""
        if self.small:
            subprocess.run(["umount", "--lazy", str(self.folder)], check=False)

    def fill(self) -> None:
        """Leave no byte free."""
        with self._filler.open("wb", buffering=0) as file:
            for block in (_BLOCK, b"\0"):
                try:
                    while file.write(block):
                        pass
                except OSError:
                    continue

    def free(self) -> None:
        """Give the room back."""
        self._filler.unlink(missing_ok=True)

    @property
    def _filler(self) -> Path:
        return self.folder / "filler"
