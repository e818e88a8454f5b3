"""Which operations' own code was reached: one that never is would hide behind the others."""

import json
import re
from collections import Counter
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

REFUSED = frozenset({0, 400, 401, 403, 405, 408, 413, 415, 429, 431})
"""Answers that are given before an operation's own code is asked."""


class Reach:
    """Counts by operation: asked, reached, and done (2xx or 304)."""

    def __init__(self, description: Mapping[str, Any]) -> None:
        self.asked: Counter[str] = Counter()
        self.reached: Counter[str] = Counter()
        self.done: Counter[str] = Counter()
        self._operations = [
            (f"{method.upper()} {path}", method.upper(), _pattern(path))
            for path, item in description["paths"].items()
            for method in item
        ]
        # Of two that fit, the one with fewer names in its path: as the router decides.
        self._operations.sort(key=lambda each: each[0].count("{"))

    def note(self, method: str, target: str, status: int, said: bytes) -> None:
        """Count an answer with the operation that gave it, if one did."""
        path = _path(target)
        name = next((n for n, m, fits in self._operations if m == method and fits(path)), None)
        if name is None:
            return
        self.asked[name] += 1
        self.reached[name] += status not in REFUSED and not _malformed(status, said)
        self.done[name] += 200 <= status < 300 or status == 304

    @property
    def never(self) -> list[str]:
        """Return the operations that no request has reached."""
        return sorted(name for name, _, _ in self._operations if not self.reached[name])

    def lines(self) -> list[str]:
        """Return a table, a line for each operation, the least reached first."""
        rows = sorted((self.reached[name], name) for name, _, _ in self._operations)
        return [
            f"  {name:50} reached {times:>7,} of {self.asked[name]:>7,}, done {self.done[name]:>7,}"
            + ("   NEVER REACHED" if not times else "")
            for times, name in rows
        ]


def _pattern(path: str) -> Any:
    names = re.sub(r"\\{[^}]*\\}", "[^/]+", re.escape(path))
    return re.compile(names).fullmatch


def _path(target: str) -> str:
    try:
        return urlsplit(target).path
    except ValueError:
        return target.partition("?")[0]


def _malformed(status: int, said: bytes) -> bool:
    """Whether a request was refused by its schema: then nothing of ours has looked at it."""
    if status != 422:
        return False
    try:
        problem = json.loads(said)
    except ValueError:
        return False
    return isinstance(problem, dict) and problem.get("code") == "malformed"
