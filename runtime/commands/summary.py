"""What a run of many orders comes to: the figures that the demonstration and the replay report."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
from rich.console import Console
from rich.table import Table

from db.verify.books import Finding
from runtime.commands import verify


@dataclass
class Summary:
    """Counts, minor units and seconds of one run."""

    accepted: int = 0
    by_status: Mapping[str, int] = field(default_factory=dict)
    total_ours: int = 0
    total_data: int = 0
    ended_before: int = 0
    """How many of these orders had ended before the run began."""
    posting_seconds: float = 0
    completing_seconds: float = 0
    seconds: float = 0
    findings: Sequence[Finding] = ()
    more: Mapping[str, Any] = field(default_factory=dict)
    """Further figures of ``orders``, by name."""

    @property
    def sound(self) -> bool:
        """Whether the books are."""
        return not any(found.broken for found in self.findings)

    @property
    def agrees(self) -> bool:
        """Whether the books' total is that of the data."""
        return self.total_ours == self.total_data

    def as_json(self) -> dict[str, Any]:
        """Return the figures under their documented names."""
        ended = sum(
            count
            for status, count in self.by_status.items()
            if status in ("completed", "closed", "cancelled")
        )
        return {
            "orders": {
                "accepted": self.accepted,
                "by_status": dict(self.by_status),
                **self.more,
            },
            "totals": {"ours": self.total_ours, "data": self.total_data},
            "rates": {
                "accepted_per_s": _rate(self.accepted, self.posting_seconds),
                "completed_per_s": _rate(ended - self.ended_before, self.completing_seconds),
            },
            "verify": verify.summary(self.findings),
            "seconds": round(self.seconds, 3),
        }

    def write(self, path: Path | None) -> None:
        """Write the figures as JSON, if a file is named."""
        if path is not None:
            path.write_bytes(orjson.dumps(self.as_json(), option=orjson.OPT_INDENT_2) + b"\n")

    def show(self, console: Console) -> None:
        """Print the figures."""
        figures = self.as_json()
        table = Table(show_header=False, title="Summary", title_justify="left")
        states = ", ".join(f"{count} {status}" for status, count in sorted(self.by_status.items()))
        table.add_row("orders accepted", str(self.accepted))
        table.add_row("by end state", states or "none")
        for name, value in self.more.items():
            table.add_row(name.replace("_", " "), str(value))
        table.add_row("total of the books", _dollars(self.total_ours))
        table.add_row("total of the data", _dollars(self.total_data))
        for name, rate in figures["rates"].items():
            table.add_row(name.replace("_per_s", " per second"), f"{rate:,.1f}")
        checks, broken = figures["verify"]["checks"], figures["verify"]["violations"]
        table.add_row("checks of the books", f"{checks}, violations: {broken}")
        table.add_row("seconds", f"{self.seconds:,.1f}")
        console.print(table)


def _rate(count: int, seconds: float) -> float:
    return round(count / seconds, 3) if seconds > 0 else 0.0


def _dollars(cents: int) -> str:
    return f"{cents // 100:,}.{cents % 100:02d}"
