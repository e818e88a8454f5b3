"""What ``docs/testing.md`` tells of the tests is what they are."""

import re

import pytest

from tests.docs.examples import ROOT, blocks_of
from tests.docs.test_tables import rows

PAGE = (ROOT / "docs/testing.md").read_text()
CITED = re.findall(r"\(`(tests/[\w/]+\.py)`\):$", PAGE, re.MULTILINE)
EXAMPLES = [block.text for block in blocks_of(PAGE) if block.language == "python"]


def test_every_folder_of_tests_is_listed() -> None:
    folders = {path.name for path in (ROOT / "tests").iterdir() if path.is_dir()}
    listed = [row[0].strip("`/ ") for row in rows(PAGE, "## The folders")]
    assert sorted(listed) == sorted(folders - {"__pycache__"})


def test_every_file_that_the_page_names_exists() -> None:
    before, _, after = PAGE.partition("## A new capability")
    named = re.findall(r"`(tests/[\w/]+\.py)`", before + after.partition("## Rules")[2])
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_every_example_says_where_it_stands() -> None:
    assert len(CITED) == len(EXAMPLES) > 5


@pytest.mark.parametrize(("path", "example"), [*zip(CITED, EXAMPLES, strict=False)], ids=CITED)
def test_an_example_stands_in_the_file_that_it_cites(path: str, example: str) -> None:
    text, end = (ROOT / path).read_text(), 0
    for part in re.split(r"^…$", example, flags=re.MULTILINE):
        place = text.find(part.strip("\n") + "\n", end)
        assert place >= 0, part
        end = place + len(part)
