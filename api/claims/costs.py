"""HTTP for what claims cost in all, by item or by warranty term."""

from typing import Annotated

import fastapi
from fastapi import APIRouter
from pydantic import Field

from api.deps import Db, require
from api.pages import MOMENT, Query
from api.problems import READ, problems
from api.work_orders.costs import ClaimSpentView
from db.claims.sums import By, Group, sums_of_claims
from db.claims.tables import ClaimRow
from db.pages import Window
from domain.access import Caller
from domain.ids import ItemId
from domain.value import Instant, Value
from domain.work_orders.costs import summed

router = APIRouter(prefix="/warranties/claims", tags=["claims"])


class CostQuery(Query):
    """Which claims, and by what they are summed."""

    by: By = By.ITEM
    """What the claims of a sum have in common: the `item` that failed, or the warranty `term`."""
    created_from: Instant | None = Field(
        default=None, description=f"{MOMENT}: what was filed then or later."
    )
    created_to: Instant | None = Field(
        default=None, description=f"{MOMENT}: what was filed before it."
    )


class CostGroupView(Value):
    """What the claims on an item, or under a term, have cost."""

    name: str
    """The item's SKU, or the term's code."""
    item_id: ItemId | None
    """The item, by its `id`; null for a term."""
    claims: int
    """How many were filed, whatever became of them."""
    sums: tuple[ClaimSpentView, ...]
    """By currency; empty where nothing was spent."""
    unknown: int
    """How many things are in no sum because their value is not known."""


class CostsView(Value):
    """What claims have cost, summed."""

    groups: tuple[CostGroupView, ...]
    """One for each item or term with a claim, by name."""


@router.get("/costs", responses=problems(*READ))
async def costs(
    query: Annotated[CostQuery, fastapi.Query()],
    caller: Annotated[Caller, require("costs:read")],
    db: Db,
) -> CostsView:
    """What the claims have cost so far that were filed then."""
    filed = Window(ClaimRow.created_at, query.created_from, query.created_to)
    groups = await sums_of_claims(db, query.by, filed, caller.reach)
    return CostsView(groups=tuple(_shown(each) for each in groups))


def _shown(group: Group) -> CostGroupView:
    sums = tuple(ClaimSpentView.model_validate(each) for each in summed(group.spent))
    unknown = sum(each["lines"] for each in group.spent if each["amount"] is None)
    return CostGroupView(
        name=group.name,
        item_id=group.item_id and ItemId(group.item_id),
        claims=group.claims,
        sums=sums,
        unknown=unknown,
    )
