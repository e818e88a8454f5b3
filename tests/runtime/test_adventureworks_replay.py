"""Recorded orders placed over HTTP on a real stack, to their end, and not a second time."""

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from runtime.commands.up import development_key
from runtime.local.postgres import remove
from runtime.local.stack import Stack
from runtime.settings import Settings

DATA = Path(os.environ.get("STATESET_SAMPLE_DATA", "../shared/data")) / "adventureworks" / "csv"
FREE = dict.fromkeys(("api_port", "postgres_port", "temporal_port", "ui_port", "metrics_port"), 0)
pytestmark = pytest.mark.skipif(
    not DATA.is_dir(),
    reason=f"there is no {DATA}: set STATESET_SAMPLE_DATA to a folder with adventureworks/csv",
)


@pytest.fixture(scope="module")
async def folder(server_dir: Path) -> AsyncIterator[Path]:
    """The data folder of a running stack."""
    folder = server_dir / "replay"
    settings = Settings().model_copy(update={"data_dir": folder, **FREE})
    async with Stack(settings, make_api_key=development_key, say=lambda _: None) as stack:
        await stack.ready()
        yield folder
    remove(folder)


def stateset(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "runtime.cli", *arguments],
        env={**os.environ, "STATESET_DATA_DIR": str(folder)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def replay(folder: Path, *options: str) -> tuple[int, str, dict[str, Any]]:
    report = folder / "replay.json"
    run = stateset(folder, "replay", "adventureworks", str(DATA), "--json", str(report), *options)
    figures: dict[str, Any] = json.loads(report.read_text()) if report.exists() else {}
    return run.returncode, run.stdout + run.stderr, figures


def test_real_orders_come_to_their_end_with_the_recorded_totals(folder: Path) -> None:
    code, said, _ = replay(folder, "--orders", "1")
    assert code == 2
    assert "stateset import adventureworks" in said

    assert stateset(folder, "import", "adventureworks", str(DATA)).returncode == 0
    # The oldest ones are a reseller's: dozens of lines, heavier than one parcel may be.
    options = ("--orders", "12", "--from", "2011-05-31", "--concurrency", "4")
    code, said, figures = replay(folder, *options)
    assert code == 0, said
    assert figures["orders"]["by_status"] == {"completed": 12}
    assert figures["orders"]["accepted"] == 12
    assert figures["totals"]["ours"] == figures["totals"]["data"] > 0
    assert float(figures["orders"]["largest_difference"]) < 0.1
    assert figures["verify"]["violations"] == 0

    code, said, again = replay(folder, *options)
    assert code == 0, said
    assert again["orders"]["accepted"] == 0
    assert again["orders"]["already_there"] == 12
    assert again["totals"] == figures["totals"]


def test_a_folder_without_the_files_is_told(folder: Path, tmp_path: Path) -> None:
    run = stateset(folder, "import", "adventureworks", str(tmp_path))
    assert run.returncode == 2
    assert "there is no" in run.stderr
