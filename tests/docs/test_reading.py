"""The reader of documents itself: what it takes for a command, and what for a difference."""

from pathlib import Path

from tests.docs.examples import examples_of
from tests.docs.likeness import unlike
from tests.docs.shell import run_examples

PAGE = """
```bash
echo '{"status": "pending"}'
```
```json
{"status": "pending"}
```

<!-- test: skip it needs Docker -->
```bash
docker compose up
```

```text
not an answer to what is not run
```
"""


def test_commands_are_read_with_their_answers_and_reasons() -> None:
    first, second = examples_of(PAGE)
    assert (first.commands, first.language, first.skip) == (
        """echo '{"status": "pending"}'""",
        "json",
        None,
    )
    assert (second.commands, second.skip) == ("docker compose up", "it needs Docker")


def test_ids_times_and_numbers_may_differ() -> None:
    shown = '{"id": "01a208c5-e5dd-77c0-9b5d-76c06f9b9d0e", "number": "SO-1042", "n": 1}'
    given = '{"id": "f0bed1b5-ac54-5152-abd0-3aaae02a492f", "number": "SO-7", "n": 1}'
    assert unlike("json", shown, given) == []


def test_states_amounts_and_members_may_not_differ() -> None:
    assert unlike("json", '{"status": "pending"}', '{"status": "confirmed"}')
    assert unlike("json", '{"amount": 1}', '{"amount": 2}')
    assert unlike("json", '{"amount": 1}', '{"amount": true}')
    assert unlike("json", '{"a": 1}', '{"a": 1, "b": 2}')
    assert unlike("json", '{"a": 1, "b": 2}', '{"a": 1}')
    assert unlike("json", "[1]", "[1, 1]")
    assert unlike("json", '{"id": "SO-1"}', '{"id": "SHP-1"}')
    assert unlike("json", "{}", "not JSON")


def test_lines_stand_in_order_and_an_ellipsis_stands_for_what_is_left_out() -> None:
    assert unlike("text", "one\n…\nthree", "one\ntwo\nthree\n") == []
    assert unlike("text", "status: …\n", "status: 409 \n") == []
    assert unlike("text", "one\nthree", "one\ntwo\nthree")
    assert unlike("text", "one", "one\ntwo")
    assert unlike("text", "two\none", "one\ntwo")


async def test_a_command_that_fails_or_prints_something_else_is_found(tmp_path: Path) -> None:
    fine = "```bash\nWORD=yes\n```\n```bash\necho $WORD\n```\n```text\nyes\n```\n"
    other = "```bash\necho no\n```\n```text\nyes\n```\n"
    failing = "```bash\nfalse | cat\n```\n"
    assert await run_examples(examples_of(fine), tmp_path) == []
    assert await run_examples(examples_of(other), tmp_path) != []
    assert await run_examples(examples_of(fine + failing), tmp_path) != []
