"""Whose turn it is when stock comes in: nothing twice, nobody passed over, all or nothing."""

from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from domain.demand import Demand, Free, serve
from domain.documents import Document, Kind
from tests.domain.examples import some

ITEMS = [UUID(int=number) for number in range(3)]
PLACES = [UUID(int=number) for number in range(10, 13)]


def demand(
    document: int, item: int, quantity: str, *, line: int = 0, all_or_none: bool = False
) -> Demand:
    place = Document(Kind.ORDER, UUID(int=document))
    return Demand(
        place, UUID(int=100 * document + line), ITEMS[item], Decimal(quantity), all_or_none
    )


@st.composite
def queues(draw: st.DrawFn) -> list[Demand]:
    queue = []
    for document in range(draw(st.integers(0, 6))):
        whole = draw(st.booleans())
        for line in range(draw(st.integers(1, 3))):
            quantity = draw(st.decimals("0.5", 6, places=1) if whole else st.integers(1, 6))
            item = draw(st.integers(0, 2))
            queue.append(demand(document, item, str(quantity), line=line, all_or_none=whole))
    return queue


stocks = st.dictionaries(
    st.tuples(st.sampled_from(ITEMS), st.sampled_from(PLACES)), st.decimals(0, 8, places=1)
).map(lambda found: [Free(item, place, quantity) for (item, place), quantity in found.items()])


def amount(units: Iterable[Decimal]) -> Decimal:
    return sum(units, Decimal())


@some
@given(queues(), stocks)
def test_no_more_is_given_than_is_there_or_lacking(queue: list[Demand], stock: list[Free]) -> None:
    served = serve(queue, stock)
    for free in stock:
        taken = amount(
            one.quantity
            for one in served
            if (one.demand.item_id, one.free.location_id) == (free.item_id, free.location_id)
        )
        assert taken <= free.quantity
    for each in queue:
        got = amount(one.quantity for one in served if one.demand is each)
        assert got <= each.quantity
        assert each.all_or_none or got == int(got)
    assert all(one.quantity > 0 for one in served)


@some
@given(queues(), stocks)
def test_a_document_that_takes_all_or_nothing_gets_all_or_nothing(
    queue: list[Demand], stock: list[Free]
) -> None:
    served = serve(queue, stock)
    for document in {each.document for each in queue if each.all_or_none}:
        lacking = amount(each.quantity for each in queue if each.document == document)
        got = amount(one.quantity for one in served if one.demand.document == document)
        assert got in (0, lacking)


@some
@given(queues(), stocks)
def test_who_comes_first_gets_the_same_whoever_is_behind(
    queue: list[Demand], stock: list[Free]
) -> None:
    served = serve(queue, stock)
    for ahead in range(len(queue)):
        # A document that takes all or nothing is not divided.
        if queue[ahead].all_or_none and queue[ahead - 1].document == queue[ahead].document:
            continue
        first = set(map(id, queue[:ahead]))
        assert serve(queue[:ahead], stock) == [one for one in served if id(one.demand) in first]


@some
@given(queues(), stocks)
def test_nobody_is_served_by_what_one_ahead_still_lacks(
    queue: list[Demand], stock: list[Free]
) -> None:
    """What is left of an item lacks to nobody who takes what there is, and is withheld no more."""
    served = serve(queue, stock)
    left: defaultdict[UUID, Decimal] = defaultdict(Decimal)
    for free in stock:
        left[free.item_id] += free.quantity
    for one in served:
        left[one.demand.item_id] -= one.quantity
    for nth, each in enumerate(queue):
        got = amount(one.quantity for one in served if one.demand is each)
        withheld = amount(
            other.quantity
            for other in queue[:nth]
            if other.all_or_none
            and other.item_id == each.item_id
            and not any(one.demand.document == other.document for one in served)
        )
        if not each.all_or_none and got < each.quantity:
            # Less than a whole unit at each of the places.
            assert left[each.item_id] < withheld + len(PLACES)


def test_an_order_takes_what_there_is_and_the_next_one_the_rest() -> None:
    first, second = demand(1, 0, "3"), demand(2, 0, "3")
    stock = [Free(ITEMS[0], PLACES[0], Decimal(2)), Free(ITEMS[0], PLACES[1], Decimal(2))]
    given_units = [(one.demand, int(one.quantity)) for one in serve([first, second], stock)]
    assert given_units == [(first, 2), (first, 1), (second, 1)]


def test_what_lacks_something_withholds_the_rest_of_what_it_lacks() -> None:
    repair = [
        demand(1, item, quantity, line=item, all_or_none=True)
        for item, quantity in enumerate(("2", "1"))
    ]
    behind = demand(2, 0, "5")
    stock = [Free(ITEMS[0], PLACES[0], Decimal(3))]
    [one] = serve([*repair, behind], stock)
    assert (one.demand, one.quantity) == (behind, 1)
    stock.append(Free(ITEMS[1], PLACES[0], Decimal(1)))
    assert [int(one.quantity) for one in serve([*repair, behind], stock)] == [2, 1, 1]
