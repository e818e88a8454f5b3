"""The script that makes the passwords of an installation."""

import stat
import subprocess
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "deploy/new-env.sh"


def _make(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [SCRIPT, *arguments], cwd=folder, capture_output=True, text=True, check=False
    )


def test_only_the_owner_reads_the_passwords(tmp_path: Path) -> None:
    """D12: the script writes the file itself, as .env or where it is told."""
    for arguments, name in (((), ".env"), (("other.env",), "other.env")):
        assert _make(tmp_path, *arguments).returncode == 0
        made = tmp_path / name
        assert stat.S_IMODE(made.stat().st_mode) == 0o600
        assert "\nPOSTGRES_PASSWORD=" in made.read_text()
        assert not [line for line in made.read_text().splitlines() if line.endswith("=")]


def test_a_second_run_leaves_the_passwords_as_they_are(tmp_path: Path) -> None:
    """D12: what exists is refused by name, a link that leads nowhere too."""
    _make(tmp_path)
    before = (tmp_path / ".env").read_text()
    again = _make(tmp_path)
    assert (again.returncode, again.stdout) == (1, "")
    assert ".env exists" in again.stderr
    assert (tmp_path / ".env").read_text() == before
    (tmp_path / "link.env").symlink_to(tmp_path / "nowhere")
    assert _make(tmp_path, "link.env").returncode == 1
    assert not (tmp_path / "nowhere").exists()
