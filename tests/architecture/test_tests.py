"""Tests: each says something, none waits for time to pass, none replaces our own code."""

import ast
from collections import defaultdict

from tests.architecture.source import ROOT, TESTS, Function, called, dotted
from tests.sharing import INSTALLATION, SECONDS, UNITS, unit_of

POLLING = {
    "answered",
    "answering",
    "ask",
    "cancel",
    "dawdle",
    "eventually",
    "served",
    "start",
    "until",
    "until_compared",
    "until_up",
    "working",
}
"""Helpers that wait for a condition with a deadline, and who is slow on purpose."""
LOAD = ("tests/bench/",)
"""Arrivals of a measured load follow a clock."""
SAYS = ("fail", "raises", "refuse", "replay_workflow", "warns")


def asserting() -> set[str]:
    """Return the names of the tests' functions that assert something, also through each other."""
    calls: dict[str, set[str]] = defaultdict(set)
    found = set[str]()
    for one in TESTS:
        for function in one.functions:
            calls[function.name] |= {name.rpartition(".")[2] for name in called(function)}
            if any(isinstance(node, ast.Assert) for node in ast.walk(function)):
                found.add(function.name)
            if calls[function.name] & set(SAYS):
                found.add(function.name)
    while more := {name for name in calls.keys() - found if calls[name] & found}:
        found |= more
    return found


def test_every_test_asserts_something() -> None:
    says = asserting()
    silent = [
        f"{one.path}: {function.name}"
        for one in TESTS
        for function in one.functions
        if function.name.startswith("test_") and function.name not in says
    ]
    assert silent == []


def sleepers(node: ast.AST, inside: str = "") -> set[str]:
    """Return the outermost functions that sleep."""
    found = set[str]()
    for child in ast.iter_child_nodes(node):
        name = inside or (child.name if isinstance(child, Function) else "")
        if isinstance(child, ast.Attribute) and child.attr == "sleep":
            found.add(inside)
        found |= sleepers(child, name)
    return found


def test_only_polling_sleeps() -> None:
    asleep = {
        f"{one.path}: {name}"
        for one in TESTS
        if not one.path.startswith(LOAD)
        for name in sleepers(one.tree)
        if name not in POLLING
    }
    assert asleep == set()


def test_nothing_of_ours_is_mocked() -> None:
    mocking = {
        one.path
        for one in TESTS
        for name, taken in one.imports
        if "mock" in name or "mock" in taken or "MonkeyPatch" in taken
    }
    assert mocking == set()


def test_no_test_is_switched_off() -> None:
    marks = {"pytest.mark.skip", "pytest.mark.xfail", "pytest.xfail"}
    off = {one.path for one in TESTS for node in one.nodes if dotted(node) in marks}
    assert off == set()


def test_what_is_said_about_sharing_the_tests_names_what_is_there() -> None:
    shared = {
        one for units in UNITS.values() for one in ([units] if isinstance(units, str) else units)
    }
    named = SECONDS.keys() - shared | UNITS.keys()
    assert [path for path in sorted(named) if not (ROOT / path).exists()] == []
    assert shared <= SECONDS.keys()


def test_whoever_uses_the_installation_shares_it() -> None:
    """One file left out would have a whole installation started for itself."""
    users = {
        one.path
        for one in TESTS
        for function in one.functions
        if function.name.startswith("test_")
        and "installation" in {argument.arg for argument in function.args.args}
    }
    assert users
    assert {path for path in users if unit_of(f"{path}::test") != INSTALLATION} == set()


def test_tests_are_named_as_sentences() -> None:
    short = [
        f"{one.path}: {function.name}"
        for one in TESTS
        for function in one.functions
        if function.name.startswith("test_") and function.name.count("_") < 3
    ]
    assert short == []
