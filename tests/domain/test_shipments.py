"""Tracking: the same scans give the same state in whatever order, and as often as, they come."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import pairwise, permutations, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.lifecycle import move
from domain.shipments.status import ENDED, MOVES, RANKS, UNSENT, ShipmentStatus
from domain.shipments.tracking import ParcelState, TrackingScan, combine, follow
from tests.domain.examples import some

S = ShipmentStatus
MONDAY = datetime(2030, 1, 7, tzinfo=UTC)
WORDS = {
    "PU": S.PICKED_UP,
    "DP": S.IN_TRANSIT,
    "OD": S.OUT_FOR_DELIVERY,
    "DL": S.DELIVERED,
    "RS": S.RETURNING,
    "RT": S.RETURNED,
    "LO": S.LOST,
}


def scan(code: str, hours: int, *, signed_by: str = "") -> TrackingScan:
    return TrackingScan(
        code=code,
        status=WORDS.get(code),
        exception="address_problem" if code == "X1" else None,
        place="",
        signed_by=signed_by,
        occurred_at=MONDAY + timedelta(hours=hours),
    )


def told(story: str) -> list[TrackingScan]:
    """Read ``PU0 DP2``: each code with the hour at which it occurred."""
    return [scan(word[:2], int(word[2:]), signed_by=word) for word in story.split()]


HISTORIES = [
    "PU0 DP1 DP2 OD3 DL4 ??9",
    "PU0 DP1 OD2 X13 OD4 DL5",
    "PU0 DP1 OD2 DL3 RS4 RT5",
    "PU0 DP1 RS2 DP3 DL4 RT5",
    "PU0 X11 LO2 DP3 DL4 DL5",
    "DL0 RS0 PU0 RT0 LO0 X10",
]


@pytest.mark.parametrize("story", HISTORIES)
def test_every_order_of_six_scans_ends_in_the_same_state(story: str) -> None:
    scans = told(story)
    states = {follow(order) for order in permutations(scans)}
    assert states == {follow(scans)}


@pytest.mark.parametrize("story", HISTORIES)
def test_a_scan_reported_twice_changes_nothing(story: str) -> None:
    scans = told(story)
    assert {follow([*scans, again]) for again in scans} == {follow(scans)}


codes = st.sampled_from([*WORDS, "X1", "??"])
histories = st.lists(st.tuples(codes, st.integers(0, 200)), min_size=1, max_size=8)


@some
@given(histories, st.data())
def test_any_order_with_repeats_of_any_history_ends_in_the_same_state(
    history: list[tuple[str, int]], data: st.DataObject
) -> None:
    scans = [scan(code, hours) for code, hours in history]
    repeated = scans + data.draw(st.lists(st.sampled_from(scans), max_size=4))
    assert follow(data.draw(st.permutations(repeated))) == follow(scans)


@pytest.mark.parametrize(
    ("story", "status"),
    [
        ("", S.BOOKED),
        ("X11", S.BOOKED),
        ("??1", S.BOOKED),
        ("PU0", S.PICKED_UP),
        ("PU0 OD1 DP2", S.OUT_FOR_DELIVERY),
        ("OD0 PU9", S.OUT_FOR_DELIVERY),
        ("DL0 PU9", S.DELIVERED),
        ("RS0 DP5", S.RETURNING),
        ("RS0 DL1", S.RETURNED),
        ("RS0 DL0", S.RETURNED),
        ("DL0 RS1", S.DELIVERED),
        ("DL0 RS1 RT2", S.DELIVERED),
        ("LO0 DP1", S.LOST),
        ("LO0 DL1", S.DELIVERED),
        ("LO0 RT1", S.RETURNED),
        ("RS0 RT1", S.RETURNED),
    ],
)
def test_the_furthest_scan_is_the_status(story: str, status: ShipmentStatus) -> None:
    assert follow(told(story)).status is status


@some
@given(histories, st.sampled_from([S.PICKED_UP, S.IN_TRANSIT, S.OUT_FOR_DELIVERY]))
def test_a_lower_rank_later_never_moves_a_parcel_back(
    history: list[tuple[str, int]], lower: ShipmentStatus
) -> None:
    scans = [scan(code, hours) for code, hours in history]
    before = follow(scans)
    code = next(code for code, status in WORDS.items() if status is lower)
    after = follow([*scans, scan(code, 300)])
    assert RANKS[after.status] == max(RANKS[before.status], RANKS[lower])


def test_proof_of_delivery_is_that_of_the_last_delivery_and_only_of_one() -> None:
    assert follow(told("PU0 DL1 DL2")).signed_by == "DL2"
    assert follow(told("PU0 DL1 DL2")).delivered_at == MONDAY + timedelta(hours=2)
    for story in ("PU0 RS1 DL2", "PU0", "LO1"):
        assert follow(told(story)).delivered_at is None
        assert follow(told(story)).signed_by == ""


def test_a_return_soon_after_delivery_is_a_conflict_and_delivery_stays() -> None:
    for hours, exception in ((72, "conflicting_facts"), (73, None)):
        state = follow(told(f"DL0 RS{hours}"))
        assert (state.status, state.exception) == (S.DELIVERED, exception)


def test_the_next_scan_clears_an_exception() -> None:
    assert follow(told("PU0 X11")).exception == "address_problem"
    assert follow(told("PU0 X11 DP2")).exception is None
    assert follow(told("PU0 DP2 X11")).exception is None
    assert follow(told("DL0 RS1 DP2")).exception is None


@pytest.mark.parametrize(("story", "moved"), [("", False), ("X11", False), ("PU0", True)])
def test_a_label_alone_is_never_on_its_way(story: str, moved: bool) -> None:
    assert follow(told(story)).moved is moved


def arrivals(story: str) -> Iterable[list[ShipmentStatus]]:
    """Yield what a parcel's status goes through, for every order in which the scans may arrive."""
    for order in permutations(told(story)):
        yield [follow(order[:known]).status for known in range(len(order) + 1)]


@pytest.mark.parametrize("first", WORDS)
def test_every_move_that_facts_can_cause_is_in_the_table(first: str) -> None:
    for second, third in product(WORDS, repeat=2):
        for passed in arrivals(f"{first}0 {second}1 {third}2"):
            for before, after in pairwise(passed):
                assert before is after or move(MOVES, before, after) is after


def parcel(story: str) -> ParcelState:
    return follow(told(story))


@pytest.mark.parametrize(
    ("stories", "status"),
    [
        (("PU0",), S.PICKED_UP),
        (("DL0", "PU0"), S.PICKED_UP),
        (("DL0", "DL1"), S.DELIVERED),
        (("DL0", "LO0"), S.LOST),
        (("DL0", "RS0 RT1"), S.RETURNED),
        (("LO0", "RT0"), S.LOST),
        (("LO0", "RS0"), S.RETURNING),
        (("DL0", ""), S.PICKED_UP),
        (("RS0", ""), S.PICKED_UP),
        (("", ""), S.BOOKED),
    ],
)
def test_a_shipment_is_where_its_slowest_parcel_is(
    stories: tuple[str, ...], status: ShipmentStatus
) -> None:
    for order in permutations(stories):
        assert combine([parcel(story) for story in order]).status is status


def test_a_shipment_has_left_when_any_parcel_has_and_shows_any_exception() -> None:
    state = combine([parcel(""), parcel("PU0 X11")])
    assert (state.status, state.moved, state.exception) == (S.PICKED_UP, True, "address_problem")


@some
@given(st.lists(st.tuples(st.integers(0, 2), codes, st.integers(0, 200)), max_size=9))
def test_whatever_is_scanned_of_whichever_parcel_the_shipment_may_move_there(
    history: list[tuple[int, str, int]],
) -> None:
    parcels: list[list[TrackingScan]] = [[], [], []]
    status = S.BOOKED
    for one, code, hours in history:
        parcels[one].append(scan(code, hours))
        state = combine([follow(scans) for scans in parcels])
        assert state.moved is (state.status is not S.BOOKED)
        corrects = status in ENDED or state.status in ENDED
        if state.status is not status and (RANKS[state.status] > RANKS[status] or corrects):
            status = move(MOVES, status, state.status)


def test_a_shipment_is_delivered_when_its_last_parcel_is() -> None:
    for stories in permutations(("DL0", "DL9", "DL4")):
        state = combine([parcel(story) for story in stories])
        assert (state.delivered_at, state.signed_by) == (MONDAY + timedelta(hours=9), "DL9")


def test_an_event_is_known_by_what_happened_where_and_when_not_by_who_told() -> None:
    first = scan("DL", 1, signed_by="A")
    assert first.hash("c", "1") == scan("DL", 1, signed_by="B").hash("c", "1")
    others = [scan("DL", 2), scan("PU", 1), first.model_copy(update={"place": "B"})]
    names = {one.hash("c", "1") for one in (first, *others)} | {first.hash("d", "1")}
    assert len(names | {first.hash("c", "2")}) == 6


def test_ranks_are_of_the_states_that_a_carrier_can_report() -> None:
    assert list(RANKS) == [*sorted(RANKS, key=RANKS.__getitem__)]
    assert set(RANKS) == set(S) - {S.PENDING, S.VOIDED, S.CANCELLED}
    assert set(RANKS) >= ENDED
    assert {S.PENDING, S.BOOKED} == UNSENT
