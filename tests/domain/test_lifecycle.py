"""State tables: only listed moves pass, every state can be reached, and ends have no way on."""

from enum import StrEnum
from typing import Any

import pytest

from domain.errors import IllegalMove
from domain.lifecycle import Moves, ends, move
from domain.orders.status import MOVES as ORDERS
from domain.orders.status import RUNNING, OrderStatus
from domain.shipments.status import ENDED, ShipmentStatus
from domain.shipments.status import MOVES as SHIPMENTS

TABLES: dict[type[StrEnum], Moves[Any]] = {OrderStatus: ORDERS, ShipmentStatus: SHIPMENTS}
tables = pytest.mark.parametrize(("states", "moves"), TABLES.items())

# The rows of the prose tables, as far as they are built: from, to.
LISTED: dict[type[StrEnum], str] = {
    OrderStatus: """
        pending: confirmed cancelled
        confirmed: completed cancelled
        completed: closed
        closed:
        cancelled:""",
    ShipmentStatus: """
        pending: booked cancelled
        booked: picked_up in_transit out_for_delivery returning returned lost delivered voided
        picked_up: in_transit out_for_delivery returning returned lost delivered
        in_transit: out_for_delivery returning returned lost delivered
        out_for_delivery: returning returned lost delivered
        returning: returned lost delivered
        lost: returned delivered
        returned: delivered
        delivered: returned
        voided:
        cancelled:""",
}


@tables
def test_exactly_the_listed_moves_pass(states: type[StrEnum], moves: Moves[Any]) -> None:
    listed = dict(line.strip().partition(":")[::2] for line in LISTED[states].split("\n") if line)
    assert listed.keys() == set(states)
    for current in states:
        for target in states:
            if target in listed[current].split():
                assert move(moves, current, target) is target
            else:
                with pytest.raises(IllegalMove):
                    move(moves, current, target)


@tables
def test_every_state_has_a_row_and_is_reached_from_the_first(
    states: type[StrEnum], moves: Moves[Any]
) -> None:
    first = next(iter(states))
    reached, fresh = set(), {first}
    while fresh:
        reached |= fresh
        fresh = {after for state in fresh for after in moves[state]} - reached
    assert reached == set(states) == set(moves)


@tables
def test_ends_are_the_states_that_nothing_follows(states: type[StrEnum], moves: Moves[Any]) -> None:
    assert all(not moves[state] for state in ends(moves))
    assert all(moves[state] for state in set(states) - ends(moves))
    assert ends(moves)


@tables
def test_no_state_follows_itself(states: type[StrEnum], moves: Moves[Any]) -> None:
    assert all(state not in moves[state] for state in states)


def test_a_refused_move_says_where_the_document_is_and_what_is_allowed() -> None:
    with pytest.raises(IllegalMove) as refused:
        move(ORDERS, OrderStatus.CONFIRMED, OrderStatus.CLOSED)
    assert refused.value.detail == "confirmed cannot become closed"
    assert refused.value.extensions == {
        "current_status": "confirmed",
        "allowed": ["cancelled", "completed"],
    }


def test_an_order_runs_until_it_is_completed_or_cancelled() -> None:
    assert {OrderStatus.PENDING, OrderStatus.CONFIRMED} == RUNNING
    assert ends(ORDERS) == {OrderStatus.CLOSED, OrderStatus.CANCELLED}


def test_a_journey_that_ended_is_only_corrected_by_another_end() -> None:
    for state in ENDED:
        assert SHIPMENTS[state] <= ENDED
    assert ends(SHIPMENTS) == {ShipmentStatus.VOIDED, ShipmentStatus.CANCELLED}
