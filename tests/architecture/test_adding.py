"""Adding a process: the page names every file that a new kind of document has to be added to."""

import re
from pathlib import Path

from db.documents import DOCUMENTS
from domain.documents import PROCESSES, Kind, Process
from tests.architecture.source import OURS, ROOT
from tests.architecture.test_modules import STEMS

PAGE = ROOT / "docs/architecture.md"
REGISTRIES = re.compile(r"<!-- registries -->\n(.*?)<!-- end -->", re.DOTALL)
OWN = STEMS - {"tasks"} | {"facts"}
"""Modules that are about one capability, or about partners, and name others as they need them."""

WHERE_NEEDED = {"activities/tasks.py", "domain/tasks.py", "db/verify/books.py"}
"""Registries without an entry for a kind that asks nothing or has no rules of its own."""


def words(kind: Kind, process: Process) -> list[str]:
    """Return what a file says that has an entry of its own for a kind."""
    page, path = process.stem.replace("-", "_"), process.path.rpartition("/")[2]
    return [
        rf"Kind\.{kind.name}\b",
        rf"\b{process.workflow}\b",
        rf"\b(?:activities|api|db|domain)\.{path}\b",
        rf"import[^\n]*\b{path}\b",
        rf"(?m)^    {path},$",
        rf"\b{path}:read\b",
        rf"\b{kind}_transitions",
        rf"processes/{page}\b",
    ]


def candidates() -> list[Path]:
    """Return all files that are not about one capability."""
    modules = [ROOT / one.path for one in OURS if not set(one.path[:-3].split("/")) & OWN]
    deployed = [ROOT / name for name in ("deploy/metrics.txt", "deploy/grafana/dashboard.yml")]
    names = {process.stem.replace("-", "_") for process in PROCESSES.values()}
    return [path for path in modules + deployed if path.stem not in names]


def test_the_page_names_every_file_that_has_an_entry_for_each_kind() -> None:
    [table] = REGISTRIES.findall(PAGE.read_text())
    listed = set(re.findall(r"^\| `([\w/.]+)` \|", table, re.MULTILINE))
    entries = {
        str(path.relative_to(ROOT)): {
            kind
            for kind, process in PROCESSES.items()
            if kind in DOCUMENTS
            if any(re.search(word, path.read_text()) for word in words(kind, process))
        }
        for path in candidates()
    }
    for path, kinds in entries.items():
        if path in WHERE_NEEDED:
            assert len(kinds) < 2 or path in listed
        elif path in listed:
            assert kinds == set(DOCUMENTS), f"{path} has no entry for {set(DOCUMENTS) - kinds}"
        else:
            assert kinds != set(DOCUMENTS), (
                f"{path} has an entry for each kind: list it on the page"
            )
    assert listed <= entries.keys()
