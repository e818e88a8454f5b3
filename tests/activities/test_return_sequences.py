"""Whatever happens to returns in whatever order, units are counted and money moves once.

Each life is random and named by its seed: ``STATESET_STORY=1234567`` tells one again.
"""

import random

from db.payments import STANDS
from domain.ids import OrderId
from tests.activities.bench import Bench
from tests.activities.returning import Life
from tests.seeds import seeds

SECONDS = 8
MOVES = 40


async def delivered(bench: Bench, units: int) -> OrderId:
    """Deliver an order of two lines, which no person has to approve the refund of."""
    items = [await bench.shop.item(AUS=units) for _ in range(2)]
    order = await bench.shop.place(*((item, units) for item in items))
    await bench.take("authorize_payment", order)
    for shipment in await bench.shipments(order):
        await bench.take("book_shipment", shipment)
        await bench.scan(shipment, "PU")
        await bench.take("hand_over_shipment", shipment)
        await bench.scan(shipment, "DL")
        await bench.take("settle_shipment", shipment)
    return order


async def live(bench: Bench, seed: int) -> None:
    """Live one life; what fails is raised with all that happened."""
    rng = random.Random(seed)
    order = await delivered(bench, rng.randint(1, 3))
    rows = await bench.shop.rows("SELECT id FROM order_lines WHERE order_id = :id", id=order)
    life = Life(bench, order, [row["id"] for row in rows], rng)
    try:
        for _ in range(rng.randint(5, MOVES)):
            await life.go_on()
        await life.end()
        assert await bench.broken() == []
        await assert_paid_for_what_was_accepted(bench, order)
    except Exception as error:
        raise AssertionError("\n".join([f"life {seed}", *life.told, repr(error)])) from error


async def assert_paid_for_what_was_accepted(bench: Bench, order: OrderId) -> None:
    """Each accepted unit of a settled return is in one refund, unless its money went otherwise."""
    [money] = await bench.shop.rows(
        f"""SELECT sum(e.amount) FILTER (WHERE e.kind = 'capture')::int AS captured,
            coalesce(sum(e.amount) FILTER (WHERE e.kind = 'refund'), 0)::int AS refunded
        FROM payment_entries e JOIN payments p ON p.id = e.payment_id
        WHERE p.order_id = :id AND {STANDS}""",
        id=order,
    )
    assert money["refunded"] <= money["captured"]
    unpaid = await bench.shop.rows(
        """SELECT r.id FROM returns r WHERE r.order_id = :id AND r.resolution = 'refund'
            AND NOT EXISTS (SELECT FROM refunds f WHERE f.return_id = r.id)""",
        id=order,
    )
    # Without a refund it was only that nothing was left of the money.
    assert not unpaid or money["refunded"] + _shipping(money) >= money["captured"]


def _shipping(money: dict[str, int]) -> int:
    """What of the captured money may stay for good: the postage."""
    return 500 if money["captured"] else 0


async def test_whatever_happens_to_returns_units_and_money_add_up(bench: Bench) -> None:
    for seed in seeds(SECONDS):
        await live(bench, seed)
