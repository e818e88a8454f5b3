"""A figure as it is reported: what was measured, the floor of the same run, and the target."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any, TypeVar

Result = TypeVar("Result")


@dataclass(frozen=True)
class Plan:
    """How long and how often to measure."""

    quick: bool
    size: int = 0
    """Orders of the long history, where one is measured."""

    @property
    def rounds(self) -> int:
        return 1 if self.quick else 3

    @property
    def seconds(self) -> float:
        """Of one run of load."""
        return 0.7 if self.quick else 3.0


@dataclass(frozen=True)
class Figure:
    """One line of the report; ``runs`` are the measured values, ``floors`` those beside them."""

    name: str
    unit: str
    runs: Sequence[float]
    floor: str = ""
    floors: Sequence[float] = ()
    target: str = ""
    note: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)

    @property
    def value(self) -> float:
        return median(self.runs)

    @property
    def ratios(self) -> list[float]:
        """Return ours by the floor, run by run."""
        return [ours / floor for ours, floor in zip(self.runs, self.floors, strict=False) if floor]

    def as_json(self) -> dict[str, Any]:
        ratios = self.ratios
        return {
            "name": self.name,
            "unit": self.unit,
            "value": round(self.value, 4),
            "runs": [round(run, 4) for run in self.runs],
            "floor": self.floor or None,
            "floors": [round(run, 4) for run in self.floors],
            "ratio": round(median(ratios), 4) if ratios else None,
            "target": self.target or None,
            "note": self.note or None,
            **({"detail": dict(self.detail)} if self.detail else {}),
        }


async def interleaved(
    rounds: int, programs: Mapping[str, Callable[[], Awaitable[Result]]]
) -> dict[str, list[Result]]:
    """Run all programs in turn, so often; the machine's moods then meet all of them alike."""
    results: dict[str, list[Result]] = {name: [] for name in programs}
    for _ in range(rounds):
        for name, program in programs.items():
            results[name].append(await program())
    return results
