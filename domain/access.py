"""Permissions: one table of command × role; what it does not list is denied."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Self
from uuid import UUID

from pydantic import AfterValidator, StringConstraints, model_validator

from domain.errors import Forbidden
from domain.ids import CustomerId
from domain.value import Actor, Value


class Role(StrEnum):
    """What a caller is here for."""

    CUSTOMER = "customer"
    SUPPORT = "support"
    WAREHOUSE = "warehouse"
    PLANNER = "planner"
    OPERATOR = "operator"
    INSPECTOR = "inspector"
    BUYER = "buyer"
    FINANCE = "finance"
    ADMIN = "admin"
    INTEGRATION = "integration"


class Command(StrEnum):
    """Everything that can be asked of the product; also the names of scopes."""

    ORDERS_READ = "orders:read"
    ORDERS_PLACE = "orders:place"
    ORDERS_PRICE = "orders:price"
    ORDERS_CHANGE = "orders:change"
    ORDERS_CANCEL = "orders:cancel"
    ORDERS_HOLD = "orders:hold"
    ORDERS_PAY = "orders:pay"
    CUSTOMERS_READ = "customers:read"
    CUSTOMERS_CREATE = "customers:create"
    CUSTOMERS_CHANGE = "customers:change"
    CUSTOMERS_STATUS = "customers:status"
    CUSTOMERS_CREDIT = "customers:credit"
    CREDIT_READ = "credit:read"
    ITEMS_READ = "items:read"
    ITEMS_CREATE = "items:create"
    ITEMS_CHANGE = "items:change"
    ITEMS_DISCONTINUE = "items:discontinue"
    INVENTORY_READ = "inventory:read"
    INVENTORY_ADJUST = "inventory:adjust"
    INVENTORY_RESERVE = "inventory:reserve"
    INVENTORY_MOVE = "inventory:move"
    LOTS_CHANGE = "lots:change"
    LOTS_INSPECT = "lots:inspect"
    LOTS_WITHDRAW = "lots:withdraw"
    INVENTORY_INSPECT = "inventory:inspect"
    SITES_CREATE = "sites:create"
    SITES_CHANGE = "sites:change"
    SHIPMENTS_READ = "shipments:read"
    SHIPMENTS_PICK = "shipments:pick"
    SHIPMENTS_TRACK = "shipments:track"
    PAYMENTS_READ = "payments:read"
    PAYMENTS_CAPTURE = "payments:capture"
    PAYMENTS_VOID = "payments:void"
    PAYMENTS_RECEIVE = "payments:receive"
    REFUNDS_READ = "refunds:read"
    REFUNDS_REQUEST = "refunds:request"
    REFUNDS_APPROVE = "refunds:approve"
    REFUNDS_CANCEL = "refunds:cancel"
    REFUNDS_RETRY = "refunds:retry"
    RETURNS_READ = "returns:read"
    RETURNS_REQUEST = "returns:request"
    RETURNS_AUTHORIZE = "returns:authorize"
    RETURNS_REJECT = "returns:reject"
    RETURNS_CANCEL = "returns:cancel"
    RETURNS_RECEIVE = "returns:receive"
    RETURNS_INSPECT = "returns:inspect"
    RETURNS_CLOSE = "returns:close"
    WARRANTIES_READ = "warranties:read"
    WARRANTIES_DEFINE = "warranties:define"
    WARRANTIES_REGISTER = "warranties:register"
    WARRANTIES_VOID = "warranties:void"
    WARRANTIES_EXTEND = "warranties:extend"
    CLAIMS_READ = "claims:read"
    CLAIMS_FILE = "claims:file"
    CLAIMS_DECIDE = "claims:decide"
    WORK_ORDERS_READ = "work_orders:read"
    WORK_ORDERS_CREATE = "work_orders:create"
    WORK_ORDERS_PLAN = "work_orders:plan"
    WORK_ORDERS_WORK = "work_orders:work"
    WORK_ORDERS_SIGN_OFF = "work_orders:sign_off"
    COSTS_READ = "costs:read"
    EVENTS_READ = "events:read"
    TASKS_READ = "tasks:read"
    TASKS_DECIDE = "tasks:decide"
    KEYS_CREATE = "keys:create"
    PAYLOADS_READ = "payloads:read"
    SOURCES_ALL = "sources:all"
    INTERNALS_READ = "internals:read"


R = Role
C = Command
_STAFF = frozenset(Role) - {R.CUSTOMER, R.INTEGRATION}

ALLOWED: Mapping[Command, frozenset[Role]] = {
    C.ORDERS_READ: _STAFF | {R.CUSTOMER, R.INTEGRATION},
    C.ORDERS_PLACE: frozenset({R.CUSTOMER, R.SUPPORT, R.ADMIN, R.INTEGRATION}),
    C.ORDERS_PRICE: frozenset({R.SUPPORT, R.ADMIN}),
    C.ORDERS_CHANGE: frozenset({R.CUSTOMER, R.SUPPORT, R.ADMIN, R.INTEGRATION}),
    C.ORDERS_CANCEL: frozenset({R.CUSTOMER, R.SUPPORT, R.ADMIN, R.INTEGRATION}),
    C.ORDERS_HOLD: frozenset({R.SUPPORT, R.FINANCE, R.ADMIN}),
    C.ORDERS_PAY: frozenset({R.CUSTOMER, R.SUPPORT, R.FINANCE, R.ADMIN, R.INTEGRATION}),
    C.CUSTOMERS_READ: frozenset({R.CUSTOMER, R.SUPPORT, R.FINANCE, R.ADMIN, R.INTEGRATION}),
    C.CUSTOMERS_CREATE: frozenset({R.SUPPORT, R.ADMIN, R.INTEGRATION}),
    C.CUSTOMERS_CHANGE: frozenset({R.CUSTOMER, R.SUPPORT, R.FINANCE, R.ADMIN, R.INTEGRATION}),
    C.CUSTOMERS_STATUS: frozenset({R.SUPPORT, R.FINANCE, R.ADMIN}),
    C.CUSTOMERS_CREDIT: frozenset({R.FINANCE, R.ADMIN}),
    C.CREDIT_READ: frozenset({R.SUPPORT, R.FINANCE, R.ADMIN, R.INTEGRATION}),
    C.ITEMS_READ: _STAFF | {R.CUSTOMER, R.INTEGRATION},
    C.ITEMS_CREATE: frozenset({R.ADMIN, R.INTEGRATION}),
    C.ITEMS_CHANGE: frozenset({R.ADMIN, R.INTEGRATION}),
    C.ITEMS_DISCONTINUE: frozenset({R.ADMIN}),
    C.INVENTORY_READ: _STAFF | {R.INTEGRATION},
    C.INVENTORY_ADJUST: frozenset({R.WAREHOUSE, R.ADMIN, R.INTEGRATION}),
    C.INVENTORY_RESERVE: frozenset({R.SUPPORT, R.WAREHOUSE, R.PLANNER, R.ADMIN, R.INTEGRATION}),
    C.INVENTORY_MOVE: frozenset({R.WAREHOUSE, R.INSPECTOR, R.ADMIN, R.INTEGRATION}),
    C.LOTS_CHANGE: frozenset({R.WAREHOUSE, R.INSPECTOR, R.ADMIN, R.INTEGRATION}),
    C.LOTS_INSPECT: frozenset({R.INSPECTOR, R.ADMIN}),
    C.LOTS_WITHDRAW: frozenset({R.ADMIN}),
    C.INVENTORY_INSPECT: frozenset({R.INSPECTOR, R.ADMIN}),
    C.SITES_CREATE: frozenset({R.PLANNER, R.ADMIN}),
    C.SITES_CHANGE: frozenset({R.PLANNER, R.ADMIN}),
    C.SHIPMENTS_READ: _STAFF | {R.CUSTOMER, R.INTEGRATION},
    C.SHIPMENTS_PICK: frozenset({R.WAREHOUSE, R.ADMIN, R.INTEGRATION}),
    C.SHIPMENTS_TRACK: frozenset({R.WAREHOUSE, R.SUPPORT, R.ADMIN}),
    C.PAYMENTS_READ: frozenset({R.CUSTOMER, R.SUPPORT, R.FINANCE, R.ADMIN, R.INTEGRATION}),
    C.PAYMENTS_CAPTURE: frozenset({R.FINANCE, R.ADMIN}),
    C.PAYMENTS_VOID: frozenset({R.FINANCE, R.ADMIN}),
    C.PAYMENTS_RECEIVE: frozenset({R.FINANCE, R.ADMIN}),
    C.REFUNDS_READ: frozenset({R.CUSTOMER, R.SUPPORT, R.FINANCE, R.ADMIN, R.INTEGRATION}),
    C.REFUNDS_REQUEST: frozenset({R.SUPPORT, R.FINANCE, R.ADMIN}),
    C.REFUNDS_APPROVE: frozenset({R.FINANCE, R.ADMIN}),
    C.REFUNDS_CANCEL: frozenset({R.FINANCE, R.ADMIN}),
    C.REFUNDS_RETRY: frozenset({R.FINANCE, R.ADMIN}),
    C.RETURNS_READ: _STAFF | {R.CUSTOMER, R.INTEGRATION},
    C.RETURNS_REQUEST: frozenset({R.CUSTOMER, R.SUPPORT, R.ADMIN, R.INTEGRATION}),
    C.RETURNS_AUTHORIZE: frozenset({R.SUPPORT, R.ADMIN}),
    C.RETURNS_REJECT: frozenset({R.SUPPORT, R.ADMIN}),
    C.RETURNS_CANCEL: frozenset({R.CUSTOMER, R.SUPPORT, R.ADMIN, R.INTEGRATION}),
    C.RETURNS_RECEIVE: frozenset({R.WAREHOUSE, R.ADMIN, R.INTEGRATION}),
    C.RETURNS_INSPECT: frozenset({R.INSPECTOR, R.ADMIN}),
    C.RETURNS_CLOSE: frozenset({R.SUPPORT, R.ADMIN}),
    C.WARRANTIES_READ: _STAFF | {R.CUSTOMER, R.INTEGRATION},
    C.WARRANTIES_DEFINE: frozenset({R.ADMIN, R.INTEGRATION}),
    C.WARRANTIES_REGISTER: frozenset({R.CUSTOMER, R.SUPPORT, R.ADMIN, R.INTEGRATION}),
    C.WARRANTIES_VOID: frozenset({R.SUPPORT, R.ADMIN}),
    C.WARRANTIES_EXTEND: frozenset({R.SUPPORT, R.ADMIN}),
    C.CLAIMS_READ: _STAFF | {R.CUSTOMER, R.INTEGRATION},
    C.CLAIMS_FILE: frozenset({R.CUSTOMER, R.SUPPORT, R.ADMIN, R.INTEGRATION}),
    C.CLAIMS_DECIDE: frozenset({R.SUPPORT, R.ADMIN}),
    C.WORK_ORDERS_READ: _STAFF,
    C.WORK_ORDERS_CREATE: frozenset({R.SUPPORT, R.PLANNER, R.ADMIN}),
    C.WORK_ORDERS_PLAN: frozenset({R.PLANNER, R.ADMIN}),
    C.WORK_ORDERS_WORK: frozenset({R.OPERATOR, R.PLANNER, R.ADMIN}),
    C.WORK_ORDERS_SIGN_OFF: frozenset({R.INSPECTOR, R.ADMIN}),
    C.COSTS_READ: frozenset({R.SUPPORT, R.PLANNER, R.BUYER, R.FINANCE, R.ADMIN, R.INTEGRATION}),
    C.EVENTS_READ: _STAFF | {R.INTEGRATION},
    C.TASKS_READ: _STAFF,
    C.TASKS_DECIDE: _STAFF,
    C.KEYS_CREATE: frozenset({R.ADMIN}),
    C.PAYLOADS_READ: frozenset({R.ADMIN}),
    C.SOURCES_ALL: _STAFF,
    C.INTERNALS_READ: _STAFF | {R.INTEGRATION},
}
"""The roles that may give each command.

Besides, a customer is confined to its own documents, and who may not `sources:all` to its source's.
"""

GRANTABLE: Mapping[Command, frozenset[Role]] = {
    C.ORDERS_PRICE: frozenset({R.INTEGRATION}),
    C.REFUNDS_REQUEST: frozenset({R.INTEGRATION}),
    C.SOURCES_ALL: frozenset({R.INTEGRATION}),
}
"""Commands that these roles may give only when their key or token carries the scope."""


def _known(scope: str) -> str:
    if scope not in set(Command):
        raise ValueError(f"{scope} is not a scope")
    return scope


Scope = Annotated[str, StringConstraints(max_length=64), AfterValidator(_known)]
"""The name of a command, as given to a key."""


@dataclass(frozen=True, slots=True)
class Reach:
    """Whose documents a caller may see: one customer's, one source's, or all of them."""

    customer_id: CustomerId | None = None
    source: str | None = None

    def covers(self, customer_id: UUID | None, source: str | None) -> bool:
        """Whether a document of this customer and from this source is among them."""
        return self.customer_id in (None, customer_id) and self.source in (None, source)


EVERYTHING = Reach()


class Caller(Value):
    """Who asks: a stable name for the audit trail, a role, extra scopes, and whose documents.

    The name is that of a key (``key:<name>``), which outlives the key itself, or that which the
    ``issuer`` of a token gave (``user:<sub>``).
    """

    subject: Actor
    role: Role
    scopes: frozenset[str] = frozenset()
    customer_id: CustomerId | None = None
    issuer: str = ""
    former_identity: str | None = None
    """The `identity` under which the release before kept its answers, which live for 72 hours."""

    @model_validator(mode="after")
    def _customers_are_somebody(self) -> Self:
        if self.role is Role.CUSTOMER and self.customer_id is None:
            raise ValueError("a customer's credential names its customer_id")
        return self

    @property
    def name(self) -> str:
        """What the key or the token calls it; of an integration, the source of its documents."""
        return self.subject.split(":", 1)[-1]

    @property
    def reach(self) -> Reach:
        """The documents that this caller may see; those of others do not exist for it."""
        if self.role is Role.CUSTOMER:
            return Reach(customer_id=self.customer_id)
        if self.role is Role.INTEGRATION and not self.may(Command.SOURCES_ALL):
            return Reach(source=self.name)
        return EVERYTHING

    @property
    def identity(self) -> str:
        """Whose idempotency keys are used.

        An integration's by its name, whatever credential it has now; a person's by issuer, subject
        and customer, so that no answer about one customer is replayed to another.
        """
        return " ".join(str(part) for part in (self.customer_id, self.issuer, self.subject) if part)

    def may(self, command: Command) -> bool:
        """Whether the table, or a scope that the table lets be granted, allows the command."""
        granted = command in self.scopes and self.role in GRANTABLE.get(command, frozenset())
        return granted or self.role in ALLOWED.get(command, frozenset())

    def require(self, command: Command) -> None:
        """Raise Forbidden unless the caller may give the command."""
        if not self.may(command):
            raise Forbidden(f"the role {self.role} may not {command}", command=str(command))
