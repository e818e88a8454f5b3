"""Books that are restored to a moment before a label was bought: no label is sold twice."""

from uuid import UUID

from sqlalchemy import text

from domain.ids import OrderId, ShipmentId, following_id, new_id
from tests.activities.bench import Bench

_ITS = "(SELECT id FROM shipments WHERE order_id = :id)"
FORGET = (
    f"DELETE FROM parcels WHERE shipment_id IN {_ITS}",
    f"DELETE FROM shipment_lines WHERE shipment_id IN {_ITS}",
    f"DELETE FROM events WHERE subject_id IN {_ITS}",
    "DELETE FROM shipments WHERE order_id = :id",
    "DELETE FROM events WHERE subject_id = :id AND type = 'order.confirmed.v1'",
    "UPDATE orders SET status = 'pending', confirmed_at = NULL WHERE id = :id",
)


async def restored(bench: Bench, order: OrderId) -> None:
    """Let the books be as they were before the order was confirmed, as a backup has them."""
    async with bench.shop.books.begin() as db:
        # A restore takes back what no transaction may: ledgers and the feed included.
        await db.execute(text("SET LOCAL session_replication_role = replica"))
        for statement in FORGET:
            await db.execute(text(statement), {"id": order})


async def sold(bench: Bench, shipments: list[ShipmentId]) -> list[str]:
    """Return the bookings that the carrier has for the shipments."""
    return [
        booking["id"]
        for shipment in shipments
        for booking in (await bench.carrier.ask("GET", f"/bookings?reference={shipment}"))["data"]
    ]


async def test_an_order_planned_again_after_a_restore_buys_no_second_label(bench: Bench) -> None:
    """B6: the shipments' ids are derived, so the carrier is asked for the same labels."""
    order, shipments = await bench.booked(AUS=1, RNO=1)
    before = await sold(bench, shipments)
    assert len(before) == 2
    await restored(bench, order)
    await bench.take("authorize_payment", order)
    assert await bench.shipments(order) == shipments
    for shipment in shipments:
        await bench.take("book_shipment", shipment)
    assert await sold(bench, shipments) == before


def test_an_id_that_follows_sorts_by_its_parent_and_its_number() -> None:
    parents: list[UUID] = [new_id()]
    while len({parent.int >> 80 for parent in parents}) < 3:
        parents.append(new_id())
    first, last = parents[0], parents[-1]
    one, two = following_id(first, "b", 1), following_id(first, "a", 2)
    later = following_id(last, "a", 0)
    assert sorted([later, two, one]) == [one, two, later]
    assert following_id(first, "b", 1) == one != following_id(first, "c", 1)
    assert {each.version for each in (one, two, later)} == {7}
