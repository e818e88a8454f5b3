"""The script that makes the passwords of an installation."""

import re
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from domain.keyring import read_keyring

DEPLOY = Path(__file__).parents[2] / "deploy"


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """Return a folder with the script in it as an installation has it."""
    (tmp_path / "stateset/deploy").mkdir(parents=True)
    for name in ("new-env.sh", "example.env"):
        shutil.copy(DEPLOY / name, tmp_path / "stateset/deploy")
    return tmp_path / "stateset"


def _make(installed: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Call the script from outside of the installation."""
    return subprocess.run(
        [installed / "deploy/new-env.sh", *arguments],
        cwd=installed.parent,
        capture_output=True,
        text=True,
        check=False,
    )


def test_only_the_owner_reads_the_passwords(installed: Path) -> None:
    """D12: it writes the file itself, beside docker-compose.yml or where it is told; says which."""
    for arguments, made in (
        ((), installed / ".env"),
        (("other.env",), installed.parent / "other.env"),
    ):
        done = _make(installed, *arguments)
        assert (done.returncode, done.stderr) == (0, "")
        assert (installed.parent / done.stdout.strip()).samefile(made)
        assert stat.S_IMODE(made.stat().st_mode) == 0o600
        assert "\nPOSTGRES_PASSWORD=" in made.read_text()
        [keys] = re.findall(r"^STATESET_PAYLOAD_KEYS=(.*)", made.read_text(), re.MULTILINE)
        assert read_keyring(keys).current == "k1"
        assert not re.findall(r"^\w+=$", made.read_text(), re.MULTILINE)
    assert {one.name for one in installed.parent.iterdir()} == {"stateset", "other.env"}


def test_a_second_run_leaves_the_passwords_as_they_are(installed: Path) -> None:
    """D12: what exists is refused by name, a link that leads nowhere too."""
    _make(installed)
    before = (installed / ".env").read_text()
    again = _make(installed)
    assert (again.returncode, again.stdout) == (1, "")
    assert ".env exists" in again.stderr
    assert (installed / ".env").read_text() == before
    (installed.parent / "link.env").symlink_to(installed.parent / "nowhere")
    assert _make(installed, "link.env").returncode == 1
    assert not (installed.parent / "nowhere").exists()


def test_what_the_shell_would_write_for_it_is_refused(installed: Path) -> None:
    """D12: with a `>` the old passwords are gone already; no file is made that hides it."""
    command = f"{installed}/deploy/new-env.sh > passwords.env"
    done = subprocess.run(
        ["sh", "-c", command], cwd=installed.parent, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "without >" in done.stderr
    assert not (installed.parent / "passwords.env").read_text()
    assert not (installed / ".env").exists()


@pytest.mark.parametrize("arguments", [("--help",), ("",), ("one.env", "two.env")])
def test_what_names_no_single_file_makes_none(installed: Path, arguments: tuple[str, ...]) -> None:
    """An option is no file name, and an empty one is no wish for .env."""
    done = _make(installed, *arguments)
    assert done.returncode == 1
    assert "one file" in done.stderr
    assert [one.name for one in installed.parent.iterdir()] == ["stateset"]
    assert [one.name for one in installed.iterdir()] == ["deploy"]
