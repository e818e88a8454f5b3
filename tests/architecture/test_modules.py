"""Modules: one stem per capability, small, explained, without grab bags and unknown imports."""

import ast
import re
import sys
from pathlib import PurePath

import pytest

from domain.documents import PROCESSES
from gateways.partners import PARTNERS
from tests.architecture.source import OURS, ROOT, TESTS, Module, defined, modules

EVERYTHING = [*OURS, *TESTS, *modules("deploy")]
LARGEST = 300

STEMS = {
    "claims",
    "customers",
    "inventory",
    "items",
    "orders",
    "payments",
    "refunds",
    "returns",
    "shipments",
    "tasks",
    "warranties",
    "work_orders",
}
"""What this release can do; the same plural in every layer."""

PLUMBING = {
    "domain": {
        "access",
        "addresses",
        "adjustments",
        "answers",
        "cards",
        "counts",
        "demand",
        "disclosure",
        "documents",
        "errors",
        "facts",
        "holds",
        "ids",
        "keyring",
        "lifecycle",
        "lots",
        "metadata",
        "money",
        "moves",
        "payment_state",
        "policy",
        "priority",
        "quantities",
        "reservations",
        "questions",
        "sources",
        "units",
        "value",
    },
    "db": {
        "access",
        "deadline",
        "deadlines",
        "driver_reads",
        "document",
        "documents",
        "engine",
        "events",
        "facts",
        "failures",
        "holds",
        "idempotency",
        "ledgers",
        "loading",
        "metadata",
        "migrations",
        "outbox",
        "pages",
        "reads",
        "reminders",
        "renewals",
        "runs",
        "sources",
        "tables",
        "turns",
        "verify",
        "waiting",
        "watching",
    },
    "activities": {"access", "alive", "errors", "facts", "holds", "watching"},
    "gateways": {"carriers", "failures", "http", "partner", "partners", "telling", "webhooks"},
    "api": {
        "answers",
        "app",
        "authentication",
        "codec",
        "components",
        "connections",
        "deps",
        "documents",
        "moved",
        "notifier",
        "errors",
        "etags",
        "events",
        "examples",
        "fields",
        "headers",
        "health",
        "idempotency",
        "issuer",
        "keys",
        "limits",
        "middleware",
        "openapi",
        "pages",
        "problems",
        "process",
        "reference",
        "refusals",
        "rows",
        "runs",
        "services",
        "settings",
        "steering",
        "temporal",
        "tokens",
        "views",
        "webhooks",
        "words",
    },
    "workflows": {"calling", "encryption", "plugin", "renewal", "runs", "saga", "status"},
}
"""What serves all capabilities alike, layer by layer: a new name here is a decision."""

GRAB_BAGS = {"util", "utils", "helper", "helpers", "common", "core", "base", "manager", "types"}

# The second names of the glossary that mean nothing else here; such as "lock" do, and are not here.
NOT_OUR_WORDS = set(
    "product article device cart sale depot qty incoming courier shipper charge stocktake vendor "
    "requisition exchange ticket ingredient preorder consume suspend account store job cron".split()
)
OTHER_PEOPLES_WORDS = ("runtime/commands/adventureworks/", "simulators/", "tests/")

MACHINE_PATH = re.compile(r"(?<![\w.])/(?:work|root|home)/\w")
TEXTS = (".py", ".md", ".toml", ".yml", ".yaml", ".sh", ".sql", ".ini", ".env", ".txt")


def stem(module: Module) -> tuple[str, str]:
    layer, first = PurePath(module.path).with_suffix("").parts[:2]
    return layer, first


@pytest.mark.parametrize("layer", PLUMBING)
def test_every_module_is_a_capability_or_known_plumbing(layer: str) -> None:
    found = {stem(one)[1] for one in OURS if one.path.startswith(f"{layer}/")} - {"__init__"}
    runs = {process.stem.replace("-", "_") for process in PROCESSES.values()}
    names = runs if layer == "workflows" else STEMS
    assert found - names - PLUMBING[layer] == set()
    assert PLUMBING[layer] - found == set(), "no longer there: strike it off the list"


def test_every_capability_has_rules_and_tables_and_is_reached_over_http() -> None:
    reached = {stem(one) for one in OURS if len(PurePath(one.path).parts) > 1}
    missing = {(layer, name) for layer in ("domain", "db", "api") for name in STEMS} - reached
    assert missing == set()


def test_a_workflow_file_starts_with_a_capability_in_the_singular() -> None:
    processes = {stem(one)[1] for one in OURS if one.path.startswith("workflows/")}
    processes -= PLUMBING["workflows"] | {"__init__"}
    singular = tuple(f"{re.sub('ies$', 'y', name).removesuffix('s')}_" for name in STEMS)
    assert [name for name in processes if not name.startswith(singular)] == []
    assert processes


def test_no_module_is_longer_than_three_hundred_lines() -> None:
    long = {one.path: one.text.count("\n") for one in EVERYTHING}
    assert {path: lines for path, lines in long.items() if lines > LARGEST} == {}


def test_packages_say_nothing_by_themselves() -> None:
    packages = [one for one in EVERYTHING if one.path.endswith("__init__.py")]
    assert [one.path for one in packages if one.text] == []


def test_a_partner_is_named_by_its_gateway_alone() -> None:
    names = {name for each in PARTNERS.values() for name in (each.webhooks, each.name)}
    naming = {
        one.path
        for one in OURS
        for node in ast.walk(one.tree)
        if isinstance(node, ast.Constant) and node.value in names
    }
    assert {path for path in naming if not path.startswith(("gateways/", "simulators/"))} == set()
    assert naming


def test_there_are_no_grab_bags() -> None:
    parts = {(part, one.path) for one in EVERYTHING for part in PurePath(one.path).parts}
    assert [path for part, path in parts if part.removesuffix(".py") in GRAB_BAGS] == []


def test_every_module_opens_with_one_sentence() -> None:
    opening = {
        one.path: ast.get_docstring(one.tree) or "" for one in EVERYTHING if one.text.strip()
    }
    sentence = re.compile(r"[^\n]+(\n[^\n]+)*[.!?]")
    assert [path for path, text in opening.items() if not sentence.match(text)] == []


def words_of(name: str) -> set[str]:
    words = re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)
    return {form for word in words for form in (word.lower(), word.lower().removesuffix("s"))}


def test_nothing_is_named_by_a_word_that_the_glossary_refuses() -> None:
    named = {
        f"{one.path}: {name}"
        for one in OURS
        if not one.path.startswith(OTHER_PEOPLES_WORDS)
        for name in defined(one)
        if words_of(name) & NOT_OUR_WORDS
    }
    assert named == set()


def test_rules_import_only_rules_pydantic_and_ids() -> None:
    known = {*sys.stdlib_module_names, "domain", "pydantic", "uuid_utils"}
    foreign = {
        f"{one.path}: {name}"
        for one in OURS
        if one.path.startswith("domain/")
        for name, _ in one.imports
        if name.partition(".")[0] not in known
    }
    assert foreign == set()


def test_rules_know_no_clock_and_no_chance_and_read_nothing() -> None:
    outside = {"asyncio", "io", "os", "pathlib", "random", "secrets", "socket", "time", "urllib"}
    imported = {
        f"{one.path}: {name}"
        for one in OURS
        if one.path.startswith("domain/")
        for name, _ in one.imports
        if name.partition(".")[0] in outside
    }
    clocks = {
        f"{one.path}: {node.attr}"
        for one in OURS
        if one.path.startswith("domain/")
        for node in one.nodes
        if isinstance(node, ast.Attribute) and node.attr in ("now", "utcnow", "today")
    }
    assert imported | clocks == set()


def test_sql_is_only_in_the_database_layer() -> None:
    statements = {"delete", "insert", "select", "text", "update"}
    found = {
        one.path
        for one in OURS
        if not one.path.startswith("db/")
        for name, taken in one.imports
        if name.startswith("sqlalchemy") and statements & set(taken)
    }
    assert found == set()


def test_use_cases_know_neither_http_nor_temporal() -> None:
    found = [one for one in OURS if re.fullmatch(r"activities/\w+/accepting\.py", one.path)]
    edges = {"api", "fastapi", "starlette", "temporalio", "workflows"}
    known = {f"{one.path}: {name}" for one in found for name, _ in one.imports}
    assert {each for each in known if each.split(": ")[1].partition(".")[0] in edges} == set()
    assert len(found) >= 6


def test_every_todo_has_a_number() -> None:
    todo = re.compile(r"\b(?:TODO|FIXME|HACK)\b(?!\(#\d+\))")
    marked = {one.path for one in OURS if any(todo.search(line) for line in one.text.split("\n"))}
    assert marked == set()


def test_nothing_names_a_path_of_somebodys_machine() -> None:
    folders = ("docs", "deploy", ".ci", *{one.path.partition("/")[0] for one in EVERYTHING})
    files = [ROOT / "Makefile", ROOT / "README.md", ROOT / "pyproject.toml", *ROOT.glob("*.yml")]
    for folder in folders:
        files += [path for path in (ROOT / folder).rglob("*") if path.suffix in TEXTS]
    found = [
        str(path.relative_to(ROOT))
        for path in files
        if path.is_file() and MACHINE_PATH.search(path.read_text())
    ]
    assert found == []
