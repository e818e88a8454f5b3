"""Claims carried to their end by hand: the books are sound, and who waits is told in time."""

from uuid import UUID

import pytest

from activities.claims.deciding import add_evidence, appeal_claim
from domain.claims.requests import AddEvidence, AppealClaim
from domain.errors import IllegalMove
from domain.ids import ClaimId
from domain.policy import Policy
from domain.returns.status import Disposition
from domain.warranties.terms import Settlement
from tests.activities.bench import Bench
from tests.activities.claimed import (
    REPLACES,
    approve,
    comes_in,
    file,
    refunded,
    return_of,
    under_warranty,
    unshown,
)
from tests.activities.promised import settle, told
from tests.activities.serial_returns import answer
from tests.aging import DAYS, age, sweep


async def status(bench: Bench, claim: ClaimId) -> tuple[str, str]:
    [row] = await bench.shop.rows("SELECT status, rule FROM claims WHERE id = :id", id=claim)
    return row["status"], row["rule"]


async def heard(bench: Bench, claim: ClaimId) -> list[str]:
    return [kind for kind, _, _ in await told(bench, claim)]


async def remaining(bench: Bench, claim: ClaimId) -> tuple[str, int]:
    query = """SELECT w.status, w.quantity - w.cancelled AS units FROM warranties w
        JOIN claims c ON c.warranty_id = w.id WHERE c.id = :id"""
    [row] = await bench.shop.rows(query, id=claim)
    return row["status"], row["units"]


async def test_a_claim_that_is_paid_back_leaves_nothing_under_warranty(bench: Bench) -> None:
    """R7 and R8: settled once the money has gone back."""
    claim = await refunded(bench)
    await bench.take("settle_claim", claim)
    assert await status(bench, claim) == ("settled", "person")
    assert await remaining(bench, claim) == ("cancelled", 0)
    assert await heard(bench, claim) == ["filed", "under_review", "approved", "settled"]
    assert await bench.broken() == []


async def test_goods_without_a_fault_go_back_and_stay_under_warranty(bench: Bench) -> None:
    """Warranties 2: the inspection denies the claim; the customer may have it looked at again."""
    claim = await file(bench, await under_warranty(bench))
    await approve(bench, claim, Settlement.REFUND)
    back = await comes_in(bench, claim, Disposition.RETURN_TO_CUSTOMER)
    await bench.take("settle_claim", claim)
    assert await status(bench, claim) == ("approved", "person")
    await answer(bench, back, "rejected_goods", "sent")
    await settle(bench, back)
    await bench.take("settle_claim", claim)
    assert await status(bench, claim) == ("denied", "no_fault_found")
    assert await remaining(bench, claim) == ("active", 1)
    assert await bench.broken() == []


async def test_what_was_promised_before_an_appeal_is_not_told_of_a_claim_settled_otherwise(
    bench: Bench,
) -> None:
    """The first look found no fault and promised nothing any more; then it was mended elsewhere."""
    claim = await file(bench, await under_warranty(bench))
    await approve(bench, claim, Settlement.REFUND)
    back = await comes_in(bench, claim, Disposition.RETURN_TO_CUSTOMER)
    await answer(bench, back, "rejected_goods", "sent")
    await settle(bench, back)
    await bench.take("settle_claim", claim)
    assert await status(bench, claim) == ("denied", "no_fault_found")
    async with bench.shop.books.begin() as db:
        await appeal_claim(db, claim, AppealClaim(reason="it fails still"), actor="customer")
    await answer(bench, claim, "claim_review", "settled_otherwise")
    query = "SELECT status, resolution FROM claims WHERE id = :id"
    [settled] = await bench.shop.rows(query, id=claim)
    assert settled == {"status": "settled", "resolution": None}
    assert await bench.broken() == []


async def test_a_claim_within_the_limit_opens_its_return_as_it_is_filed(bench: Bench) -> None:
    claim = await file(bench, await under_warranty(bench, **REPLACES))
    assert await status(bench, claim) == ("approved", "within_limit")
    query = "SELECT kind, status, resolution_wanted FROM returns WHERE id = :id"
    [back] = await bench.shop.rows(query, id=await return_of(bench, claim))
    assert back == {
        "kind": "warranty", "status": "authorized", "resolution_wanted": "replacement",
    }  # fmt: skip
    assert await bench.broken() == []


async def test_evidence_is_asked_for_once_more_after_a_week_and_then_denied(bench: Bench) -> None:
    """Warranties 4: a reminder after 7 days, denied after 14."""
    lapse = await unshown(bench)
    claim = lapse.claim_id
    await sweep(bench, "evidence_reminder")
    assert await heard(bench, claim) == ["filed", "under_review"]
    await age(bench, "claims", "created_at", 7 * DAYS, id=claim)
    for _ in range(2):
        await sweep(bench, "evidence_reminder")
        assert await heard(bench, claim) == ["filed", "under_review", "evidence_reminder"]
    await bench.take("deny_unevidenced", lapse)
    assert await status(bench, claim) == ("denied", "no_evidence")
    assert await bench.broken() == []
    with pytest.raises(IllegalMove):
        await shows(bench, claim)


async def test_what_is_shown_in_time_is_judged_again_and_not_denied(bench: Bench) -> None:
    lapse = await unshown(bench)
    claim = lapse.claim_id
    assert await status(bench, claim) == ("under_review", "evidence")
    await shows(bench, claim)
    assert await status(bench, claim) == ("under_review", "value_above_limit")
    await age(bench, "claims", "created_at", 8 * DAYS, id=claim)
    await sweep(bench, "evidence_reminder")
    await bench.take("deny_unevidenced", lapse)
    assert await heard(bench, claim) == ["filed", "under_review", "evidence_added"]
    query = "SELECT status FROM tasks WHERE kind = 'claim_review' AND document_id = :id"
    assert await bench.shop.one(query, id=UUID(str(claim))) == "open"


async def shows(bench: Bench, claim: ClaimId) -> None:
    asked = AddEvidence(evidence=("https://photos.example.com/1.jpg",))
    async with bench.shop.books.begin() as db:
        await add_evidence(db, claim, asked, Policy(), actor="support")
