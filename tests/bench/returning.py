"""What it takes to accept a return: beside the same statements by bare asyncpg."""

from uuid import UUID

from activities.returns.accepting import request_return
from domain.ids import LineId, OrderId, new_id
from domain.policy import Policy
from domain.returns.requests import RequestReturn, ReturnLine
from domain.returns.status import ReturnReason
from tests.bench.client import Ask, Outcome, load
from tests.bench.figures import Figure, Plan, interleaved
from tests.bench.floors import Recorder, Statement, replay
from tests.bench.world import World

ORDERS = 200
_MANY = 1_000_000
"""So many units has each line, so that there are always some to return."""

_DELIVER = f"""
UPDATE order_lines SET quantity = {_MANY}, shipped = {_MANY}, delivered = {_MANY},
    captured_amount = total_amount;
UPDATE orders SET status = 'completed', confirmed_at = now(), completed_at = now(),
    captured_shipping_amount = shipping_amount;
UPDATE reservations SET status = 'consumed', ended_at = now();
UPDATE balances SET reserved = 0;
INSERT INTO shipments (id, order_id, site_id, status, carrier, service, ship_from, ship_to,
    booked_at, handed_over_at, delivered_at, settled_at)
SELECT gen_random_uuid(), o.id, l.site_id, 'delivered', 'sandbox', 'ground', '{{}}', '{{}}', now(),
    now(), now(), now()
FROM orders o CROSS JOIN (SELECT site_id FROM locations WHERE kind = 'stock' LIMIT 1) l;
INSERT INTO shipment_lines (id, shipment_id, order_line_id, item_id, location_id, reservation_id,
    quantity, capture_amount)
SELECT gen_random_uuid(), s.id, l.id, l.item_id, r.location_id, r.id, {_MANY}, l.total_amount
FROM shipments s JOIN order_lines l ON l.order_id = s.order_id
JOIN reservations r ON r.line_id = l.id;
INSERT INTO payment_entries (id, payment_id, kind, phase, key, amount, shipment_id)
SELECT gen_random_uuid(), p.id, kinds.kind, phases.phase, kinds.kind || '/' || p.id, o.total_amount,
    CASE kinds.kind WHEN 'capture' THEN s.id END
FROM orders o JOIN payments p ON p.order_id = o.id JOIN shipments s ON s.order_id = o.id,
    (VALUES ('authorization'), ('capture')) AS kinds(kind),
    (VALUES ('requested'), ('succeeded')) AS phases(phase);
DELETE FROM outbox;
"""
"""Makes orders that were accepted delivered and paid, as their runs would."""


async def measure(world: World, plan: Plan) -> list[Figure]:
    """Measure acceptance with no worker running, so that nothing else uses the machine."""
    sent = await load(world.url, world.orders(1), token=world.token, connections=8, count=ORDERS)
    sent.only(201)
    async with world.connection() as db:
        await db.execute(_DELIVER)
        await db.execute("VACUUM (ANALYZE) orders, order_lines, shipments, shipment_lines")
        rows = await db.fetch("SELECT order_id, id FROM order_lines")
    lines = [(UUID(str(row["order_id"])), UUID(str(row["id"]))) for row in rows]
    asks = [Ask("POST", "/returns", _asked(*line).model_dump_json()) for line in lines]
    await load(world.url, asks, token=world.token, connections=8, count=50)
    recorded = await _record(world, lines)

    async def ours() -> Outcome:
        seconds = plan.seconds
        told = await load(world.url, asks, token=world.token, connections=8, seconds=seconds)
        return told.only(201)

    async def floor() -> Outcome:
        kept = {*map(str, (world.customer, world.shelf, *world.items))}
        kept |= {str(each) for line in lines for each in line}
        return await replay(
            world.database_url,
            recorded,
            world.folder,
            seconds=plan.seconds,
            connections=8,
            keep=[*kept, *await _places(world)],
        )

    results = await interleaved(plan.rounds, {"floor": floor, "ours": ours})
    rates = [run.rate for run in results["ours"]]
    figures = [
        Figure(
            "accept a return, c=8",
            "returns/s",
            rates,
            "same SQL, asyncpg c=8",
            [run.rate for run in results["floor"]],
        ),
        Figure("accept a return, c=8: p50", "ms", [run.p50 for run in results["ours"]]),
        Figure("accept a return, c=8: p99", "ms", [run.p99 for run in results["ours"]]),
        Figure("accept a return: statements", "/return", [len(recorded[0])]),
    ]
    await world.forget()
    return figures


def _asked(order: UUID, line: UUID) -> RequestReturn:
    wanted = ReturnLine(order_line_id=LineId(line), quantity=1, reason=ReturnReason.CHANGED_MIND)
    return RequestReturn(order_id=OrderId(order), lines=(wanted,))


async def _places(world: World) -> list[str]:
    async with world.connection() as db:
        found = await db.fetch("SELECT id FROM locations UNION ALL SELECT id FROM sites")
        payments = await db.fetch("SELECT id FROM payments")
    return [str(row["id"]) for row in (*found, *payments)]


async def _record(world: World, lines: list[tuple[UUID, UUID]]) -> list[list[Statement]]:
    """Accept returns one by one, keep each one's statements, and take all of it back."""
    recorder = Recorder(world.books.engine)
    units = []
    for line in lines:
        async with world.books.engine.connect() as db:
            await request_return(db, new_id(), _asked(*line), Policy(), actor="bench")
            await db.rollback()
        units.append(recorder.take())
    recorder.stop()
    return units
