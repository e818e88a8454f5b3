"""What staff should know of a customer, and what follows for its returns."""

from uuid import UUID

from tests.workflows.asking import calling
from tests.workflows.refund_stories import delivered
from tests.workflows.return_stories import ask_back, do
from tests.workflows.stage import Stage


async def test_support_looks_at_each_return_of_a_customer_with_a_warning(stage: Stage) -> None:
    """Returns R4: whatever it is worth; the customer is shown neither the flags nor the rule."""
    order, line = await delivered(stage)
    path = f"/customers/{stage.shop.customer_id}"
    own = {"customer_id": stage.shop.customer_id}
    async with calling(stage) as callers:
        flags = {"flags": ["vip", "serial_returner", "vip"]}
        changed = await callers.ask("PATCH", path, role="support", json=flags)
        assert changed.json()["flags"] == ["serial_returner", "vip"]
        unknown = await callers.ask("PATCH", path, role="support", json={"flags": ["odd"]})
        assert (unknown.status_code, unknown.json()["code"]) == (422, "malformed")
        refused = await callers.ask("PATCH", path, role="customer", json={"flags": []}, **own)
        assert refused.status_code == 403
        assert (await callers.get(path, role="customer", **own)).json()["flags"] is None
        found = await callers.get("/customers?flag=serial_returner", role="support")
        assert [each["id"] for each in found.json()["items"]] == [str(stage.shop.customer_id)]
    back = await ask_back(stage, order, line, 1, "wrong_size")
    assert (back["status"], back["decision"]["rule"]) == ("requested", "customer_flagged")
    assert back["decision"]["inputs"]["flags"] == ["serial_returner"]
    await stage.decide("return_review", UUID(back["id"]), "authorize")
    async with calling(stage) as callers:
        await callers.ask("PATCH", path, role="support", json={"flags": ["vip"]})
    await do(stage, back, "cancel", "support")
    again = await ask_back(stage, order, line, 1, "wrong_size")
    assert (again["status"], again["decision"]["rule"]) == ("authorized", "within_limit")
