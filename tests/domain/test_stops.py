"""Which refunds a chargeback stops."""

from datetime import UTC, datetime, timedelta

import pytest

from domain.refunds.stops import LettingGo, is_stopped

MORNING = datetime(2031, 3, 10, 8, tzinfo=UTC)
NOON, EVENING = MORNING + timedelta(hours=4), MORNING + timedelta(hours=10)
BY_ITSELF = LettingGo("return", MORNING, "system", MORNING, None, None)


@pytest.mark.parametrize(
    ("letting_go", "stopped"),
    [
        (BY_ITSELF, True),
        (LettingGo("return", EVENING, "system", EVENING, None, None), True),
        (LettingGo("return", MORNING, "system", MORNING, None, EVENING), False),
        (LettingGo("return", MORNING, "anna", MORNING, None, None), True),
        (LettingGo("return", MORNING, "anna", EVENING, None, None), False),
        (LettingGo("return", MORNING, "system", EVENING, NOON, None), False),
        (LettingGo("goodwill", EVENING, "system", EVENING, None, None), False),
        (LettingGo("goodwill", MORNING, "system", MORNING, None, None), True),
    ],
    ids=[
        "by itself, before",
        "by itself, after",
        "finance answers",
        "approved by a person who could not know",
        "approved by a person who could",
        "tried again by a person",
        "asked for by a person after it",
        "asked for by a person before it",
    ],
)
def test_a_chargeback_stops_what_no_person_has_let_go_since(
    letting_go: LettingGo, stopped: bool
) -> None:
    """R12: who could know of it decides; what goes by itself waits."""
    assert is_stopped(letting_go, [NOON]) is stopped


def test_nothing_is_stopped_without_a_chargeback() -> None:
    assert not is_stopped(BY_ITSELF, [])
