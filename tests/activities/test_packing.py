"""Goods are packed by hand into parcels, for which their label is bought then."""

from typing import Any
from uuid import UUID, uuid4

from domain.documents import Document, Kind
from domain.holds import HoldPlacement, HoldReason
from domain.ids import new_id
from domain.shipments.outcomes import BookingOutcome
from tests.activities.bench import Bench
from tests.activities.promised import calling
from tests.api.callers import Callers
from tests.units import lines_of, pick, serials, stock_saws


async def to_pack(bench: Bench, units: int = 3) -> tuple[UUID, str, list[str]]:
    """Return a shipment of units with serials that are to be scanned yet, and its line."""
    named = serials(units)
    item = await stock_saws(bench.shop, *named)
    order = await bench.shop.place((item, units))
    await bench.take("authorize_payment", order)
    [shipment] = await bench.shipments(order)
    [line] = await lines_of(bench.shop, shipment)
    return shipment, str(line), named


def parcel(line: str, units: int, **rest: Any) -> dict[str, Any]:
    return {"lines": [{"line_id": line, "quantity": units}], **rest}


async def asked(callers: Callers, shipment: UUID, *parcels: Any, status: int = 200) -> Any:
    path, body = f"/shipments/{shipment}/pack", {"parcels": list(parcels)}
    answer = await callers.post(path, body, role="warehouse")
    assert answer.status_code == status, answer.text
    return answer.json()


async def test_a_label_is_bought_for_the_parcels_that_were_packed(bench: Bench) -> None:
    """R2: every parcel lists its contents; packed once more it is as was said last."""
    shipment, line, named = await to_pack(bench)
    async with calling(bench) as callers:
        assert (await callers.get(f"/shipments/{shipment}")).json()["packed"] is None
        await asked(callers, shipment, parcel(line, 3))
        two = (parcel(line, 2, weight_grams=900), parcel(line, 1))
        packed = await asked(callers, shipment, *two)
        again = await asked(callers, shipment, *two)
        assert (packed["packed"], packed["version"]) == (again["packed"], again["version"])
        assert [each["weight_grams"] for each in packed["packed"]] == [900, 1]
        await pick(bench.shop, shipment, *named)
        assert await bench.take("book_shipment", shipment) is BookingOutcome.BOOKED
        booked = (await callers.get(f"/shipments/{shipment}")).json()
        contents = sorted(each["contents"][0]["quantity"] for each in booked["parcels"])
        assert contents == [1, 2]
        bought = await bench.carrier.ask("GET", f"/bookings?reference={shipment}")
        assert [each["weight_grams"] for each in bought["data"][0]["parcels"]] == [900, 1]
        refused = await asked(callers, shipment, parcel(line, 3), status=409)
        assert (refused["code"], refused["current_status"]) == ("illegal_move", "booked")
    assert await bench.broken() == []


async def test_parcels_hold_just_the_units_of_their_shipment(bench: Bench) -> None:
    shipment, line, named = await to_pack(bench)
    async with calling(bench) as callers:
        for parcels in ([parcel(line, 2)], [parcel(line, 2), parcel(line, 2)]):
            short = await asked(callers, shipment, *parcels, status=422)
            units = sum(each["lines"][0]["quantity"] for each in parcels)
            assert f"{units} of 3 units" in short["detail"]
        heavy = parcel(line, 3, weight_grams=68_001)
        assert "too heavy" in (await asked(callers, shipment, heavy, status=422))["detail"]
        await asked(callers, shipment, parcel(str(uuid4()), 3), status=404)
        twice = {"lines": parcel(line, 1)["lines"] * 2}
        await asked(callers, shipment, twice, parcel(line, 1), status=422)
        for role in ("customer", "inspector", "finance", "planner", "support"):
            who = {"customer_id": bench.shop.customer_id} if role == "customer" else {}
            body = {"parcels": [parcel(line, 3)]}
            no = await callers.post(f"/shipments/{shipment}/pack", body, role=role, **who)
            assert no.status_code == 403, role
        await asked(callers, shipment, parcel(line, 3))
        assert (await asked(callers, shipment))["packed"] is None
        await asked(callers, shipment, parcel(line, 1), parcel(line, 2))
        await pick(bench.shop, shipment, *named)
        busy = await asked(callers, shipment, parcel(line, 3), status=409)
        assert "may be under way" in busy["detail"]


async def test_goods_without_serials_are_packed_while_their_order_is_held(bench: Bench) -> None:
    """Else the label is bought at once; what is in which box is not known then."""
    mug = await bench.shop.item(AUS=4)
    order = await bench.shop.place((mug, 4))
    placement = HoldPlacement(
        document=Document(Kind.ORDER, order),
        hold_id=new_id(),
        reason=HoldReason.MANUAL,
        note="",
        actor="support",
    )
    await bench.take("authorize_payment", order)
    [shipment] = await bench.shipments(order)
    [line] = await lines_of(bench.shop, shipment)
    async with calling(bench) as callers:
        busy = await asked(callers, shipment, parcel(str(line), 4), status=409)
        assert "may be under way" in busy["detail"]
        await bench.take("place_hold", placement)
        packed = await asked(callers, shipment, *(parcel(str(line), 2) for _ in range(2)))
        assert len(packed["packed"]) == 2
        [event] = [
            each
            for each in (await callers.get(f"/shipments/{shipment}/timeline")).json()["items"]
            if each["type"] == "shipment.packed.v1"
        ]
        assert event["data"]["parcels"] == 2
