"""Processes: each registered, each in its own file, and nothing in them that cannot be replayed."""

import ast
from pathlib import PurePath

from domain.documents import PROCESSES
from tests.architecture.source import OURS, WORKFLOWS, Module, assigned, called, dotted

BY_PATH = {one.path: one for one in OURS}
NOT_REPLAYABLE = {"os", "random", "secrets", "sqlalchemy", "asyncpg", "socket", "threading", "time"}
CODEC = "workflows/encryption.py"
"""Works outside of runs, on what they say and are told."""
NOT_DETERMINISTIC = {"now", "utcnow", "today", "uuid1", "uuid4", "uuid7", "new_id", "environ"}


def decorated(module: Module, name: str) -> list[ast.ClassDef | ast.AsyncFunctionDef]:
    """Return what a module decorates with ``@<name>`` or ``@<name>(…)``."""
    return [
        node
        for node in module.nodes
        if isinstance(node, ast.ClassDef | ast.AsyncFunctionDef) and name in marks_of(node)
    ]


def marks_of(node: ast.AST) -> set[str]:
    """Return the names of a definition's decorators."""
    marks = getattr(node, "decorator_list", [])
    return {dotted(mark.func if isinstance(mark, ast.Call) else mark) for mark in marks}


def processes() -> set[str]:
    return {kind.name for one in WORKFLOWS for kind in decorated(one, "workflow.defn")}


def steps() -> list[str]:
    return [step.name for one in OURS for step in decorated(one, "activity.defn")]


def test_every_workflow_is_registered_with_the_plugin() -> None:
    registered = assigned(BY_PATH["workflows/plugin.py"], "WORKFLOWS")
    assert isinstance(registered, ast.Tuple)
    assert sorted(dotted(one) for one in registered.elts) == sorted(processes()) != []


def test_a_workflow_file_holds_one_workflow_of_its_own_name() -> None:
    for one in WORKFLOWS:
        kinds = [kind.name for kind in decorated(one, "workflow.defn")]
        file = PurePath(one.path).stem
        assert kinds in ([], ["".join(word.title() for word in file.split("_"))]), one.path


def test_every_workflow_names_its_runs() -> None:
    named = {process.workflow: process.stem for process in PROCESSES.values()}
    words = {
        name: "".join(f"-{char.lower()}" if char.isupper() else char for char in name)[1:]
        for name in processes()
    }
    assert named == words


def test_every_class_with_activities_is_given_to_the_worker() -> None:
    with_steps = {
        kind.name
        for one in OURS
        for kind in one.classes
        if any("activity.defn" in marks_of(step) for step in kind.body)
    }
    worker = BY_PATH["worker.py"]
    giving = next(one for one in worker.functions if one.name == "activities")
    assert with_steps - called(giving) == set()
    assert with_steps
    # It gives every method that is marked, whatever its name.
    assert "__temporal_activity_definition" in ast.unparse(giving)


def test_activity_names_are_unique_in_the_system() -> None:
    names = steps()
    assert len(set(names)) == len(names) > 0


def test_every_activity_takes_one_value_and_is_used_by_a_process() -> None:
    used = {node.attr for one in WORKFLOWS for node in one.nodes if isinstance(node, ast.Attribute)}
    for one in OURS:
        for step in decorated(one, "activity.defn"):
            assert len(step.args.args) == 2, step.name  # type: ignore[union-attr]
            assert step.name in used, f"no process takes the step {step.name}"


def test_no_run_reads_a_clock_chance_the_environment_or_the_database() -> None:
    imported = {
        f"{one.path}: {name}"
        for one in WORKFLOWS
        if one.path != CODEC
        for name, _ in one.imports
        if name.partition(".")[0] in NOT_REPLAYABLE
    }
    read = {
        f"{one.path}: {dotted(node)}"
        for one in WORKFLOWS
        for node in one.nodes
        if isinstance(node, ast.Attribute | ast.Name)
        and dotted(node).rpartition(".")[2] in NOT_DETERMINISTIC
        and dotted(node) != "workflow.now"
    }
    slept = {one.path for one in WORKFLOWS if called(one.tree) & {"asyncio.sleep", "sleep"}}
    assert imported | read | slept == set()
    users = {one.path for one in WORKFLOWS for name, _ in one.imports if "encryption" in name}
    assert users == set()


def test_runs_take_steps_only_by_the_two_ways_that_decide_about_retries() -> None:
    ways = {
        "execute_activity",
        "execute_local_activity",
        "start_activity",
        "execute_activity_method",
    }
    direct = {
        one.path
        for one in WORKFLOWS
        if PurePath(one.path).stem != "calling"
        for name in called(one.tree)
        if name.rpartition(".")[2] in ways
    }
    assert direct == set()


def test_signals_are_facts_and_updates_are_described() -> None:
    for one in WORKFLOWS:
        for node in one.nodes:
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            for mark in node.decorator_list:
                kind = dotted(mark.func if isinstance(mark, ast.Call) else mark)
                if kind in ("workflow.signal", "workflow.update"):
                    assert isinstance(mark, ast.Call), f"{node.name} has no description"
                    assert "description" in {word.arg for word in mark.keywords}, node.name
                    assert (kind == "workflow.signal") == node.name.endswith("ed"), node.name


def test_nothing_that_a_sandbox_passes_through_holds_a_workflow() -> None:
    written = {one.path for one in WORKFLOWS if decorated(one, "workflow.defn")}
    given = ast.literal_eval(assigned(BY_PATH["workflows/plugin.py"], "PASSED_THROUGH"))
    passed = {name.replace(".", "/") + ".py" for name in given}
    assert written & passed == set()
