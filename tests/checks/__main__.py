"""Check what no test covers: ``python -m tests.checks [words of names]``, exit 1 on a failure."""

import importlib
import inspect
import pkgutil
import sys
import time
from collections.abc import Callable, Iterator

from tests import checks
from tests.checks.outcome import IN_CI, Failed, Skipped


def found(words: list[str]) -> Iterator[tuple[str, Callable[[], None]]]:
    """Yield every ``check_…`` function of this package's modules under a readable name."""
    for module in pkgutil.iter_modules(checks.__path__, f"{checks.__name__}."):
        if module.name.endswith("__main__"):
            continue
        for name, function in inspect.getmembers(importlib.import_module(module.name)):
            title = f"{module.name.rpartition('.')[2]}: {name.removeprefix('check_')}"
            mine = name.startswith("check_") and function.__module__ == module.name
            if mine and all(word in title for word in words):
                yield title.replace("_", " "), function


def outcome(check: Callable[[], None]) -> tuple[str, str]:
    """Return the word for how the check ended, and why."""
    try:
        check()
    except Skipped as reason:
        return ("FAILED" if IN_CI else "skipped"), str(reason)
    except Failed as findings:
        return "FAILED", str(findings)
    except Exception as error:
        return "FAILED", f"{type(error).__name__}: {error}"
    return "ok", ""


def main(words: list[str]) -> int:
    """Make the checks whose names contain all words; return the exit code."""
    outcomes: list[str] = []
    for title, check in found(words):
        started = time.monotonic()
        word, why = outcome(check)
        outcomes.append(word)
        print(f"{word:8}{title} ({time.monotonic() - started:.1f} s)", flush=True)
        if why:
            print("".join(f"        {line}\n" for line in why.strip().splitlines()), end="")
    counts = {word: outcomes.count(word) for word in ("ok", "FAILED", "skipped")}
    print(f"checks: {counts['ok']} ok, {counts['FAILED']} failed, {counts['skipped']} skipped")
    return 1 if counts["FAILED"] or not outcomes else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
