"""An order of serial units waits for their scan, and for nothing else."""

from tests.patience import eventually
from tests.units import history, pick, serials, stock_saws, unit
from tests.workflows.asking import calling
from tests.workflows.stage import Stage


async def test_an_order_is_booked_by_the_scan_of_its_last_unit_and_its_customer_holds_it(
    stage: Stage,
) -> None:
    """R4: what needs no scan is booked by itself meanwhile, and `/process` says what waits."""
    [serial] = serials(1)
    saw, mug = await stock_saws(stage.shop, serial), await stage.shop.item(RNO=1)
    order = await stage.shop.place((saw, 1), (mug, 1))
    booked, waiting = await stage.shipment(order, "booked"), await stage.shipment(order, "pending")
    async with calling(stage) as callers:
        line = (await callers.get(f"/shipments/{waiting}")).json()["lines"][0]
        assert (line["tracking"], line["serials"]) == ("serial", [])
        number = stage.shop.numbers[waiting]
        told = f"{number} waits to be picked: 1 units to scan"
        for path in (f"/orders/{order}/process", f"/shipments/{waiting}/process"):
            waits = (await callers.get(path)).json()["waiting_for"]
            assert ("the warehouse", told) in [(one["who"], one["what"]) for one in waits]
        path, body = f"/shipments/{waiting}/pick", {"lines": [{"line_id": line["id"]}]}
        body["lines"][0]["serials"] = [serial]
        assert (await callers.post(path, body, role="support")).status_code == 403
        picked = await callers.post(path, body, role="warehouse")
        assert (picked.status_code, picked.json()["lines"][0]["serials"]) == (200, [serial])
        assert await stage.shipments(order, "booked", 2)
        for shipment in (booked, waiting):
            await stage.travel(shipment, "delivered")
        assert await stage.result(stage.run(order)) == "completed"
        shown = (await callers.get(f"/inventory/units/{serial}")).json()
    assert (shown["status"], shown["order_id"]) == ("sold", str(order))
    assert shown["holder_customer_id"] == str(stage.shop.customer_id)
    assert shown["history"][0]["link"] == f"/shipments/{waiting}"
    assert await stage.shop.stock(saw) == (0, 0)


async def test_a_cancelled_order_does_not_wait_for_its_scan(stage: Stage) -> None:
    one, other = serials(2)
    saw = await stock_saws(stage.shop, one, other)
    order = await stage.shop.place((saw, 2))
    shipment = await stage.shipment(order, "pending")
    await pick(stage.shop, shipment, one)
    await stage.cancel(order)
    assert await stage.result(stage.run(order)) == "cancelled"

    async def is_back() -> bool:
        return (await unit(stage.shop, one))["shipment_line_id"] is None

    await eventually(is_back)
    assert await history(stage.shop, one) == ["entered", "picked", "put_back"]
    assert await stage.shop.stock(saw) == (2, 0)
