"""The rules by which a soak fails: what may not grow with time, and what not faster than orders.

The first third of a soak is for warming up; the last third is compared with the middle one.
"""

from collections.abc import Callable, Sequence
from statistics import median

from runtime.commands.soak.measuring import MB, Picture, Sample

WARM = 600.0
"""Seconds below which processes and histories are not judged: caches and pools still fill."""
MORE_MEMORY = 1.1
MEMORY_NOISE = 16.0
"""MB."""
CONNECTIONS_WARM = 3000
"""Orders before PostgreSQL is judged: each connection keeps plans of all that it was ever asked."""
MORE_HANDLES = 1.2
HANDLES_NOISE = 10
MORE_OPEN = 1.5
OPEN_NOISE = 20
FASTER = 1.5
"""So much more bytes per order in the last third than in the middle one."""
BYTES_NOISE = MB
"""Files and tables grow by leaps."""
LONGER = 1.2
EVENTS_NOISE = 20
UNJUDGED = {"memory": {"temporal"}, "handles": {"temporal", "postgres"}}
"""Shown alone: what Temporal's development server keeps, and PostgreSQL's files, one per table."""


def judge(samples: Sequence[Sample], pictures: Sequence[Picture]) -> list[str]:
    """Say what grew without bound; ``pictures`` are from the start and from each third's end."""
    middle, last = _thirds(samples)
    if not middle or not last:
        return []
    found = []
    if samples[-1].at >= WARM:
        found += _memory(middle, last) + _handles(middle, last) + _longer(pictures)
    for name, value in _UNDER_WAY.items():
        found += _more(name, value, middle, last)
    return found + _faster(pictures)


def _thirds(samples: Sequence[Sample]) -> tuple[Sequence[Sample], Sequence[Sample]]:
    end = samples[-1].at if samples else 0
    middle = [each for each in samples if end / 3 <= each.at < 2 * end / 3]
    return middle, [each for each in samples if each.at >= 2 * end / 3]


def _memory(middle: Sequence[Sample], last: Sequence[Sample]) -> list[str]:
    found = []
    unjudged = set(UNJUDGED["memory"])
    if middle[0].orders < CONNECTIONS_WARM:
        unjudged.add("postgres")
    for name in sorted(last[-1].memory.keys() - unjudged):
        before = median(each.memory.get(name, 0) for each in middle)
        after = median(each.memory.get(name, 0) for each in last)
        if after > before * MORE_MEMORY and after - before > MEMORY_NOISE:
            orders = (last[-1].orders - middle[0].orders) / 2 or 1
            each = (after - before) * 1024 / orders
            found.append(
                f"memory of {name} grew from {before:.0f} to {after:.0f} MB, {each:.1f} kB an order"
            )
    return found


def _handles(middle: Sequence[Sample], last: Sequence[Sample]) -> list[str]:
    found = []
    for name in sorted(last[-1].handles.keys() - UNJUDGED["handles"]):
        before = max(each.handles.get(name, 0) for each in middle)
        after = max(each.handles.get(name, 0) for each in last)
        if after > before * MORE_HANDLES and after - before > HANDLES_NOISE:
            found.append(f"open handles of {name} grew from {before} to {after}")
    return found


_UNDER_WAY: dict[str, Callable[[Sample], float]] = {
    "open runs": lambda sample: sample.open_runs,
    "rows of the outbox": lambda sample: sample.waiting,
}


def _more(
    name: str, value: Callable[[Sample], float], middle: Sequence[Sample], last: Sequence[Sample]
) -> list[str]:
    before, after = median(map(value, middle)), median(map(value, last))
    if after > before * MORE_OPEN + OPEN_NOISE:
        return [f"{name} grew from {before:.0f} to {after:.0f}, though orders came as before"]
    return []


def _faster(pictures: Sequence[Picture]) -> list[str]:
    _, first, second, third = pictures
    found = []
    for name in sorted(third.bytes):
        before = _an_order(name, first, second)
        after = _an_order(name, second, third)
        leap = BYTES_NOISE / max(1, third.orders - second.orders)
        if "Temporal" not in name and after > before * FASTER + leap:
            found.append(f"{name} grew by {after:.0f} bytes an order, and before by {before:.0f}")
    return found


def _an_order(name: str, since: Picture, until: Picture) -> float:
    return per_order(since, until).get(name, 0.0)


def per_order(since: Picture, until: Picture) -> dict[str, float]:
    """Return the bytes by which each table and file grew, per order."""
    orders = max(1, until.orders - since.orders)
    return {name: (size - since.bytes.get(name, 0)) / orders for name, size in until.bytes.items()}


def _longer(pictures: Sequence[Picture]) -> list[str]:
    second, third = pictures[-2:]
    return [
        f"the longest history of {name} grew from {second.events.get(name, 0)} to {events} events"
        for name, events in sorted(third.events.items())
        if events > second.events.get(name, 0) * LONGER + EVENTS_NOISE > EVENTS_NOISE
    ]
