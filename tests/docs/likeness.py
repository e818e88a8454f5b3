"""Whether what was printed is what a document shows, up to ids, numbers, times and ports."""

import json
import re
from typing import Any

_CHANGING = (
    (re.compile(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"), "<id>"),
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)?"), "<time>"),
    (re.compile(r"\b(SO|SHP|TSK)-\d+"), r"\1-<number>"),
    (re.compile(r"\bSBX\d+"), "<tracking number>"),
    (re.compile(r"\b(bkg|evt|auth|op)_[0-9a-f]+"), r"\1_<id>"),
    (re.compile(r"\bsk_[A-Za-z0-9]{8}_[A-Za-z0-9_-]{43}"), "<key>"),
    (re.compile(r"127\.0\.0\.1:\d+"), "<address>"),
    (re.compile(r"\b[0-9a-f]{32}\b"), "<request id>"),
)


def unlike(language: str, shown: str, printed: str) -> list[str]:
    """Return what is wrong with what was printed; nothing when it is as shown."""
    if language == "json":
        try:
            given = json.loads(printed)
        except ValueError:
            return [f"not one JSON value: {printed}"]
        return list(_unlike_value(json.loads(shown), given, ""))
    return _unlike_lines(shown.rstrip().splitlines(), printed.rstrip().splitlines())


def _unlike_value(shown: Any, given: Any, path: str) -> list[str]:
    if isinstance(shown, str) and isinstance(given, str):
        return [] if _matches(shown, given) else [f"{path}: {given!r} instead of {shown!r}"]
    if type(shown) is not type(given):
        return [f"{path}: {given!r} instead of {shown!r}"]
    if isinstance(shown, dict):
        wrong = [f"{path}: {key} is not shown" for key in given.keys() - shown.keys()]
        wrong += [f"{path}: {key} is missing" for key in shown.keys() - given.keys()]
        for key in shown.keys() & given.keys():
            wrong += _unlike_value(shown[key], given[key], f"{path}/{key}")
        return wrong
    if isinstance(shown, list):
        if len(shown) != len(given):
            return [f"{path}: {len(given)} entries instead of {len(shown)}: {given!r}"]
        return [
            difference
            for place, (one, other) in enumerate(zip(shown, given, strict=True))
            for difference in _unlike_value(one, other, f"{path}/{place}")
        ]
    return [] if shown == given else [f"{path}: {given!r} instead of {shown!r}"]


def _unlike_lines(shown: list[str], given: list[str]) -> list[str]:
    """Compare line by line; a line of ``…`` stands for any number of lines."""
    place, skipping = 0, False
    for line in shown:
        if line.strip() == "…":
            skipping = True
            continue
        while skipping and place < len(given) and not _matches(line, given[place]):
            place += 1
        if place == len(given) or not _matches(line, given[place]):
            return [f"{line!r} was not printed in its place; all that was:", *given]
        place, skipping = place + 1, False
    if place < len(given) and not skipping:
        return ["more was printed than is shown:", *given[place:]]
    return []


def _matches(shown: str, given: str) -> bool:
    """Whether a text is as shown; ``…`` stands for anything."""
    parts = (re.escape(_steady(part)) for part in shown.rstrip().split("…"))
    return re.fullmatch(".*".join(parts), _steady(given.rstrip()), re.DOTALL) is not None


def _steady(text: str) -> str:
    for pattern, name in _CHANGING:
        text = pattern.sub(name, text)
    return text
