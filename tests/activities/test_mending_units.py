"""Serial units that are to be mended are worked on one by one, each known by its serial."""

from uuid import uuid4

import pytest

from domain.errors import Malformed
from domain.ids import ReturnLineId
from domain.money import Money
from domain.returns.requests import Deduction, InspectedUnits
from domain.returns.rules import one_by_one
from domain.returns.status import Disposition
from tests.activities.bench import Bench
from tests.activities.serial_returns import answer, ask_back, inspect, place_of, receive
from tests.units import serials, sold_saws, unit

WORKS = """SELECT u.serial, w.quantity FROM work_orders w LEFT JOIN units u ON u.id = w.unit_id
    WHERE w.return_id = :id ORDER BY u.serial"""


async def test_each_of_two_units_in_one_disposition_gets_a_work_order_with_its_serial(
    bench: Bench,
) -> None:
    one, other = sorted(serials(2))
    order, _ = await sold_saws(bench, one, other)
    back, line = await ask_back(bench, order, 2, one, other)
    await receive(bench, back, line, one, other)
    await inspect(bench, back, line, Disposition.REFURBISH, one, other)
    for _ in range(2):
        await bench.take("settle_return", back)
    works = await bench.shop.rows(WORKS, id=back)
    assert [(row["serial"], row["quantity"]) for row in works] == [(one, 1), (other, 1)]
    for serial in (one, other):
        assert await place_of(bench, serial) == ("in_repair", "repair")
    await answer(bench, back, "refurbishment", "restock")
    assert (await unit(bench.shop, other))["status"] == "in_stock"


@pytest.mark.parametrize("end", [Disposition.REFURBISH, Disposition.RESTOCK])
@pytest.mark.parametrize(("units", "named"), [(2, 3), (3, 2), (1, 2), (2, 0)])
async def test_each_inspected_unit_is_named_also_where_it_is_mended_by_itself(
    bench: Bench, end: Disposition, units: int, named: int
) -> None:
    saws = serials(3)
    order, _ = await sold_saws(bench, *saws)
    back, line = await ask_back(bench, order, 3, *saws)
    await receive(bench, back, line, *saws)
    with pytest.raises(Malformed, match=f"name each of the {units} units") as refused:
        await inspect(bench, back, line, end, *saws[:named], units=units)
    assert [each["pointer"] for each in refused.value.extensions["errors"]] == ["/lines/0/serials"]
    query = "SELECT count(*) FROM return_dispositions WHERE return_line_id = :id"
    assert await bench.shop.one(query, id=line) == 0
    await inspect(bench, back, line, end, *saws)


@pytest.mark.parametrize(("cents", "parts"), [(101, [51, 50]), (1, [1, None])])
def test_what_is_deducted_of_units_is_shared_out_to_the_cent(
    cents: int, parts: list[int | None]
) -> None:
    units = InspectedUnits(
        return_line_id=ReturnLineId(uuid4()),
        quantity=2,
        disposition=Disposition.REFURBISH,
        accepted=True,
        serials=("A", "B"),
        deduction=Deduction(amount=Money(amount=cents, currency="USD"), reason="worn"),
    )
    found = list(one_by_one([units]))
    assert [(at, one.serials, one.quantity) for at, one in found] == [
        (0, ("A",), 1),
        (0, ("B",), 1),
    ]
    assert [one.deduction and one.deduction.amount.amount for _, one in found] == parts


def test_units_that_are_not_mended_stay_together() -> None:
    units = InspectedUnits(
        return_line_id=ReturnLineId(uuid4()),
        quantity=2,
        disposition=Disposition.RESTOCK,
        accepted=True,
        serials=("A", "B"),
    )
    assert list(one_by_one([units])) == [(0, units)]
