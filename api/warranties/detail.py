"""One warranty in full: with its latest claims, and what it replaces or is replaced by."""

from datetime import UTC, date, datetime
from uuid import UUID

from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncConnection

from api.fields import WITHHELD, CreatedAt, Number, OwnId
from api.rows import view, view_for
from api.warranties.views import (
    LastDay,
    WarrantyView,
    judged,
    promise_of,
)
from db.claims.reads import claims_on
from db.warranties.chains import chain_of
from db.warranties.reads import WarrantyRead, get_warranty
from domain.access import Caller
from domain.claims.status import ClaimRule, ClaimStatus
from domain.ids import ClaimId, WarrantyId
from domain.value import Value
from domain.warranties.coverage import judge
from domain.warranties.status import ShownStatus
from domain.warranties.terms import Settlement

MOST_CLAIMS = 20
MOST_LINKS = 20


class WarrantyClaimView(Value):
    """A claim on a warranty, in short; `GET /warranties/claims/{id}` has all of it."""

    id: OwnId[ClaimId]
    number: Number
    status: ClaimStatus
    """How far it is."""
    rule: ClaimRule
    """By what it is where it is."""
    symptom: str
    """What is wrong in a word or two."""
    quantity: int
    """How many units have failed."""
    failed_on: date
    """The day of the fault, by UTC."""
    resolution: Settlement | None
    """What was promised; null before that, and where it is settled without a return."""
    created_at: CreatedAt


class WarrantyLink(Value):
    """A warranty on goods that were replaced on a claim, or that replace others."""

    id: OwnId[WarrantyId]
    number: Number
    status: ShownStatus
    """Where it is today."""
    serial: str | None
    """What stands on the unit, where it is known by that; else null."""
    starts_on: date
    """The first day, by UTC."""
    ends_on: LastDay
    replaces_id: WarrantyId | None
    """The warranty on the goods that these have replaced; null of what was sold first."""


class WarrantyDetail(WarrantyView):
    """A warranty with its claims, and with those on what was replaced on them, before or since."""

    claims: tuple[WarrantyClaimView, ...] | None = Field(
        description=f"The latest {MOST_CLAIMS} claims on it at most, newest first; all are at"
        f" `/warranties/claims?warranty_id=`. {WITHHELD}"
    )
    replaces: tuple[WarrantyLink, ...] = Field(
        description="What its goods replace, and what those did before: the nearest first, of what"
        f" the caller may see {MOST_LINKS} at most."
    )
    replaced_by: tuple[WarrantyLink, ...] = Field(
        description="What has replaced its goods, and what has replaced those since: the nearest"
        f" first, of what the caller may see {MOST_LINKS} at most."
    )


def today() -> date:
    """Return the day that it is, by UTC."""
    return datetime.now(UTC).date()


async def warranty_detail(db: AsyncConnection, warranty_id: UUID, caller: Caller) -> WarrantyDetail:
    """Return one warranty as the caller may see it; raise NotFound."""
    on = today()
    row = await get_warranty(db, warranty_id, caller.reach)
    chain = await chain_of(db, row.id, caller.reach, MOST_LINKS)
    claims = await claims_on(db, row.id, caller.reach, MOST_CLAIMS)
    return view_for(
        caller,
        "warranty",
        WarrantyDetail,
        row,
        **judged(row, on),
        claims=[view(WarrantyClaimView, claim) for claim in claims],
        replaces=[_link(each, on) for each in chain.before],
        replaced_by=[_link(each, on) for each in chain.since],
    )


def _link(row: WarrantyRead, on: date) -> WarrantyLink:
    status = judge(promise_of(row), on).shown
    return view(WarrantyLink, row, status=status)
