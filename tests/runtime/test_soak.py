"""The rules by which a soak fails, and the mix of stories that it tells."""

from collections import Counter
from dataclasses import replace

import pytest

from runtime.commands.soak.customers import ROUND, story_of
from runtime.commands.soak.judging import judge
from runtime.commands.soak.measuring import MB, Picture, Sample
from runtime.sample.company import describe_company
from runtime.sample.stories import Turn

HOUR = 3600.0


def at(second: float, **other: object) -> Sample:
    steady = Sample(
        at=second,
        orders=int(second * 5),
        memory={"worker": 200.0, "api": 90.0},
        handles={"worker": 60, "api": 40},
        open_runs=40,
        waiting=3,
    )
    return replace(steady, **other)  # type: ignore[arg-type]


def steady() -> list[Sample]:
    return [at(HOUR * look / 60) for look in range(61)]


def grown(orders: int, **other: object) -> Picture:
    """What so many orders leave; ``other`` is what differs."""
    left = Picture(
        orders=orders,
        bytes={"orders": 2_000 * orders, "events": 9_000 * orders, "(logs)": 500 * orders},
        events={"OrderFulfillment": 70},
        history_bytes={"OrderFulfillment": 30_000},
    )
    return replace(left, **other)  # type: ignore[arg-type]


PICTURES = [grown(orders) for orders in (0, 6_000, 12_000, 18_000)]


def test_what_grows_with_orders_alone_is_no_failure() -> None:
    assert judge(steady(), PICTURES) == []


def test_memory_that_grows_from_third_to_third_is_told_with_what_an_order_costs() -> None:
    leaking = [
        replace(one, memory={"worker": 200 + one.orders / 100, "api": 90.0}) for one in steady()
    ]
    [told] = judge(leaking, PICTURES)
    assert told.startswith("memory of worker grew from ")
    assert "kB an order" in told


def test_caches_that_fill_in_the_first_third_are_no_leak() -> None:
    filling = [
        replace(one, memory={"worker": min(300.0, 100 + one.at / 5), "api": 90.0})
        for one in steady()
    ]
    assert judge(filling, PICTURES) == []


def test_the_plans_of_postgresqls_connections_fill_for_thousands_of_orders() -> None:
    filling = [replace(one, memory={"postgres": 100 + one.at / 30}) for one in steady()]
    slow = [replace(one, orders=one.orders // 5) for one in filling]
    assert judge(slow, PICTURES) == []
    assert len(judge(filling, PICTURES)) == 1


def test_less_than_ten_minutes_say_nothing_of_memory_and_histories() -> None:
    short = [
        at(second, memory={"worker": 100.0 + second, "api": 90.0}) for second in range(0, 300, 5)
    ]
    later = replace(PICTURES[-1], events={"OrderFulfillment": 200, "PaymentRefund": 40})
    assert judge(short, [*PICTURES[:-1], later]) == []


@pytest.mark.parametrize(
    ("what", "other", "words"),
    [
        ("handles", {"worker": 160, "api": 40}, "open handles of worker grew from 60 to 160"),
        ("open_runs", 400, "open runs grew from 40 to 400"),
        ("waiting", 90, "rows of the outbox grew from 3 to 90"),
    ],
)
def test_what_is_held_for_longer_and_longer_is_told(what: str, other: object, words: str) -> None:
    samples = [replace(one, **{what: other}) if one.at > 2400 else one for one in steady()]
    [told] = judge(samples, PICTURES)
    assert told.startswith(words)


def test_a_table_that_grows_faster_than_orders_do_is_told() -> None:
    sizes = PICTURES[-1].bytes
    last = grown(18_000, bytes={**sizes, "tasks": 40 * MB})
    [told] = judge(steady(), [*PICTURES[:-1], last])
    assert told.startswith("tasks grew by ")


def test_a_history_that_never_ends_is_told() -> None:
    last = grown(18_000, events={"OrderFulfillment": 900})
    [told] = judge(steady(), [*PICTURES[:-1], last])
    assert told == "the longest history of OrderFulfillment grew from 70 to 900 events"


def test_a_round_of_fifty_orders_has_every_kind_of_story_and_a_declined_card() -> None:
    told = [story_of(position, describe_company()) for position in range(100, 150)]
    turns = Counter(story.turn for story in told)
    assert set(turns) == set(Turn) - {Turn.GOODWILL}
    assert turns[Turn.NONE] > 25
    assert sum(story.card == "tok_declined" for story in told) == 1
    assert len({story.reference for story in told}) == len(told) == len(ROUND)
    assert all(story.serials for story in told if story.turn in (Turn.REPAIRED, Turn.WORN_OUT))
