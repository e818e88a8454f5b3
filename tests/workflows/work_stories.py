"""Stories of work on goods: planned, supplied, done by technicians, and signed off."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from domain.ids import ItemId
from tests.patience import eventually
from tests.units import serials, stock_saws
from tests.workflows.asking import calling
from tests.workflows.stage import Stage

TOMORROW = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)


async def ask(
    stage: Stage, path: str, body: Any = None, role: str = "planner", *, status: int = 200
) -> Any:
    """Ask something about work orders; returns the answer."""
    async with calling(stage) as callers:
        answer = await callers.post(f"/work_orders{path}", body or {}, role=role)
    assert answer.status_code == status, answer.text
    return answer.json()


async def do(
    stage: Stage,
    work: Any,
    verb: str,
    body: Any = None,
    role: str = "operator",
    *,
    status: int = 200,
) -> Any:
    """Ask something of a work order; returns the answer."""
    return await ask(stage, f"/{work['id']}/{verb}", body, role, status=status)


async def see(stage: Stage, work: Any) -> Any:
    """Return a work order as it is now."""
    async with calling(stage) as callers:
        return (await callers.get(f"/work_orders/{work['id']}", role="planner")).json()


async def technician(stage: Stage, site: str = "AUS", **body: Any) -> str:
    """Add a technician; returns the code."""
    code = f"T-{uuid4().hex[:10]}"
    made = await ask(stage, "/technicians", {"code": code, "site": site, **body}, status=201)
    return str(made["code"])


async def plan(stage: Stage, *, status: int = 201, **body: Any) -> Any:
    """Plan work, on a new unit in stock unless told otherwise; returns it, or the refusal."""
    given = {"site": "AUS", "title": "Does not start", "operations": [{"name": "Mend"}], **body}
    if not {"serial", "item_id", "sku"} & given.keys():
        [given["serial"]] = serials(1)
        await stock_saws(stage.shop, given["serial"])
    made = await ask(stage, "", given, status=status)
    if status == 201:
        stage.shop.numbers[UUID(made["id"])] = made["number"]
    return made


async def staff(stage: Stage, work: Any, code: str | None = None, **body: Any) -> str:
    """Plan a technician for a work order, a new one for an hour tomorrow unless told otherwise."""
    code = code or await technician(stage, site=work["site"])
    until = TOMORROW + timedelta(hours=1)
    given = {"technician": code, "since": str(TOMORROW), "until": str(until), **body}
    await do(stage, work, "assign", given, "planner")
    return code


async def begun(stage: Stage, **body: Any) -> Any:
    """Plan, staff, release and start work; returns it."""
    work = await plan(stage, **body)
    await staff(stage, work)
    await do(stage, work, "release", role="planner")
    return await do(stage, work, "start")


async def report_all(stage: Stage, work: Any) -> Any:
    """Report every open operation of a work order as done."""
    for step in (await see(stage, work))["operations"]:
        if step["status"] == "open":
            work = await do(stage, work, f"operations/{step['id']}/report", {"status": "done"})
    return work


async def finish(stage: Stage, work: Any, **how: Any) -> Any:
    """Report, complete and sign off a work order; returns it."""
    await report_all(stage, work)
    await do(stage, work, "complete", how)
    return await do(stage, work, "sign_off", role="inspector")


async def work_is(stage: Stage, work: Any, status: str) -> Any:
    """Wait until a work order is in this state, and return it."""

    async def there() -> Any:
        seen = await see(stage, work)
        return seen if seen["status"] == status else None

    return await eventually(there)


async def becomes_ready(stage: Stage, work: Any) -> Any:
    """Wait until all parts of a work order are reserved, and return it."""

    async def there() -> Any:
        seen = await see(stage, work)
        return seen if seen["ready"] else None

    return await eventually(there)


async def mending(stage: Stage, back: Any) -> Any:
    """Wait for the work order on goods of a return, and return it."""

    async def there() -> Any:
        async with calling(stage) as callers:
            path = f"/work_orders?return_id={back['id']}"
            return (await callers.get(path, role="planner")).json()["items"]

    work = (await eventually(there))[0]
    stage.shop.numbers[UUID(work["id"])] = work["number"]
    return work


async def repairing(stage: Stage, made: Any) -> Any:
    """Wait for the work order on the goods of a claim, and return it."""
    work = await mending(stage, {"id": made["return_id"]})
    assert work["claim_id"] == made["id"]
    return work


async def give_up_mending(stage: Stage, back: Any) -> None:
    """Cancel the work order on goods of a return, so that people are asked about them."""
    await do(stage, await mending(stage, back), "cancel", {"reason": "too dear"}, "planner")


async def stock(stage: Stage, item: ItemId, site: str = "AUS") -> tuple[int, int]:
    """Return what is on hand and reserved of an item where a site sells from."""
    query = """SELECT coalesce(sum(b.on_hand), 0)::int AS on_hand,
            coalesce(sum(b.reserved), 0)::int AS reserved
        FROM balances b JOIN locations l ON l.id = b.location_id JOIN sites s ON s.id = l.site_id
        WHERE b.item_id = :item AND s.code = :site AND l.kind = 'stock'"""
    row: Mapping[str, Any] = (await stage.shop.rows(query, item=item, site=site))[0]
    return row["on_hand"], row["reserved"]
