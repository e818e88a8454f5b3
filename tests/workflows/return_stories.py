"""Stories of delivered orders whose goods come back."""

from typing import Any
from uuid import UUID

from tests.patience import eventually
from tests.workflows.asking import calling
from tests.workflows.stage import Stage

PHOTO = "https://photos.example.com/1.jpg"


async def ask_back(
    stage: Stage,
    order: UUID,
    line: Any,
    units: int = 1,
    reason: str | None = "changed_mind",
    *,
    role: str = "support",
    status: int = 201,
    **body: Any,
) -> Any:
    """Ask for units of one line to come back; returns the return, or the refusal."""
    wanted = {"order_line_id": line["id"], "quantity": units, "reason": reason}
    for field in ("comment", "evidence", "condition_declared"):
        if field in body:
            wanted[field] = body.pop(field)
    return await ask_all_back(stage, order, [wanted], role=role, status=status, **body)


async def ask_all_back(
    stage: Stage,
    order: UUID,
    lines: list[Any],
    *,
    role: str = "support",
    status: int = 201,
    **body: Any,
) -> Any:
    """Ask for lines to come back; returns the return, or the refusal."""
    async with calling(stage) as callers:
        given = {"order_id": str(order), "lines": lines, **body}
        answer = await callers.post("/returns", given, role=role)
    assert answer.status_code == status, answer.text
    back = answer.json()
    if status == 201:
        stage.shop.numbers[UUID(back["id"])] = back["number"]
    return back


async def do(
    stage: Stage, back: Any, verb: str, role: str, body: Any = None, *, status: int = 200
) -> Any:
    """Ask something of a return; returns the answer."""
    async with calling(stage) as callers:
        answer = await callers.post(f"/returns/{back['id']}/{verb}", body or {}, role=role)
    assert answer.status_code == status, answer.text
    return answer.json()


async def receive(stage: Stage, back: Any, *units: int, status: int = 200, **body: Any) -> Any:
    """Book that units of each line have come, in the order of the lines."""
    lines = [
        {"return_line_id": line["id"], "quantity": count}
        for line, count in zip(back["lines"], units, strict=False)
        if count
    ]
    given = {"lines": lines, **body}
    return await do(stage, back, "receive", "warehouse", given, status=status)


def found(
    back: Any, units: int = 1, disposition: str = "restock", line: int = 0, **how: Any
) -> dict[str, Any]:
    """Say what became of units of a line: accepted, unless told otherwise."""
    return {
        "return_line_id": back["lines"][line]["id"],
        "quantity": units,
        "disposition": disposition,
        "accepted": disposition != "return_to_customer",
        **how,
    }


async def inspect(stage: Stage, back: Any, *units: Any, status: int = 200, revise: Any = ()) -> Any:
    """Book what became of units."""
    given = {"lines": list(units), "revise": list(revise)}
    return await do(stage, back, "inspect", "inspector", given, status=status)


async def back_is(stage: Stage, back: Any, status: str, role: str = "support") -> Any:
    """Wait until a return is in this state, and return it."""

    async def there() -> Any:
        async with calling(stage) as callers:
            answer = await callers.get(f"/returns/{back['id']}", role=role)
        return answer.json() if answer.json()["status"] == status else None

    return await eventually(there)


async def comes_back(stage: Stage, order: UUID, line: Any, units: int, reason: str) -> Any:
    """Take units back, all of them accepted and for sale again; returns the closed return."""
    back = await ask_back(stage, order, line, units, reason)
    await receive(stage, back, units)
    await inspect(stage, back, found(back, units))
    return await back_is(stage, back, "closed")


async def stock_of(stage: Stage, item: UUID) -> dict[str, int]:
    """Return what is where of an item, by the kind of location, without what is nowhere."""
    rows = await stage.shop.rows(
        "SELECT l.kind, sum(b.on_hand)::int AS units FROM balances b"
        " JOIN locations l ON l.id = b.location_id WHERE b.item_id = :item"
        " GROUP BY 1 HAVING sum(b.on_hand) > 0",
        item=item,
    )
    return {row["kind"]: row["units"] for row in rows}


async def would_give(stage: Stage, order: UUID, *lines: tuple[Any, int, str]) -> Any:
    """Return the estimate for units of lines that come back for a reason."""
    wanted = [
        {"order_line_id": line["id"], "quantity": units, "reason": reason}
        for line, units, reason in lines
    ]
    async with calling(stage) as callers:
        body = {"order_id": str(order), "lines": wanted}
        answer = await callers.post("/returns/preview", body, role="support")
    assert answer.status_code == 200, answer.text
    return answer.json()
