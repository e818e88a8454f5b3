"""What there is of work orders to ask about, and sound bodies for more of that."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from tests.installation import Installation

OPEN = 6
"""So many work orders are worked on, and as many are planned."""


async def worked_on(
    shop: Installation, sku: str
) -> tuple[dict[str, list[object]], dict[str, list[str]]]:
    """Plan, release and start work; return sound bodies by operation, and ids by their names."""
    staffed = {"code": "FUZZ", "site": "AUS", "skills": [{"skill": "sewing"}]}
    await shop.post("/work_orders/technicians", staffed)
    planned = {
        "site": "AUS",
        "sku": sku,
        "title": "Torn",
        "operations": [{"name": "Sew", "checks": [{"name": "whole"}]}],
        "parts": [{"sku": sku, "quantity": "2"}],
    }
    since = datetime.now(UTC) + timedelta(days=1)
    parts: list[dict[str, Any]] = []
    steps: list[str] = []
    for hour in range(OPEN):
        await shop.post("/work_orders", planned)
        work = (await shop.post("/work_orders", planned)).body
        path, begins = f"/work_orders/{work['id']}", since + timedelta(hours=hour)
        ends = begins + timedelta(hours=1)
        times = {"since": begins.isoformat(), "until": ends.isoformat()}
        await shop.post(f"{path}/assign", {"technician": "FUZZ", **times})
        await shop.post(f"{path}/release", {})
        await shop.post(f"{path}/start", {})
        parts.append({"part_id": work["parts"][0]["id"], "quantity": 1})
        steps.append(work["operations"][0]["id"])
    named = {"{operation_id}": steps, "{part_id}": [str(part["part_id"]) for part in parts]}
    return _bodies(planned, parts), named


def _bodies(planned: dict[str, Any], parts: list[dict[str, Any]]) -> dict[str, list[object]]:
    path = "POST /work_orders/{work_order_id}"
    later = {"since": "2031-03-04T09:00:00Z", "until": "2031-03-04T10:00:00Z"}
    past = {"since": "2025-11-03T09:00:00Z", "until": "2025-11-03T10:00:00Z"}
    inspected = {"serial": "SN-1", "reason": "fine"}
    return {
        "POST /work_orders": [planned, {"site": "AUS", "serial": "SN-1", "title": "Loud"}],
        "PATCH /work_orders/{work_order_id}": [{"priority": 1}, {"due_on": "2031-03-14"}],
        "POST /work_orders/technicians": [{"code": "FUZZ-2", "site": "AUS"}],
        "PATCH /work_orders/technicians/{technician_id}": [{"capacity_minutes": 240}],
        "POST /inventory/units/inspect": [inspected, {**inspected, "to": "scrap"}],
        f"{path}/start": [{"override_reason": "the customer waits"}],
        f"{path}/complete": [{"remedy": "new seam"}, {"outcome": "unrepairable"}],
        f"{path}/reject": [{"reason": "loose"}],
        f"{path}/cancel": [{"reason": "not wanted"}],
        f"{path}/holds": [{"reason": "quality"}],
        f"{path}/operations": [{"name": "Wash", "planned_minutes": 5}],
        f"{path}/operations/{{operation_id}}/report": [{"status": "done"}],
        f"{path}/parts": [planned["parts"][0]],
        f"{path}/parts/issue": [{"parts": [part]} for part in parts],
        f"{path}/parts/return": [{"parts": [part]} for part in parts],
        f"{path}/parts/{{part_id}}/cancel": [{"reason": "one will do"}],
        f"{path}/swap": [{"install": {"serial": "SN-1", "position": "left"}}],
        f"{path}/assign": [{"technician": "FUZZ", **later}],
        f"{path}/time": [{"technician": "FUZZ", **past, "note": str(uuid4())}],
        f"{path}/time/start": [{"technician": "FUZZ"}],
        f"{path}/time/stop": [{"technician": "FUZZ"}],
    }
