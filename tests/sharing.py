"""How processes share the tests: what stands on the same servers together, the longest first.

A file with few tests may take longest; begun last, it would leave the others idle.
"""

from zlib import crc32

from xdist.scheduler import LoadScopeScheduling
from xdist.workermanage import WorkerController

INSTALLATION = "the installation"
STAGES = tuple(f"stage {number}" for number in range(3))
"""The stories would keep one process busy for longer than everything else the other two."""
BENCH = "the bench"

UNITS: dict[str, str | tuple[str, ...]] = {
    "tests/activities/": BENCH,
    "tests/chaos/": INSTALLATION,
    "tests/journeys/test_codec.py": INSTALLATION,
    "tests/journeys/test_confirmations.py": INSTALLATION,
    "tests/journeys/test_openapi.py": INSTALLATION,
    "tests/journeys/test_orders.py": INSTALLATION,
    "tests/journeys/test_outages.py": INSTALLATION,
    "tests/journeys/test_status.py": INSTALLATION,
    "tests/workflows/": STAGES,
}
"""Tests that share servers which are started for them alone; other files are units of their own.

Of several units that begin alike a file belongs to one by its name.
"""

SECONDS = {
    INSTALLATION: 110,
    **dict.fromkeys(STAGES, 180),
    BENCH: 130,
    "tests/fuzz/test_fuzz.py": 60,
    "tests/runtime/test_chaos.py": 60,
    "tests/db/test_verify.py": 40,
    "tests/runtime/test_local_stack.py": 35,
    "tests/runtime/test_demo.py": 30,
    "tests/runtime/test_adventureworks_replay.py": 25,
    "tests/docs/test_commands.py": 15,
    "tests/api/test_feed.py": 15,
    "tests/runtime/test_local_postgres.py": 15,
    "tests/journeys/test_traces.py": 25,
    "tests/api/test_generated.py": 12,
    "tests/runtime/test_adventureworks.py": 12,
    "tests/simulators/test_webhooks.py": 7,
    "tests/simulators/test_crash.py": 6,
    "tests/runtime/test_local_temporal.py": 6,
    "tests/api/test_process.py": 5,
}
"""About how long the long units take on two quiet cores; the others take a second or two."""


def unit_of(test: str) -> str:
    """Return the unit that a test belongs to: what one process runs without a break."""
    file = test.split("::", 1)[0]
    unit = next((unit for start, unit in UNITS.items() if file.startswith(start)), file)
    return unit if isinstance(unit, str) else unit[crc32(file.encode()) % len(unit)]


class LongestFirst(LoadScopeScheduling):
    """A process that is free takes the longest unit that is left."""

    def _split_scope(self, nodeid: str) -> str:
        return unit_of(nodeid)

    def _assign_work_unit(self, node: WorkerController) -> None:
        longest = max(self.workqueue, key=lambda unit: SECONDS.get(unit, 0))
        self.workqueue.move_to_end(longest, last=False)
        super()._assign_work_unit(node)
