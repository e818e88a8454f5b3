"""HTTP for customers."""

from typing import Annotated
from uuid import UUID

import fastapi
from fastapi import APIRouter, Request, Response
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncConnection

from activities.customers.accepting import create_customer
from activities.customers.changing import apply_change
from api.answers import keyed_response
from api.deps import Books, Db, require
from api.etags import IfMatch, IfNoneMatch, check_match, tagged
from api.fields import (
    WITHHELD,
    CreatedAt,
    ExternalReference,
    KeptMetadata,
    OwnId,
    Source,
    UpdatedAt,
    Version,
    by_id,
)
from api.headers import LOCATED
from api.idempotency import OptionalKey, RequiredKey, idempotent_change, idempotent_create
from api.notifier import Notifier
from api.pages import DatedQuery, Page
from api.problems import BODY, KEYED, NOT_MODIFIED, READ, problems
from api.rows import last_id, money, view_for
from db.customers import CustomerRow, get_customer, search_customers
from db.pages import get_page
from domain.access import Caller, Command
from domain.addresses import Address
from domain.customers import (
    CreateCustomer,
    CustomerChange,
    CustomerFlag,
    CustomerKind,
    CustomerStatus,
)
from domain.errors import AlreadyExists, IllegalMove, NotFound, Stale
from domain.ids import CustomerId
from domain.metadata import check_metadata
from domain.money import Money
from domain.sources import attributed
from domain.value import Name, Value

router = APIRouter(prefix="/customers", tags=["customers"])


class CustomerView(Value):
    """A customer."""

    id: OwnId[CustomerId]
    kind: CustomerKind
    """A person or a company."""
    name: str
    """What people call it."""
    email: str | None
    """Trimmed and in lower case; belongs to one customer only."""
    phone: str | None
    """In the form of E.164, such as `+4930123456`."""
    status: CustomerStatus
    """Whether it may place orders."""
    flags: tuple[CustomerFlag, ...] | None = Field(
        description=f"What staff should know of it, in order of the words. {WITHHELD}"
    )
    terms_days: int | None = Field(
        description="So many days after its confirmation an order on terms is to be paid; 0: none"
        f" are on terms. {WITHHELD}"
    )
    credit_limit: Money | None = Field(
        description="The most that its orders on terms may owe together; null: there are none."
        f" {WITHHELD}"
    )
    source: Source
    external_reference: ExternalReference
    address: Address | None
    """Where it is at home; each order says for itself where it goes."""
    metadata: KeptMetadata
    created_at: CreatedAt
    updated_at: UpdatedAt
    version: Version


class CustomerQuery(DatedQuery):
    """Which customers."""

    email: Name | None = None
    """Who has just this address, in any case."""
    status: CustomerStatus | None = None
    """Whether they may place orders."""
    flag: CustomerFlag | None = None
    """Who has this flag, among others perhaps; only for staff."""


@router.get("", responses=problems(*READ))
async def search(
    query: Annotated[CustomerQuery, fastapi.Query()],
    caller: Annotated[Caller, require("customers:read")],
    db: Db,
    request: Request,
) -> Page[CustomerView]:
    """Newest first; a customer sees itself only, an integration those of its own source."""
    if query.flag is not None:
        caller.require(Command.INTERNALS_READ)
    found = search_customers(caller.reach, email=query.email, status=query.status, flag=query.flag)
    rows, more = await get_page(
        db,
        CustomerRow,
        found,
        CustomerRow.id,
        after=query.after,
        limit=query.limit,
        windows=[query.created(CustomerRow.created_at)],
    )
    views = [_shown(row, caller) for row in rows]
    return Page[CustomerView].of(views, request.url.path, query, last_id(rows, more))


@router.get(
    "/{customer_id}",
    response_model=CustomerView,
    responses=NOT_MODIFIED | problems(*READ, NotFound),
)
async def show(
    customer_id: Annotated[UUID, by_id("customer")],
    caller: Annotated[Caller, require("customers:read")],
    db: Db,
    has: IfNoneMatch = None,
) -> Response:
    """One customer; another than oneself does not exist for a customer."""
    row = await get_customer(db, customer_id, caller.reach)
    found = _shown(row, caller)
    return tagged(row.version, found.model_dump_json().encode(), has)


@router.post(
    "",
    status_code=201,
    response_model=CustomerView,
    responses=LOCATED | problems(*READ, *BODY, *KEYED, AlreadyExists),
)
async def create(
    customer: CreateCustomer,
    caller: Annotated[Caller, require("customers:create")],
    key: RequiredKey,
    books: Books,
) -> Response:
    """Add a customer; email, and source with external_reference, belong to one customer only."""

    async def write(db: AsyncConnection, new_id: UUID) -> CustomerView:
        row = await create_customer(db, new_id, asked, actor=caller.subject, reach=caller.reach)
        return _shown(row, caller)

    if customer.on_terms:
        caller.require(Command.CUSTOMERS_CREDIT)
    asked = attributed(customer, caller)
    made = await idempotent_create(
        books, caller, key, "POST /customers", asked, write, given=customer
    )
    return keyed_response(made, f"/customers/{made.resource_id}")


@router.patch(
    "/{customer_id}",
    response_model=CustomerView,
    responses=problems(*READ, *BODY, *KEYED, NotFound, AlreadyExists, IllegalMove, Stale),
)
async def change(
    customer_id: Annotated[UUID, by_id("customer")],
    body: CustomerChange,
    caller: Annotated[Caller, require("customers:change")],
    key: OptionalKey,
    books: Books,
    notifier: Notifier,
    meant: IfMatch = None,
) -> Response:
    """Change a customer; what is left out stays. `status` and `flags` need `customers:status`.

    `terms_days` and `credit_limit` need `customers:credit`. Suspending holds the open orders
    (`manual`); each hold is released for itself.
    """
    check_metadata(body.metadata, caller)
    if body.status is not None or body.flags is not None:
        caller.require(Command.CUSTOMERS_STATUS)
    if body.of_terms:
        caller.require(Command.CUSTOMERS_CREDIT)

    async def write(db: AsyncConnection, _: UUID) -> CustomerView:
        row = await get_customer(db, customer_id, caller.reach, to_change=True)
        check_match(row.version, meant)
        actor, reach = caller.subject, caller.reach
        return _shown(await apply_change(db, row, body, actor=actor, reach=reach), caller)

    route = f"PATCH /customers/{customer_id}"
    changed = await idempotent_change(books, caller, key, route, body, write)
    notifier.notify()
    return keyed_response(changed)


def _shown(row: CustomerRow, caller: Caller) -> CustomerView:
    limit = money(row.credit_limit_amount, row.credit_limit_currency)
    return view_for(caller, "customer", CustomerView, row, credit_limit=limit)
