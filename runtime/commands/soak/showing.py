"""The figures of a soak, for people and for programs."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

from runtime.commands import verify
from runtime.commands.soak.judging import per_order
from runtime.commands.soak.measuring import MB, Sample
from runtime.commands.soak.running import Soak

LARGEST = 15
"""Tables and files that are shown: those that grew the most."""


def show(found: Soak, console: Console) -> None:
    """Print what there was at the start, in the middle and at the end, and why it failed."""
    assert found.customers is not None
    console.print(_processes(found))
    console.print(_growth(found))
    console.print(_histories(found))
    done = ", ".join(f"{n} {what}" for what, n in sorted(found.customers.done.items()))
    checked = verify.summary(found.findings)
    console.print(f"{found.customers.placed} orders; stories that ended: {done or 'none'}")
    console.print(f"checks of the books: {checked['checks']}, violations: {checked['violations']}")
    for failure in found.failures:
        console.print(failure, style="red", markup=False)
    if not found.failures:
        console.print("nothing grew without bound, stood still or broke", style="green")


def as_json(found: Soak) -> dict[str, Any]:
    """Return the figures under their documented names."""
    assert found.customers is not None
    return {
        "seconds": found.seconds,
        "rate": found.rate,
        "orders": found.customers.placed,
        "stories": dict(found.customers.done),
        "looks": [vars(each) for each in found.samples],
        "sizes": [vars(each) for each in found.pictures],
        "bytes_per_order": per_order(found.pictures[0], found.pictures[-1]),
        "verify": verify.summary(found.findings),
        "failures": found.failures,
    }


def _moments(found: Soak) -> Mapping[str, Sample]:
    looks = found.samples
    return {
        "start": looks[0],
        "middle": looks[(len(looks) - 1) // 2],
        "end": looks[-2],
        "after the last order": looks[-1],
    }


def _processes(found: Soak) -> Table:
    moments = _moments(found)
    table = Table("", *moments, title="What must not grow with time", title_justify="left")
    for name in sorted(found.samples[-1].memory):
        values = (f"{each.memory.get(name, 0):.0f}" for each in moments.values())
        table.add_row(f"memory of {name}, MB", *values)
    for name in sorted(found.samples[-1].handles):
        counts = (str(each.handles.get(name, 0)) for each in moments.values())
        table.add_row(f"open handles of {name}", *counts)
    table.add_row("open runs", *(str(each.open_runs) for each in moments.values()))
    table.add_row("rows of the outbox", *(str(each.waiting) for each in moments.values()))
    table.add_row("orders placed", *(str(each.orders) for each in moments.values()))
    return table


def _growth(found: Soak) -> Table:
    start, _, second, third = found.pictures
    table = Table(
        *("", "start, MB", "end, MB", "kB an order", "of these in the last third"),
        title="What grows with orders",
        title_justify="left",
    )
    overall, late = per_order(start, third), per_order(second, third)
    for name in sorted(overall, key=overall.__getitem__, reverse=True)[:LARGEST]:
        sizes = (f"{each.bytes.get(name, 0) / MB:.1f}" for each in (start, third))
        table.add_row(name, *sizes, f"{overall[name] / 1024:.2f}", f"{late[name] / 1024:.2f}")
    tables = [name for name in overall if not name.startswith("(")]
    total = sum(overall[name] for name in tables) / 1024
    in_last = sum(late[name] for name in tables) / 1024
    table.add_row("all tables", "", "", f"{total:.2f}", f"{in_last:.2f}")
    return table


def _histories(found: Soak) -> Table:
    _, first, _, third = found.pictures
    table = Table(
        *("", "after a third", "end", "largest, kB"),
        title="Longest history of each process, in events",
        title_justify="left",
    )
    for name, events in sorted(third.events.items()):
        size = third.history_bytes.get(name, 0) / 1024
        table.add_row(name, str(first.events.get(name, 0)), str(events), f"{size:.1f}")
    return table
