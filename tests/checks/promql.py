"""Which metrics and labels a PromQL expression names; enough of the grammar for that."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_TOKEN = re.compile(
    r"""(?P<skip>\s+|\#[^\n]*)|(?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    |(?P<range>\[[^\]]*\])|(?P<number>\d[\w.]*)|(?P<name>[a-zA-Z_:][\w:]*)|(?P<sign>.)""",
    re.VERBOSE | re.DOTALL,
)
_GROUPING = {"by", "without", "on", "ignoring", "group_left", "group_right"}
_AFTER_FUNCTION = {"(", "by", "without"}
_KEYWORDS = {"and", "or", "unless", "offset", "bool", "inf", "nan", "start", "end"}


@dataclass
class Names:
    """What an expression names: metrics, the labels chosen on each, and labels grouped by."""

    metrics: dict[str, set[str]] = field(default_factory=dict)
    grouped: set[str] = field(default_factory=set)


def names_in(expression: str) -> Names:
    """Return the names in an expression."""
    found = Names()
    tokens = list(_tokens(expression))
    position = 0
    while position < len(tokens):
        kind, text = tokens[position]
        following = tokens[position + 1][1] if position + 1 < len(tokens) else ""
        if kind != "name":
            position += 1
        elif text in _GROUPING and following == "(":
            position, inside = _until(tokens, position + 2, ")")
            found.grouped |= {word for kind, word in inside if kind == "name"}
        elif text.lower() in _KEYWORDS | _GROUPING or following in _AFTER_FUNCTION:
            position += 1
        elif following == "{":
            position, inside = _until(tokens, position + 2, "}")
            labels = {word for kind, word in inside if kind == "name"}
            found.metrics.setdefault(text, set()).update(labels)
        else:
            found.metrics.setdefault(text, set())
            position += 1
    return found


def _tokens(expression: str) -> Iterator[tuple[str, str]]:
    for match in _TOKEN.finditer(expression):
        kind = match.lastgroup or "sign"
        if kind == "range":
            # A subquery's range has no names; a variable such as $__rate_interval is none.
            continue
        if kind != "skip":
            yield kind, match.group()


def _until(
    tokens: list[tuple[str, str]], start: int, sign: str
) -> tuple[int, list[tuple[str, str]]]:
    end = next(at for at in range(start, len(tokens)) if tokens[at][1] == sign)
    return end + 1, tokens[start:end]
