"""What has a serial number and fails under warranty: claimed, and repaired or replaced."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from runtime.sample.act import Act, People, expected
from runtime.sample.company import CELL
from runtime.sample.stories import Turn


async def fail_under_warranty(act: Act, people: People) -> None:
    """Deliver a lantern, let it fail, and settle the claim of its customer."""
    repaired = act.story.turn is Turn.REPAIRED
    serial = act.story.serials[0]
    await _pick(act, people, act.order["id"], serial)
    await people.delivered(act)
    asked = {
        "serial": serial,
        "failed_on": str(datetime.now(UTC).date()),
        "symptom": "does not charge" if repaired else "cracked glass",
    }
    claim = expected(await people.staff.post("/warranties/claims", asked, act.key("claim")), 201)
    path = f"/warranties/claims/{claim['id']}"
    act.note = f"{claim['number']} is {claim['status']} by the warranty's terms"
    back = await _come_in(act, people, claim, serial)
    work = await people.first("/work_orders", return_id=back["id"])
    if repaired:
        await _repair(act, people, work)
    else:
        await _give_up(act, people, work, back)
        await _replace(act, people, path)
    claim = await people.until_status(path, "settled")
    await people.until_status(f"/returns/{back['id']}", "closed")
    how = "repaired, and back with its customer" if repaired else "replaced by another one"
    act.note = f"{claim['number']} is settled: {serial} was {how}"


async def _pick(act: Act, people: People, order: str, serial: str) -> None:
    """Scan a unit for the shipment of an order, which waits for that."""
    shipment = await people.first("/shipments", order_id=order, status="pending")
    lines = {"lines": [{"line_id": shipment["lines"][0]["id"], "serials": [serial]}]}
    path = f"/shipments/{shipment['id']}/pick"
    expected(await people.staff.post(path, lines, act.key(f"pick/{serial}")), 200)


async def _come_in(
    act: Act, people: People, claim: Mapping[str, Any], serial: str
) -> Mapping[str, Any]:
    """Receive what failed; it goes to the workshop, and stays its customer's."""
    path = f"/returns/{claim['return_id']}"
    back = await people.show(path)
    unit = {"return_line_id": back["lines"][0]["id"], "quantity": 1, "serials": [serial]}
    seen = {**unit, "disposition": "repair", "accepted": False}
    for verb, line in (("receive", unit), ("inspect", seen)):
        answer = await people.staff.post(f"{path}/{verb}", {"lines": [line]}, act.key(verb))
        expected(answer, 200)
    return back


async def _repair(act: Act, people: People, work: Mapping[str, Any]) -> None:
    """Plan, supply and do the work; another person signs it off."""
    act.note = f"{work['number']}: to be repaired with a new cell"

    async def do(verb: str, body: Mapping[str, Any], status: int = 200) -> Mapping[str, Any]:
        path = f"/work_orders/{work['id']}/{verb}"
        return expected(await people.staff.post(path, body, act.key(verb)), status)

    technician = act.story.technician
    hired = {"code": technician, "site": work["site"]}
    path = "/work_orders/technicians"
    expected(await people.staff.post(path, hired, act.key("technician")), 201)
    now = datetime.now(UTC)
    planned = {"since": str(now), "until": str(now + timedelta(hours=1))}
    work = await do("parts", {"sku": CELL, "quantity": 1})
    await do("assign", {"technician": technician, **planned})
    await do("release", {})
    work = await do("start", {})
    await do("parts/issue", {"parts": [{"part_id": work["parts"][0]["id"], "quantity": 1}]})
    worked = {"since": str(now - timedelta(minutes=45)), "until": str(now)}
    await do("time", {"technician": technician, **worked}, 201)
    for step in work["operations"]:
        await do(f"operations/{step['id']}/report", {"status": "done"})
    await do("complete", {"remedy": "new cell", "cause": "the cell was worn out"})
    path = f"/work_orders/{work['id']}/sign_off"
    expected(await people.inspector.post(path, {}, act.key("sign_off")), 200)
    act.note = f"{work['number']} is signed off"


async def _give_up(
    act: Act, people: People, work: Mapping[str, Any], back: Mapping[str, Any]
) -> None:
    """Find that it cannot be mended, and answer the question that this opens."""
    path = f"/work_orders/{work['id']}/cancel"
    body = {"reason": "cracked through: another one costs less"}
    expected(await people.staff.post(path, body, act.key("give_up")), 200)
    wanted = {"document_id": back["id"], "kind": "repair_failed", "status": "open"}
    task = await people.first("/tasks", **wanted)
    act.note = f"{task['number']}: {task['question']}"
    path = f"/tasks/{task['id']}/decide"
    expected(await people.staff.post(path, {"choice": "replace"}, act.key("decide")), 200)


async def _replace(act: Act, people: People, path: str) -> None:
    """Send another unit of the kind."""

    async def ordered() -> Mapping[str, Any] | None:
        orders = (await people.show(path))["replaced_by"]
        return orders[0] if orders else None

    order = await people.until(ordered, f"{act.story.reference}: nothing is sent instead")
    act.note = f"{order['number']} brings another one"
    await _pick(act, people, order["id"], act.story.serials[-1])
