"""``stateset chaos``: what a seed chooses, and a short run as a user starts it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from runtime.commands.chaos.faults import LONGEST, PARTS, SHORTEST, Fault, FaultKind, choose

FROZEN_WORKER = 20
"""A seed that begins, of what freezes, with one of two workers."""
DECK = 26
"""How many different faults there are for one seed."""


@pytest.mark.parametrize("seed", range(5))
def test_a_seed_chooses_the_same_faults_each_time_and_a_longer_run_begins_alike(seed: int) -> None:
    chosen = choose(seed, 60)
    assert choose(seed, 60) == chosen
    assert choose(seed, 7) == chosen[:7]
    assert choose(seed + 1, 60) != chosen
    assert {fault.seconds for fault in chosen if fault.seconds} <= set(range(SHORTEST, LONGEST + 1))


def test_every_kind_comes_before_any_fault_comes_twice() -> None:
    once = choose(1, DECK)
    assert {fault.kind for fault in once} == set(FaultKind)
    assert len(set(once)) == DECK


def test_kinds_that_are_left_out_change_nothing_of_the_others() -> None:
    kills = choose(3, 8, frozenset({FaultKind.KILL}))
    assert {fault.part for fault in kills} == set(PARTS)
    everything = choose(3, DECK)
    assert [fault for fault in everything if fault.kind is FaultKind.KILL] == kills


def test_a_fault_is_told_in_words() -> None:
    assert str(Fault(FaultKind.FREEZE, "api-2", 12)) == "freeze api-2 for 12 s"
    assert str(Fault(FaultKind.KILL, "worker")) == "kill worker"


def test_a_worker_that_is_frozen_holds_work_up_for_a_minute_more_than_itself_at_most(
    tmp_path: Path,
) -> None:
    [fault] = choose(FROZEN_WORKER, 1, frozenset({FaultKind.FREEZE}))
    assert (fault.part, fault.seconds) == ("worker", 28)
    given = ["--seed", str(FROZEN_WORKER), "--only", "freeze", "--faults", "1"]
    found = tmp_path / "found.json"
    run = subprocess.run(
        [sys.executable, "-m", "runtime.cli", "chaos", *given, "--json", str(found)],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    for what in ("lost", "doubled", "stuck", "refused or late"):
        assert f"{what}: nothing" in run.stdout
    assert " checks, 0 broken" in run.stdout
    [frozen] = json.loads(found.read_text())["faults"]
    assert frozen["fault"] == str(fault)
    assert 0 < frozen["held_up_a_customer_for"] <= fault.seconds + 60
