"""The closing table, and the same as JSON for comparing runs."""

import os
import platform
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

import orjson
from rich.console import Console
from rich.table import Table

from tests.bench.figures import Figure
from tests.bench.world import World


async def machine(world: World) -> dict[str, Any]:
    """Describe where the figures come from, before anything is measured."""
    client = await world.temporal()
    health = await client.workflow_service.get_system_info(_system_info_request())
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "cores": os.cpu_count(),
        "cpu": _first(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo")) or platform.processor(),
        "memory_gb": round(
            int(_first(r"MemTotal:\s+(\d+)", Path("/proc/meminfo")) or 0) / 2**20, 1
        ),
        "load_average_at_start": [round(load, 2) for load in os.getloadavg()],
        "python": platform.python_version(),
        "postgresql": await world.value("SHOW server_version"),
        "temporal": health.server_version,
        "temporalio": version("temporalio"),
        "fastapi": version("fastapi"),
        "commit": _commit(),
    }


def _system_info_request() -> Any:
    from temporalio.api.workflowservice.v1 import GetSystemInfoRequest

    return GetSystemInfoRequest()


def _first(pattern: str, path: Path) -> str | None:
    if not path.exists():
        return None
    match = re.search(pattern, path.read_text())
    return None if match is None else match[1].strip()


def _commit() -> str | None:
    head = Path(__file__).parents[2] / ".git" / "HEAD"
    if not head.exists():
        return None
    name = head.read_text().strip().removeprefix("ref: ")
    pointed = head.with_name(name) if "/" not in name else head.parent / name
    return pointed.read_text().strip()[:12] if pointed.exists() else name[:12]


def show(console: Console, described: dict[str, Any], figures: Sequence[Figure]) -> None:
    """Print what was measured, each beside its floor and its target."""
    table = Table(title="Bench", title_justify="left")
    for name, how in (
        ("figure", {}),
        ("measured", {"justify": "right"}),
        ("min - max", {"justify": "right"}),
        ("ratio", {"justify": "right"}),
        ("to", {}),
        ("target", {}),
    ):
        table.add_column(name, overflow="fold", **how)  # type: ignore[arg-type]
    for figure in figures:
        ratios = figure.ratios
        table.add_row(
            figure.name,
            f"{_number(figure.value)} {figure.unit}".strip(),
            f"{_number(min(figure.runs))} - {_number(max(figure.runs))}"
            if len(figure.runs) > 1
            else "",
            f"{median(ratios):.2f}" if ratios else "",
            f"{figure.floor} ({_number(median(figure.floors))})" if ratios else figure.note,
            figure.target,
        )
    console.print(table)
    console.print(
        "  ".join(f"{name}: {value}" for name, value in described.items()), highlight=False
    )


def write(path: Path, described: dict[str, Any], figures: Sequence[Figure]) -> None:
    """Write everything as JSON, every single run with it."""
    content = {"machine": described, "figures": [figure.as_json() for figure in figures]}
    path.write_bytes(orjson.dumps(content, option=orjson.OPT_INDENT_2) + b"\n")


def _number(value: float) -> str:
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"
