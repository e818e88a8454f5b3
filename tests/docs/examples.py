"""The commands that a document shows, and what it says that they print.

A block marked ``bash`` is run; all blocks of a document run in order in one shell. A block marked
``json`` or ``text`` that follows is what the commands print. ``<!-- test: skip reason -->`` on the
line before a ``bash`` block says why it cannot be run here.
"""

import re
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

ROOT = Path(__file__).parents[2]
_FENCE = re.compile(r"^```(\w*)$")
_SKIP = re.compile(r"^<!-- test: skip (.+) -->$")


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its text, its first line's number, why it is not run."""

    language: str
    text: str
    line: int
    skip: str | None


@dataclass(frozen=True)
class Example:
    """Commands, and what they print where the document shows it."""

    commands: str
    line: int
    skip: str | None
    shown: str | None = None
    language: str = ""


def documents() -> list[Path]:
    """Return the documents whose commands are run."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks_of(text: str) -> list[Block]:
    """Return the fenced blocks of a Markdown text."""
    blocks: list[Block] = []
    inside: list[str] | None = None
    language, start, skip = "", 0, None
    for number, line in enumerate(text.splitlines(), start=1):
        fence = _FENCE.match(line)
        if inside is None:
            if fence:
                language, start, inside = fence[1], number + 1, []
            else:
                reason = _SKIP.match(line)
                skip = reason[1] if reason else None
        elif fence:
            blocks.append(Block(language, "\n".join(inside), start, skip))
            inside, skip = None, None
        else:
            inside.append(line)
    assert inside is None, f"the block of line {start} has no end"
    return blocks


def examples_of(text: str) -> list[Example]:
    """Return the commands of a Markdown text with what they are said to print."""
    blocks = blocks_of(text)
    examples: list[Example] = []
    for block, after in zip_longest(blocks, blocks[1:]):
        if block.language != "bash":
            continue
        end = block.line + block.text.count("\n") + 1
        answers = after is not None and after.language in ("json", "text") and after.line - end <= 3
        examples.append(
            Example(
                block.text,
                block.line,
                block.skip,
                shown=after.text if after is not None and answers else None,
                language=after.language if after is not None and answers else "",
            )
        )
    return examples
