"""Documents in the books: per kind its table and state machine, and how every kind is written."""

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, cached_property
from typing import Any, Generic, TypeVar, cast
from uuid import UUID

from prometheus_client import Counter
from sqlalchemy import Row, TextClause, bindparam, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from db.events import ADD_EVENTS, Event, add_events, to_add
from db.metadata import DocumentRow, columns_of
from db.orders.by_hand import MOVES_BY_HAND
from db.orders.tables import OrderRow
from db.payments import AGAIN
from db.refunds.tables import RefundRow
from db.returns.coming import WAITS as RETURNS_WAIT
from db.returns.tables import ReturnRow
from db.shipments.captures import OWES
from db.shipments.picking import UNPICKED
from db.shipments.tables import ShipmentRow
from domain.documents import Document, Kind, correlation_id
from domain.errors import NotFound
from domain.lifecycle import Moves, check_running, move
from domain.money import Money
from domain.orders import status as orders
from domain.refunds import status as refunds
from domain.returns import status as returns
from domain.shipments import status as shipments
from telemetry import metrics

R = TypeVar("R", bound=DocumentRow)


@dataclass(frozen=True)
class Documents(Generic[R]):
    """One kind of document: where its rows are, how they move, and when they need a run.

    Everything that changes a document locks its row first. A move is one statement: status,
    version and event together.
    """

    kind: Kind
    row: type[R]
    made: str
    """The event with which its history begins: ``placed`` of ``order.placed``."""
    first: StrEnum
    moves: Moves[Any]
    running: AbstractSet[StrEnum]
    """The states in which it is on its way, and may be asked for something."""
    run: str
    """Selects id, number, status, customer_id and source (or NULL), and ``about`` (JSON)."""
    summary: Callable[[Mapping[str, Any]], str]
    """Says in a few words what a document is about, of ``about``."""
    unfinished: str
    """Selects id, number and ``since`` of the documents that need a run."""
    transitions: Counter
    """Counts the moves between states."""
    part_of: Kind | None = None
    """The kind of the document that this one belongs to; its column is ``<kind>_id``."""
    waits: str = ""
    """Selects what, detail, since and document_id: what only this kind waits for."""

    @property
    def table(self) -> str:
        """The name of the table."""
        return str(self.row.__tablename__)

    @cached_property
    def _lock(self) -> Any:
        # Statements are made once: to build one anew costs the worker more than to run it. No key
        # changes, so that others may write rows that refer to this one meanwhile.
        table = self.row.__table__
        query = select(table).where(self.row.id == bindparam("document"))
        return query.with_for_update(key_share=True)

    async def lock(self, db: AsyncConnection, document_id: UUID) -> R:
        """Lock and return a document's row; raise NotFound."""
        found: Row[Any] | None = (
            await db.execute(self._lock, {"document": document_id})
        ).one_or_none()
        if found is None:
            raise NotFound(f"there is no {self.kind} {document_id}")
        return cast(R, found)

    async def change(self, db: AsyncConnection, document: R, **values: Any) -> None:
        """Write columns of a locked document and count its version up."""
        row = self.row
        await db.execute(
            update(columns_of(row))
            .where(row.id == document.id)
            .values(version=row.version + 1, **values)
        )

    async def move(
        self,
        db: AsyncConnection,
        document: R,
        target: StrEnum,
        actor: str,
        data: Mapping[str, Any] | None = None,
        **values: Any,
    ) -> None:
        """Move a locked document along its state table, with the event ``<kind>.<target>``.

        ``values`` are further columns to write, ``data`` what the event tells beside the states. A
        column ``<target>_at`` is set to now.
        """
        event = self.moved(document, target, actor, data)
        given = {"document": document.id, "to_status": target, "events": to_add([event])}
        stamp = f"{target}_at" if f"{target}_at" in self.row.__table__.columns else ""
        await db.execute(_move(self.table, stamp, tuple(values)), {**given, **values})

    def moved(
        self, document: R, target: StrEnum, actor: str, data: Mapping[str, Any] | None = None
    ) -> Event:
        """Return the event of a move along the state table, and count it."""
        status = document.status
        move(self.moves, type(target)(status), target)
        metrics.count(self.transitions.labels(status, str(target)))
        told = {"from": status, "to": target, **(data or {})}
        return self.event(document, str(target), actor, told)

    def event(self, document: R, what: str, actor: str, data: Mapping[str, Any]) -> Event:
        """Return the event ``<kind>.<what>`` of a document, correlated by its process."""
        root, context = Document(self.kind, document.id), {}
        if self.part_of is not None:
            column = f"{self.part_of}_id"
            root = Document(self.part_of, getattr(document, column))
            context = {column: root.id}
        return Event(
            f"{self.kind}.{what}",
            subject=document.number,
            subject_id=document.id,
            actor=actor,
            correlation_id=correlation_id(root),
            data={**context, **data},
        )

    async def add_event(
        self, db: AsyncConnection, document: R, what: str, actor: str, data: Mapping[str, Any]
    ) -> None:
        """Append the event ``<kind>.<what>`` of a locked document."""
        await add_events(db, [self.event(document, what, actor, data)])

    def check_running(self, status: str) -> None:
        """Raise IllegalMove when a document in this state has ended."""
        check_running(self.kind, status, self.running)


@cache
def _move(table: str, stamp: str, columns: tuple[str, ...]) -> TextClause:
    changes = ["status = :to_status", "version = version + 1"]
    changes += [f"{column} = :{column}" for column in columns]
    changes += [f"{stamp} = now()"] if stamp else []
    return text(
        f"""WITH moved AS (UPDATE {table} SET {", ".join(changes)} WHERE id = :document)
        {ADD_EVENTS}"""
    )


def _order_summary(about: Mapping[str, Any]) -> str:
    total = Money(amount=about["amount"], currency=about["currency"])
    return f"{about['units']} units, {total}"


def _shipment_summary(about: Mapping[str, Any]) -> str:
    return f"{about['service']} with {about['carrier']}"


def _refund_summary(about: Mapping[str, Any]) -> str:
    return f"{Money(amount=about['amount'], currency=about['currency'])} of {about['order']}"


def _return_summary(about: Mapping[str, Any]) -> str:
    return f"{about['units']} units of {about['order']} come back"


# The first scan of one of its parcels proves that a booked shipment has left.
_SCANNED = """s.status = 'booked' AND EXISTS (SELECT 1 FROM parcels p
            WHERE p.shipment_id = s.id AND p.status NOT IN ('booked', 'voided'))"""

ORDERS = Documents(
    kind=Kind.ORDER,
    row=OrderRow,
    made="placed",
    first=orders.OrderStatus.PENDING,
    moves=orders.MOVES,
    running=orders.RUNNING,
    run="""SELECT o.id, o.number, o.status, o.customer_id, o.source, jsonb_build_object(
        'amount', o.total_amount, 'currency', o.currency, 'units', (
            SELECT sum(l.quantity) FROM order_lines l WHERE l.order_id = o.id)) AS about
    FROM orders o""",
    summary=_order_summary,
    transitions=metrics.transitions(Kind.ORDER),
    unfinished="""SELECT o.id, o.number, o.placed_at AS since FROM orders o
    WHERE o.status IN ('pending', 'confirmed')""",
    waits=f"""SELECT 'provider' AS what, m.order_id AS document_id,
        'a ' || m.kind || ' by hand is with the payment provider' AS detail,
        m.recorded_at AS since
    FROM ({MOVES_BY_HAND}) m""",
)
SHIPMENTS = Documents(
    kind=Kind.SHIPMENT,
    row=ShipmentRow,
    made="planned",
    first=shipments.ShipmentStatus.PENDING,
    moves=shipments.MOVES,
    running=shipments.RUNNING,
    # Its run begins with booking the departure, so that is the state in which it starts.
    run=f"""SELECT s.id, s.number,
        CASE WHEN {_SCANNED} THEN 'picked_up' ELSE s.status END AS status, o.customer_id,
        o.source,
        jsonb_build_object('service', s.service, 'carrier', s.carrier) AS about
    FROM shipments s JOIN orders o ON o.id = s.order_id""",
    summary=_shipment_summary,
    transitions=metrics.transitions(Kind.SHIPMENT),
    part_of=Kind.ORDER,
    # From the first scan until it is settled and paid; and again while money that the provider
    # took back is asked for, or given, once more.
    unfinished=f"""SELECT s.id, s.number, coalesce(s.handed_over_at, s.booked_at) AS since
    FROM shipments s JOIN orders o ON o.id = s.order_id
    WHERE o.status = 'confirmed' AND CASE WHEN s.handed_over_at IS NULL
        THEN {_SCANNED} ELSE s.settled_at IS NULL OR ({OWES}) END
    UNION SELECT s.id, s.number, coalesce(t.closed_at, t.opened_at) AS since
    FROM tasks t JOIN shipments s ON s.id = t.document_id JOIN orders o ON o.id = s.order_id
    WHERE (t.kind = 'capture_failed' AND t.status = 'open' AND o.status <> 'confirmed')
        OR ({AGAIN})""",
    waits=f"""SELECT 'warehouse' AS what, s.id AS document_id,
        s.number || ' waits to be picked: ' || {UNPICKED} || ' units to scan' AS detail,
        s.created_at AS since
    FROM shipments s WHERE s.status = 'pending' AND {UNPICKED} > 0
    UNION ALL SELECT 'carrier' AS what, s.id AS document_id,
        s.number || ' is ' || replace(s.status, '_', ' ') AS detail,
        coalesce(s.handed_over_at, s.booked_at) AS since
    FROM shipments s WHERE s.settled_at IS NULL
        AND s.status NOT IN ('pending', 'voided', 'cancelled')""",
)
REFUNDS = Documents(
    kind=Kind.REFUND,
    row=RefundRow,
    made="requested",
    first=refunds.RefundStatus.REQUESTED,
    moves=refunds.MOVES,
    running=refunds.RUNNING,
    run="""SELECT r.id, r.number, r.status, o.customer_id, o.source, jsonb_build_object(
        'amount', r.amount, 'currency', r.currency, 'order', o.number) AS about
    FROM refunds r JOIN orders o ON o.id = r.order_id""",
    summary=_refund_summary,
    transitions=metrics.transitions(Kind.REFUND),
    part_of=Kind.ORDER,
    unfinished="""SELECT r.id, r.number, coalesce(r.failed_at, r.created_at) AS since
    FROM refunds r WHERE r.status IN ('requested', 'approved', 'submitted', 'failed')""",
    waits="""SELECT 'provider' AS what, r.id AS document_id,
        r.number || ' is with the payment provider' AS detail, r.submitted_at AS since
    FROM refunds r WHERE r.status = 'submitted'""",
)
RETURNS = Documents(
    kind=Kind.RETURN,
    row=ReturnRow,
    made="requested",
    first=returns.ReturnStatus.REQUESTED,
    moves=returns.MOVES,
    running=returns.RUNNING,
    run="""SELECT r.id, r.number, r.status, r.customer_id, o.source, jsonb_build_object(
        'order', o.number, 'units', (
            SELECT sum(l.quantity) FROM return_lines l WHERE l.return_id = r.id)) AS about
    FROM returns r JOIN orders o ON o.id = r.order_id""",
    summary=_return_summary,
    transitions=metrics.transitions(Kind.RETURN),
    part_of=Kind.ORDER,
    # Also one that has ended, while its label is to be given back, or bought for what goes back.
    unfinished="""SELECT r.id, r.number, r.created_at AS since FROM returns r
    WHERE r.status IN ('requested', 'authorized', 'received', 'inspected')
    UNION SELECT r.id, r.number, coalesce(r.cancelled_at, r.expired_at, r.created_at) AS since
    FROM returns r JOIN return_labels l ON l.return_id = r.id
    WHERE l.status = 'voiding' OR l.direction = 'outbound' AND l.status = 'pending'""",
    waits=RETURNS_WAIT,
)

_ALL = (ORDERS, SHIPMENTS, REFUNDS, RETURNS)
DOCUMENTS: Mapping[Kind, Documents[Any]] = {each.kind: each for each in _ALL}
"""Every kind; a kind without an entry here has no place in the books."""
