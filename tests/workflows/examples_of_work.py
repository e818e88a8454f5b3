"""Work orders as the examples at /docs take them to be."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from tests.api.callers import Callers

SERIALS = {"sku": "STOVE-W", "name": "Stove", "tracking": "serial"}
CHECKS = [{"name": "kilograms", "kind": "number", "min": 40}, {"name": "no thread is loose"}]


class Works:
    """Makes work orders for examples, by what the address goes on with."""

    def __init__(self, callers: Callers) -> None:
        self._callers = callers

    async def planned(self, **body: Any) -> Any:
        """Return work on backpacks that uses up poles."""
        given = {
            "site": "CMH",
            "sku": "PACK-55",
            "title": "Straps are torn",
            "operations": [{"name": "Pull", "checks": CHECKS}],
            "parts": [{"sku": "POLES", "quantity": 2}],
            **body,
        }
        if "serial" in given:
            del given["sku"]
        return await self.ask("", given, 201)

    async def begun(self, *, released_only: bool = False, **body: Any) -> Any:
        """Return work that is staffed, released and, unless told otherwise, started."""
        work = await self.planned(**body)
        code, since = f"T-{uuid4().hex[:6]}", datetime.now(UTC) + timedelta(days=1)
        await self.ask("/technicians", {"code": code, "site": "CMH"}, 201)
        time = {"since": str(since), "until": str(since + timedelta(hours=1))}
        await self.ask(f"/{work['id']}/assign", {"technician": code, **time})
        for verb in ("release",) if released_only else ("release", "start"):
            work = await self.ask(f"/{work['id']}/{verb}", {})
        return work

    async def done(self) -> Any:
        """Return work without parts of which every operation is done, by an operator."""
        work = await self.begun(parts=[], operations=[{"name": "Wash"}])
        step = f"/{work['id']}/operations/{work['operations'][0]['id']}/report"
        return await self.ask(step, {"status": "done"}, role="operator")

    async def completed(self) -> Any:
        """Return work that waits for its sign-off."""
        work = await self.done()
        return await self.ask(f"/{work['id']}/complete", {}, role="operator")

    async def issued(self) -> Any:
        """Return work for which a part was taken from stock."""
        work = await self.begun()
        moved = {"part_id": work["parts"][0]["id"], "quantity": 1}
        return await self.ask(f"/{work['id']}/parts/issue", {"parts": [moved]})

    async def timed(self) -> Any:
        """Return work on which the one who asks is timed."""
        work, code = await self.begun(), f"T-{uuid4().hex[:6]}"
        mine = {"code": code, "site": "CMH", "subject": "key:admin"}
        await self.ask("/technicians", mine, 201)
        return await self.ask(f"/{work['id']}/time/start", {"technician": code})

    async def on_a_unit(self) -> Any:
        """Return work on a stove that is known by its serial."""
        await self.stove("ST-110")
        return await self.begun(serial="ST-110", parts=[])

    async def stove(self, serial: str) -> None:
        """Count a stove in."""
        price = {"amount": 8900, "currency": "USD"}
        await self._callers.post("/items", {**SERIALS, "prices": [price]})
        found = {"sku": "STOVE-W", "site": "CMH", "quantity": 1, "reason": "found"}
        made = await self._callers.post("/inventory/adjustments", {**found, "serials": [serial]})
        assert made.status_code == 201, made.text

    async def in_quarantine(self, serial: str) -> None:
        """Have a stove lie in quarantine."""
        await self.stove(serial)
        work = await self.begun(serial=serial, parts=[])
        given_up = {"reason": "No spare parts.", "unit_to": "quarantine"}
        await self.ask(f"/{work['id']}/cancel", given_up)

    async def ask(self, path: str, body: Any, status: int = 200, *, role: str = "admin") -> Any:
        """Ask something about work orders; return the answer."""
        answer = await self._callers.post(f"/work_orders{path}", body, role=role)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def address(self, path: str) -> str:
        """Return the path with the ids of work that is as its example takes it to be."""
        if "{technician_id}" in path:
            made = {"code": f"T-{uuid4().hex[:6]}", "site": "CMH"}
            person = await self.ask("/technicians", made, 201)
            return path.replace("{technician_id}", person["id"])
        ways = {
            "/start": lambda: self.begun(released_only=True),
            "/complete": self.done,
            "/reject": self.completed,
            "/sign_off": self.completed,
            "/report": self.begun,
            "/parts/issue": self.begun,
            "/parts/return": self.issued,
            "/swap": self.on_a_unit,
            "/time/start": self.begun,
            "/time/stop": self.timed,
            "/time": self.begun,
        }
        # Of a path that ends in two of them the longer end says more.
        ends = sorted((end for end in ways if path.endswith(end)), key=len)
        work = await (ways[ends[-1]] if ends and "/holds/" not in path else self.planned)()
        path = path.replace("{work_order_id}", work["id"])
        if "{hold_id}" in path:
            work = await self.begun(released_only=True)
            held = await self.ask(f"/{work['id']}/holds", {"reason": "manual"}, 201)
            return f"/work_orders/{work['id']}/holds/{held['holds'][0]['id']}/release"
        if path.endswith("/holds"):
            work = await self.begun(released_only=True)
            return f"/work_orders/{work['id']}/holds"
        for kind in ("operation", "part"):
            if f"{{{kind}_id}}" in path:
                path = path.replace(f"{{{kind}_id}}", work[f"{kind}s"][0]["id"])
        return path

    async def fill(self, body: Any, path: str) -> None:
        """Put the ids of parts into an example, and have the units be there that it names."""
        if path == "/inventory/units/inspect":
            await self.in_quarantine(body["serial"])
        for moved in body.get("parts", ()):
            if "part_id" in moved:
                work = (await self._callers.get("/".join(path.split("/")[:3]))).json()
                moved["part_id"] = work["parts"][0]["id"]
