"""The table of documents: everything that has a process is in it, and stands nowhere else."""

import ast
import re
from collections.abc import Iterator

import pytest

from db.documents import DOCUMENTS, RUNS
from domain.documents import DECIDE, PROCESSES, Kind, Process, Signal
from domain.questions import RULES
from tests.architecture.source import OURS, ROOT, Module, dotted

NAMES = {word for one in PROCESSES.values() for word in (one.workflow, one.stem)} | set(Signal)
ITS_HOME = "domain/documents.py"


def file_of(process: Process) -> str:
    """Return the stem of the files that are about a process: ``order_fulfillment``."""
    return process.stem.replace("-", "_")


def docstrings(module: Module) -> set[int]:
    """Return the nodes that are sentences for people."""
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    return {
        id(node.body[0].value)
        for node in module.nodes
        if isinstance(node, kinds) and node.body and isinstance(node.body[0], ast.Expr)
    }


def texts(module: Module) -> Iterator[str]:
    """Yield the string constants of a module that are not docstrings."""
    said = docstrings(module)
    for node in module.nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in said:
            yield node.value


def test_no_workflow_or_signal_is_named_by_a_string_outside_the_table() -> None:
    wanted = re.compile(rf"(?<![\w-])({'|'.join(map(re.escape, sorted(NAMES)))})(?![\w-])")
    named = {
        f"{module.path}: {text!r}"
        for module in OURS
        if module.path != ITS_HOME and not module.path.startswith("workflows/")
        for text in texts(module)
        if wanted.search(text)
    }
    assert named == set()


def test_every_kind_of_document_has_a_process_and_its_place_in_the_books() -> None:
    assert set(Kind) == set(PROCESSES) == set(RUNS) == {*DOCUMENTS, Kind.SITE}


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_a_document_moves_along_a_whole_table_from_its_first_state(kind: Kind) -> None:
    documents = DOCUMENTS[kind]
    states = set(type(documents.first))
    assert set(documents.moves) == states
    reached, news = set(), {documents.first}
    while news:
        reached |= news
        news = {target for state in news for target in documents.moves[state]} - reached
    assert reached == states
    assert {"id", "number", "status", "version"} <= set(documents.row.__table__.columns.keys())


@pytest.mark.parametrize("kind", Kind)
def test_a_process_takes_the_signals_and_updates_of_the_table(kind: Kind) -> None:
    process = PROCESSES[kind]
    module = next(one for one in OURS if one.path == f"workflows/{file_of(process)}.py")
    marks: dict[str, set[str]] = {"workflow.signal": set(), "workflow.update": set()}
    for handler in module.functions:
        for mark in handler.decorator_list:
            name = dotted(mark.func if isinstance(mark, ast.Call) else mark)
            marks.setdefault(name, set()).add(handler.name)
    assert marks["workflow.signal"] == set(process.signals)
    assert process.signals, "the sweep wakes a run by its first signal, so there has to be one"
    asks = kind in {rule.asker for rule in RULES.values()}
    assert not asks or DECIDE in marks["workflow.update"]
    assert process.workflow in {one.name for one in module.classes}


@pytest.mark.parametrize("kind", Kind)
def test_a_process_has_a_page(kind: Kind) -> None:
    page = ROOT / "docs" / "processes" / f"{file_of(PROCESSES[kind])}.md"
    assert page.exists()


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_the_moves_of_documents_are_counted(kind: Kind) -> None:
    promised = (ROOT / "deploy/metrics.txt").read_text()
    assert f"{kind}_transitions_total | counter" in promised


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_after_a_restore_the_runs_of_every_kind_are_woken_and_their_numbers_kept(
    kind: Kind,
) -> None:
    script = (ROOT / "deploy/restart_runs.sql").read_text()
    assert re.search(rf"\bFROM {DOCUMENTS[kind].table}\b", script)
    assert any(f'"signal": "{signal}"' in script for signal in PROCESSES[kind].signals)
    assert f"{kind}_numbers" in script
