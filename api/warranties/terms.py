"""HTTP for warranty terms: what the company promises, version by version."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import fastapi
from fastapi import APIRouter, Request, Response
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncConnection

from activities.warranties.defining import define_term
from api.answers import keyed_response
from api.deps import Books, Db, require
from api.etags import IfNoneMatch, tagged
from api.fields import WITHHELD, Actor, OwnId, by_id
from api.headers import LOCATED
from api.idempotency import RequiredKey, idempotent_create
from api.pages import Page, PageQuery
from api.problems import BODY, KEYED, NOT_MODIFIED, READ, problems
from api.rows import last_id, money, view_for
from db.pages import get_page
from db.warranties.tables import WarrantyTermRow
from db.warranties.terms import get_term, search_terms
from domain.access import Caller
from domain.disclosure import disclose_actor
from domain.errors import NotFound
from domain.ids import WarrantyTermId
from domain.money import Money
from domain.value import Name, Value
from domain.warranties.terms import (
    CODE,
    Cover,
    DefineTerm,
    RefundRule,
    ReplacementRule,
    Settlement,
    WarrantyStart,
)

router = APIRouter(prefix="/warranties/terms", tags=["warranties"])


class WarrantyTermView(Value):
    """One version of a warranty term: what it promises stays, a change makes another version."""

    id: OwnId[WarrantyTermId]
    code: str = Field(description=f"{CODE}; each version has the same.")
    version: int
    """Counts the versions of the code from 1; the highest is what is sold now."""
    duration_months: int | None
    """For how many months of the calendar it holds; null: for a lifetime."""
    starts: WarrantyStart
    """The day on which it begins, by UTC."""
    covers: tuple[Cover, ...]
    """What it pays for."""
    excluded_symptoms: tuple[str, ...]
    """What it does not cover."""
    max_claims: int | None
    """After so many settled claims there are no more; null: as many as there are."""
    transferable: bool
    """Whether it goes on when the goods have another owner."""
    replacement_rule: ReplacementRule
    """Until when a unit is under warranty that replaces one which failed."""
    minimum_days: int | None
    """The least days of a replacement's warranty, by the rule `remaining_or_minimum`."""
    refund_rule: RefundRule
    """What of the price goes back where a claim is settled by a refund."""
    settle_by: tuple[Settlement, ...]
    """How claims are settled, what is preferred first."""
    evidence_for: tuple[str, ...]
    """What has to be shown, by a photo for instance."""
    auto_limit: Money | None = Field(
        description="Claims on units that cost at most this are approved by themselves; null: none"
        f" is. {WITHHELD}"
    )
    defined_by: Actor
    valid_from: datetime
    """Since when it is what goods are sold with, in UTC; until the next version."""


class WarrantyTermQuery(PageQuery):
    """Which versions of terms."""

    code: Name | None = None
    """Those of the term with this code."""
    newest: bool | None = None
    """The newest version of each term, or only the others; all when left out."""


@router.get("", responses=problems(*READ))
async def list_terms(
    query: Annotated[WarrantyTermQuery, fastapi.Query()],
    caller: Annotated[Caller, require("warranties:read")],
    db: Db,
    request: Request,
) -> Page[WarrantyTermView]:
    """All versions of all terms, the newest first."""
    found = search_terms(code=query.code, newest=query.newest)
    rows, more = await get_page(
        db, WarrantyTermRow, found, WarrantyTermRow.id, after=query.after, limit=query.limit
    )
    views = [_shown(row, caller) for row in rows]
    return Page[WarrantyTermView].of(views, request.url.path, query, last_id(rows, more))


@router.get(
    "/{term_id}",
    response_model=WarrantyTermView,
    responses=NOT_MODIFIED | problems(*READ, NotFound),
)
async def show_term(
    term_id: Annotated[UUID, by_id("version of a warranty term")],
    caller: Annotated[Caller, require("warranties:read")],
    db: Db,
    has: IfNoneMatch = None,
) -> Response:
    """One version of a term."""
    row = await get_term(db, term_id)
    return tagged(row.version, _shown(row, caller).model_dump_json().encode(), has)


@router.post(
    "",
    status_code=201,
    response_model=WarrantyTermView,
    responses=LOCATED | problems(*READ, *BODY, *KEYED),
)
async def define(
    term: DefineTerm,
    caller: Annotated[Caller, require("warranties:define")],
    key: RequiredKey,
    books: Books,
) -> Response:
    """Define a term, or its next version: what was sold before keeps the one of its delivery.

    A version that says what the newest one says already is refused with that one's `id`.
    """

    async def write(db: AsyncConnection, term_id: UUID) -> WarrantyTermView:
        return _shown(await define_term(db, term_id, term, actor=caller.subject), caller)

    made = await idempotent_create(books, caller, key, "POST /warranties/terms", term, write)
    return keyed_response(made, f"/warranties/terms/{made.resource_id}")


def _shown(row: WarrantyTermRow, caller: Caller) -> WarrantyTermView:
    return view_for(
        caller,
        "warranty term",
        WarrantyTermView,
        row,
        auto_limit=money(row.auto_limit_amount, row.auto_limit_currency),
        defined_by=disclose_actor(row.defined_by, caller),
    )
