"""Every command that the README and the documents show is run against a real stack."""

from pathlib import Path

import pytest

from tests.docs.examples import ROOT, documents, examples_of
from tests.docs.shell import run_examples

EXAMPLES = {
    str(path.relative_to(ROOT)): examples
    for path in documents()
    if (examples := examples_of(path.read_text()))
}


@pytest.mark.parametrize("document", EXAMPLES)
async def test_the_commands_of_a_document_do_what_it_says(document: str, checkout: Path) -> None:
    wrong = await run_examples(EXAMPLES[document], checkout)
    assert not wrong, "\n".join(wrong)


def test_what_is_not_run_is_listed_with_its_reason(capsys: pytest.CaptureFixture[str]) -> None:
    left_out = [
        (f"{document}:{example.line}", example.skip)
        for document, examples in EXAMPLES.items()
        for example in examples
        if example.skip is not None
    ]
    with capsys.disabled():
        for place, reason in left_out:
            print(f"\nnot run, {place}: {reason}", end="")
    assert all(reason.strip() for _, reason in left_out)
    assert all(len(reason.split()) > 3 for _, reason in left_out)
