"""Our own source, read and parsed once for all tests of the architecture."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = (
    "activities",
    "api",
    "db",
    "domain",
    "gateways",
    "relay",
    "runtime",
    "simulators",
    "telemetry",
    "workflows",
)
GENERATED = ("db/migrations/versions/",)

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Module:
    """One Python file under its path from the root."""

    path: str

    @cached_property
    def text(self) -> str:
        return (ROOT / self.path).read_text()

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @cached_property
    def nodes(self) -> list[ast.AST]:
        return list(ast.walk(self.tree))

    @property
    def functions(self) -> Iterator[Function]:
        return (node for node in self.nodes if isinstance(node, Function))

    @property
    def classes(self) -> Iterator[ast.ClassDef]:
        return (node for node in self.nodes if isinstance(node, ast.ClassDef))

    @property
    def imports(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Yield each imported module with the names taken from it."""
        for node in self.nodes:
            if isinstance(node, ast.ImportFrom):
                yield node.module or "", tuple(alias.name for alias in node.names)
            elif isinstance(node, ast.Import):
                yield from ((alias.name, ()) for alias in node.names)


def modules(*folders: str) -> list[Module]:
    """Return the modules of the folders, generated ones apart."""
    paths = (
        path.relative_to(ROOT).as_posix()
        for folder in folders
        for path in sorted((ROOT / folder).rglob("*.py"))
    )
    return [Module(path) for path in paths if not path.startswith(GENERATED)]


OURS = [*modules(*PACKAGES), Module("worker.py")]
TESTS = modules("tests")
WORKFLOWS = [one for one in OURS if one.path.startswith("workflows/")]


def dotted(node: ast.AST) -> str:
    """Return ``a.b.c`` for such an expression, else an empty text."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}".lstrip(".")
    return ""


def called(node: ast.AST) -> set[str]:
    """Return the names of everything that is called inside, dotted where they are."""
    return {dotted(call.func) for call in ast.walk(node) if isinstance(call, ast.Call)}


def defined(module: Module) -> Iterator[str]:
    """Yield every name that a module gives to something."""
    for node in module.nodes:
        match node:
            case ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef():
                yield node.name
            case ast.arg():
                yield node.arg
            case ast.Name(ctx=ast.Store()):
                yield node.id
            case ast.Attribute(ctx=ast.Store()):
                yield node.attr


def assigned(module: Module, name: str) -> ast.expr:
    """Return the expression that a module gives to a name at its top."""
    for node in module.tree.body:
        match node:
            case ast.Assign(targets=[ast.Name(id=known)], value=value) if known == name:
                return value
            case ast.AnnAssign(target=ast.Name(id=known), value=ast.expr() as value) if (
                known == name
            ):
                return value
    raise LookupError(f"{module.path} has no {name}")
