"""Counted goods that came back are their return's until that has put them somewhere for good."""

from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from activities.inventory.accepting import accept_adjustment
from db.inventory.movements import Movement
from db.inventory.places import place_id
from db.inventory.posting import post
from domain.access import EVERYTHING, Reach
from domain.adjustments import AdjustmentReason, AdjustStock
from domain.errors import IllegalMove
from domain.ids import ReturnId, new_id
from domain.inventory import LocationKind, MovementKind
from domain.returns.status import Disposition
from tests.activities.bench import Bench
from tests.activities.promised import delivered
from tests.activities.serial_returns import answer, ask_back, inspect, receive

D = Disposition


async def back(bench: Bench, end: Disposition | None = None) -> tuple[ReturnId, UUID]:
    """Take two of three units back, one of them inspected if it is said how that ends."""
    order, _ = await delivered(bench, None, AUS=3)
    returned, line = await ask_back(bench, order, 2)
    await receive(bench, returned, line, units=2)
    if end:
        await inspect(bench, returned, line, end, units=1)
    return returned, line


async def places(bench: Bench, returned: ReturnId) -> list[dict[str, Any]]:
    """Return where the goods of a return are that are not for sale, most in one place first."""
    rows = await bench.shop.rows(
        """SELECT b.item_id, b.location_id, b.on_hand::int AS units FROM balances b
        JOIN locations l ON l.id = b.location_id AND l.kind <> 'stock'
        WHERE b.on_hand > 0 AND b.item_id IN (SELECT o.item_id FROM order_lines o
            JOIN return_lines x ON x.order_line_id = o.id WHERE x.return_id = :id)
        ORDER BY b.on_hand DESC""",
        id=returned,
    )
    return [dict(row) for row in rows]


async def count(bench: Bench, place: dict[str, Any], units: int, reach: Reach = EVERYTHING) -> None:
    """Count units in, or (negative) out, at a place."""
    asked = AdjustStock(
        item_id=place["item_id"],
        location_id=place["location_id"],
        quantity=Decimal(units),
        reason=AdjustmentReason.FOUND if units > 0 else AdjustmentReason.LOST,
    )
    async with bench.shop.books.begin() as db:
        await accept_adjustment(db, new_id(), asked, actor="tests", reach=reach)


@pytest.mark.parametrize(
    "end", [None, D.REFURBISH, D.RETURN_TO_SUPPLIER, D.RETURN_TO_CUSTOMER], ids=str
)
async def test_goods_that_their_return_has_not_done_with_are_not_counted_out(
    bench: Bench, end: Disposition | None
) -> None:
    """What is there besides is; and the return is named to those who may see it."""
    returned, _ = await back(bench, end)
    number = await bench.shop.one("SELECT number FROM returns WHERE id = :id", id=returned)
    for place in await places(bench, returned):
        units = place["units"]
        await count(bench, place, 1)
        with pytest.raises(IllegalMove, match=f"{units} of these came back with {number}") as no:
            await count(bench, place, -2)
        [told] = no.value.extensions["holders"]
        assert (told["document_id"], told["quantity"]) == (str(returned), str(units))
        with pytest.raises(
            IllegalMove, match=f"{units} of these came back with returns, which"
        ) as no:
            await count(bench, place, -2, Reach(source="another"))
        assert no.value.extensions["holders"] == []
        await count(bench, place, -1)
    assert sum(place["units"] for place in await places(bench, returned)) == 2


async def test_goods_that_their_return_has_done_with_are_counted_out(bench: Bench) -> None:
    """Restocked ones, and those that it has asked about and sent off."""
    returned, line = await back(bench, D.RESTOCK)
    [waits] = await places(bench, returned)
    assert waits["units"] == 1
    await inspect(bench, returned, line, D.RETURN_TO_SUPPLIER, units=1)
    await bench.take("settle_return", returned)
    [there] = await places(bench, returned)
    await count(bench, there, 1)
    await answer(bench, returned, "return_to_supplier", "sent")
    await count(bench, there, -1)
    assert await places(bench, returned) == []


async def test_goods_that_were_counted_out_before_do_not_leave_and_that_is_said_in_words(
    bench: Bench,
) -> None:
    """A release before this one let them be counted out: they are found again first."""
    returned, line = await back(bench, D.RETURN_TO_CUSTOMER)
    await inspect(bench, returned, line, D.RESTOCK, units=1)
    await bench.take("settle_return", returned)
    [there] = await places(bench, returned)
    out = Movement(
        id=new_id(),
        key=f"older/{returned}",
        kind=MovementKind.ADJUSTMENT,
        item_id=there["item_id"],
        quantity=Decimal(1),
        from_location_id=there["location_id"],
        to_location_id=place_id(LocationKind.LOSS),
        actor="tests",
        reason="lost",
    )
    async with bench.shop.books.begin() as db:
        await post(db, [out])
    with pytest.raises(IllegalMove, match="promised to orders by now, or gone"):
        await answer(bench, returned, "rejected_goods", "sent")
    await count(bench, there, 1)
    await answer(bench, returned, "rejected_goods", "sent")
    assert await places(bench, returned) == []
