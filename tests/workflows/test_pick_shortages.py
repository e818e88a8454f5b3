"""A picker's shortage is carried through: fewer leave, the rest follows, and each is paid once."""

from tests.workflows.asking import calling
from tests.workflows.stage import Stage


async def test_a_labelled_shipment_leaves_with_what_was_found_and_the_rest_from_another_site(
    stage: Stage,
) -> None:
    mug = await stage.shop.item(AUS=3, RNO=2)
    order = await stage.shop.place((mug, 3))
    labelled = await stage.shipment(order, "booked")
    async with calling(stage) as callers:
        line = (await callers.get(f"/shipments/{labelled}")).json()["lines"][0]["id"]
        path, body = f"/shipments/{labelled}/pick", {"shortages": [{"line_id": line}]}
        assert (await callers.post(path, body, role="warehouse")).status_code == 422
        body["shortages"][0]["quantity"] = 1
        assert (await callers.post(path, body, role="support")).status_code == 403
        told = await callers.post(path, body, role="warehouse")
        assert (told.status_code, told.json()["id"]) == (200, str(labelled))
        for shipment in await stage.shipments(order, "booked", 2):
            await stage.travel(shipment, "delivered")
        assert await stage.result(stage.run(order)) == "completed"
        shown = (await callers.get(f"/shipments?order_id={order}")).json()["items"]
        sites = {str(site): code for code, site in stage.shop.sites.items()}
        units = {
            (one["status"], sites[one["site_id"]], sum(each["quantity"] for each in one["lines"]))
            for one in shown
        }
        events = (await callers.get(f"/shipments/{labelled}/timeline")).json()["items"]
    assert units == {("delivered", "AUS", 2), ("delivered", "RNO", 1), ("voided", "AUS", 3)}
    assert "shipment.shortage_reported.v1" in [one["type"] for one in events]
    line_row = await stage.shop.rows(
        "SELECT shipped, delivered, captured_amount = total_amount AS paid FROM order_lines"
        " WHERE order_id = :id",
        id=order,
    )
    assert line_row == [{"shipped": 3, "delivered": 3, "paid": True}]
    assert await stage.shop.stock(mug) == (1, 0)
