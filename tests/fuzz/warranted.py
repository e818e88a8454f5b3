"""What there is of warranties to ask about, and sound bodies for more of that."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from tests.installation import Installation
from tests.storefront import dollars


async def promised(shop: Installation, sku: str, delivered: str) -> dict[str, list[object]]:
    """Register units that were bought elsewhere, and those of a delivered order, and claim both.

    Returns sound bodies by operation.
    """
    term = {"code": "FUZZ-1", "duration_months": 24, "covers": ["parts"]}
    lasting = {"code": "FUZZ-2", "duration_months": None, "covers": ["labor"]}
    [item] = (await shop.shop.get("/items", sku=sku)).body["items"]
    elsewhere = {
        "item_id": item["id"],
        "customer_id": shop.customer_id,
        "proof_of_purchase": "receipt 1187",
        "starts_on": "2031-01-31",
        "term": "FUZZ-1",
    }
    await shop.post("/warranties/terms", term)
    for _ in range(2):
        await shop.post("/warranties", elsewhere)
    claims = await _claimed(shop, elsewhere, delivered)
    return claims | {
        "POST /warranties/terms": [{**term, "auto_limit": dollars(9)}, lasting],
        "POST /warranties": [{"order_line_id": str(uuid4())}, elsewhere],
        "POST /warranties/requests": [
            {**{name: elsewhere[name] for name in elsewhere if name != "term"}, "quantity": n}
            for n in (1, 2)
        ],
        "POST /warranties/{warranty_id}/void": [{"reason": "altered"}],
        "POST /warranties/{warranty_id}/extend": [{"months": 2, "reason": "it waited"}],
    }


async def _claimed(
    shop: Installation, elsewhere: dict[str, Any], delivered: str
) -> dict[str, list[object]]:
    """Claim units under a warranty: some wait for evidence, some for support, one is approved."""
    shown = {"code": "FUZZ-3", "duration_months": 12, "covers": ["parts"], "settle_by": ["refund"]}
    shown |= {"evidence_for": ["screen"], "auto_limit": dollars(10_000_000)}
    await shop.post("/warranties/terms", shown)
    today = str(datetime.now(UTC).date())
    await shop.reaches(delivered, status="completed")
    [line] = (await shop.show(delivered))["lines"]
    of_order = {"order_line_id": line["id"], "term": "FUZZ-3"}
    many = elsewhere | {"term": "FUZZ-3", "starts_on": today, "quantity": 100_000}
    filed = []
    for asked, symptoms in ((of_order, ["motor"]), (many, ["screen", "screen", "motor", "motor"])):
        warranty = (await shop.post("/warranties", asked)).body
        for symptom in symptoms:
            claim = {"warranty_id": warranty["id"], "failed_on": today, "symptom": symptom}
            await shop.post("/warranties/claims", claim)
            filed.append(claim)
    path = "POST /warranties/claims/{claim_id}"
    return {
        "POST /warranties/claims": [filed[-1], filed[1], {**filed[-1], "quantity": 2}],
        f"{path}/evidence": [{"evidence": ["https://photos.example.com/1.jpg"]}],
        f"{path}/approve": [{"resolution": "refund"}, {"resolution": "refund", "note": "kind"}],
        f"{path}/deny": [{"reason": "it was dropped"}],
        f"{path}/appeal": [{"reason": "it was not"}],
        f"{path}/withdraw": [{"reason": "it works"}, {}],
    }
