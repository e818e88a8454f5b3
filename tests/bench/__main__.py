"""``make bench``: every figure beside its floor, measured in turns in the same run."""

import argparse
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import uvloop
from rich.console import Console

from tests.bench import accepting, attacks, delivering, growing, hot, reading, report, returning
from tests.bench.figures import Figure, Plan
from tests.bench.world import a_world

PARTS = {
    "attacks": attacks.measure,
    "accepting": accepting.measure,
    "reading": reading.measure,
    "hot": hot.measure,
    "delivering": delivering.measure,
    "returning": returning.measure,
    "growing": growing.measure,
}
"""Growth is measured where a size is given, and nothing else then."""

UNLIMITED = dict.fromkeys(
    (
        "STATESET_CALLER_RATE",
        "STATESET_CALLER_REQUESTS",
        "STATESET_UNPAID_PER_CUSTOMER",
        "STATESET_UNPAID_PER_SOURCE",
    ),
    "0",
)
"""What is measured is the work, by one key in a hurry."""


async def run(plan: Plan, parts: list[str], json_file: Path | None) -> None:
    console = Console(width=None if sys.stdout.isatty() else 150)
    began = time.monotonic()
    figures: list[Figure] = []
    for limits, some in _by_limits(parts):
        async with a_world(limits) as world:
            described = await report.machine(world)
            for part in some:
                console.print(f"{time.monotonic() - began:5.0f} s  {part}", highlight=False)
                figures += await PARTS[part](world, plan)
    described["load_average_at_end"] = [round(load, 2) for load in os.getloadavg()]
    described["seconds"] = round(time.monotonic() - began)
    report.show(console, described, figures)
    if json_file is not None:
        report.write(json_file, described, figures)


def _by_limits(parts: list[str]) -> Iterator[tuple[dict[str, str], list[str]]]:
    attacked = [part for part in parts if part == "attacks"]
    if attacked:
        yield {}, attacked
    if len(attacked) < len(parts):
        yield UNLIMITED, [part for part in parts if part not in attacked]


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench ARGS=...", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="check that it works, in a minute")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every run as JSON")
    parser.add_argument("--only", action="append", choices=PARTS, help="leave the others out")
    parser.add_argument("--size", type=int, default=0, help="orders of a long history")
    given = parser.parse_args()
    parts = ["growing"] if given.size else given.only or [one for one in PARTS if one != "growing"]
    uvloop.run(run(Plan(given.quick, given.size), parts, given.json))
    sys.stdout.flush()
    # The Temporal SDK's threads may abort a normal interpreter exit.
    os._exit(0)


if __name__ == "__main__":
    main()
