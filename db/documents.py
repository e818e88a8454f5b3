"""Documents in the books: per kind its table, its state machine, and the queries about its runs."""

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from db.metadata import Base
from db.orders.tables import OrderRow
from db.shipments.captures import OWES
from db.shipments.tables import ShipmentRow
from domain.documents import Document, Kind, Run, run_id
from domain.errors import NotFound
from domain.ids import CustomerId
from domain.lifecycle import Moves, check_running
from domain.money import Money
from domain.orders import status as orders
from domain.shipments import status as shipments


@dataclass(frozen=True)
class Documents:
    """One kind of document: where its rows are, how they move, and when they need a run."""

    kind: Kind
    row: type[Base]
    prefix: str
    """What its human numbers begin with."""
    first: StrEnum
    moves: Moves[Any]
    running: AbstractSet[StrEnum]
    """The states in which it is on its way, and may be asked for something."""
    run: str
    """Selects id, number, status, customer_id and ``about`` (JSON) of the documents."""
    summary: Callable[[Mapping[str, Any]], str]
    """Says in a few words what a document is about, of ``about``."""
    unfinished: str
    """Selects id, number and ``since`` of the documents that need a run."""

    belongs_to: Kind | None = None
    """The kind of document that it is a part of, by the column ``<kind>_id``."""
    waits: str = ""
    """Selects what, detail, since and document_id: what only this kind waits for."""

    @property
    def table(self) -> str:
        """The name of the table."""
        return str(self.row.__tablename__)

    def check_running(self, status: str) -> None:
        """Raise IllegalMove when a document in this state has ended."""
        check_running(self.kind, status, self.moves, self.running)


def _order_summary(about: Mapping[str, Any]) -> str:
    total = Money(amount=about["amount"], currency=about["currency"])
    return f"{about['units']} units, {total}"


def _shipment_summary(about: Mapping[str, Any]) -> str:
    return f"{about['service']} with {about['carrier']}"


# The first scan of one of its parcels proves that a booked shipment has left.
_SCANNED = """s.status = 'booked' AND EXISTS (SELECT 1 FROM parcels p
            WHERE p.shipment_id = s.id AND p.status NOT IN ('booked', 'voided'))"""

DOCUMENTS: Mapping[Kind, Documents] = {
    each.kind: each
    for each in (
        Documents(
            kind=Kind.ORDER,
            row=OrderRow,
            prefix="SO",
            first=orders.OrderStatus.PENDING,
            moves=orders.MOVES,
            running=orders.RUNNING,
            run="""SELECT o.id, o.number, o.status, o.customer_id, jsonb_build_object(
                'amount', o.total_amount, 'currency', o.currency, 'units', (
                    SELECT sum(l.quantity) FROM order_lines l WHERE l.order_id = o.id)) AS about
            FROM orders o""",
            summary=_order_summary,
            unfinished="""SELECT o.id, o.number, o.placed_at AS since FROM orders o
            WHERE o.status IN ('pending', 'confirmed')""",
        ),
        Documents(
            kind=Kind.SHIPMENT,
            row=ShipmentRow,
            prefix="SHP",
            first=shipments.ShipmentStatus.PENDING,
            moves=shipments.MOVES,
            running=shipments.RUNNING,
            # Its run begins with booking the departure, so that is the state in which it starts.
            run=f"""SELECT s.id, s.number,
                CASE WHEN {_SCANNED} THEN 'picked_up' ELSE s.status END AS status, o.customer_id,
                jsonb_build_object('service', s.service, 'carrier', s.carrier) AS about
            FROM shipments s JOIN orders o ON o.id = s.order_id""",
            summary=_shipment_summary,
            # From the first scan until it is settled and paid.
            unfinished=f"""SELECT s.id, s.number, coalesce(s.handed_over_at, s.booked_at) AS since
            FROM shipments s JOIN orders o ON o.id = s.order_id
            WHERE o.status = 'confirmed' AND CASE WHEN s.handed_over_at IS NULL
                THEN {_SCANNED} ELSE s.settled_at IS NULL OR ({OWES}) END""",
            belongs_to=Kind.ORDER,
            waits="""SELECT 'carrier' AS what, s.id AS document_id,
                s.number || ' is ' || replace(s.status, '_', ' ') AS detail,
                coalesce(s.handed_over_at, s.booked_at) AS since
            FROM shipments s WHERE s.settled_at IS NULL
                AND s.status NOT IN ('pending', 'voided', 'cancelled')""",
        ),
    )
}
"""Every kind; a kind without an entry here has no place in the books."""


def run_of(document: Document, number: str, status: str, customer_id: UUID, about: Any) -> Run:
    """Make the run of a document of what its kind's query selects."""
    summary = f"{number}: {DOCUMENTS[document.kind].summary(about)}"
    return Run(document, number, status, customer_id, summary)


_RUN = {
    kind: text(f"SELECT number, status, customer_id, about FROM ({each.run}) d WHERE id = :id")
    for kind, each in DOCUMENTS.items()
}


async def get_run(
    db: AsyncConnection, document: Document, only_customer: CustomerId | None = None
) -> Run:
    """Return what a document's run is known by.

    Raises NotFound, also for another customer's document when ``only_customer`` is given.
    """
    found = (await db.execute(_RUN[document.kind], {"id": document.id})).one_or_none()
    if found is None or only_customer not in (None, found.customer_id):
        raise NotFound(f"there is no {document.kind} {document.id}")
    return run_of(document, *found)


class Unfinished(NamedTuple):
    """A document that needs a run; ``due`` while the outbox still has a message for that run."""

    kind: Kind
    id: UUID
    number: str
    due: bool

    @property
    def document(self) -> Document:
        """The document itself."""
        return Document(self.kind, self.id)

    @property
    def run_id(self) -> str:
        """The workflow id of the run that it needs."""
        return run_id(self.kind, self.number)


_UNFINISHED = text(
    "SELECT kind, id, number,"
    " EXISTS (SELECT 1 FROM outbox o WHERE o.document_id = d.id) AS due FROM ("
    + " UNION ALL ".join(
        f"SELECT '{kind}' AS kind, u.* FROM ({each.unfinished}) u"
        for kind, each in DOCUMENTS.items()
    )
    + """) d WHERE id > :after AND since <= now() - CAST(:older_than AS interval)
    ORDER BY id LIMIT :limit"""
)
_FIRST = UUID(int=0)


async def find_unfinished(
    db: AsyncConnection,
    *,
    after: UUID = _FIRST,
    older_than: timedelta = timedelta(),
    limit: int | None = None,
) -> Sequence[Unfinished]:
    """Return documents that need a run, in the order of their ids."""
    given = {"after": after, "older_than": older_than, "limit": limit}
    rows = await db.execute(_UNFINISHED, given)
    return [Unfinished(Kind(kind), *rest) for kind, *rest in rows]
