"""Every kind of document in the books: its table, its state machine, and when it needs a run."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from db.claims.tables import ClaimRow
from db.document import Documents
from db.inventory.demand import SERVABLE
from db.orders.backorders import LACKING
from db.orders.by_hand import MOVES_BY_HAND
from db.orders.tables import OrderRow
from db.payments import AGAIN
from db.refunds.tables import RefundRow
from db.returns.coming import WAITS as RETURNS_WAIT
from db.returns.tables import ReturnRow
from db.shipments.captures import OWES
from db.shipments.picking import UNPICKED
from db.shipments.tables import ShipmentRow
from db.work_orders.supply import LACKS
from db.work_orders.tables import WorkOrderRow
from domain.claims import status as claims
from domain.documents import Kind
from domain.money import Money
from domain.orders import status as orders
from domain.refunds import status as refunds
from domain.returns import status as returns
from domain.shipments import status as shipments
from domain.work_orders import status as work_orders
from telemetry import metrics


def _order_summary(about: Mapping[str, Any]) -> str:
    total = Money(amount=about["amount"], currency=about["currency"])
    return f"{about['units']} units, {total}"


def _shipment_summary(about: Mapping[str, Any]) -> str:
    return f"{about['service']} with {about['carrier']}"


def _refund_summary(about: Mapping[str, Any]) -> str:
    return f"{Money(amount=about['amount'], currency=about['currency'])} of {about['order']}"


def _claim_summary(about: Mapping[str, Any]) -> str:
    return f"{about['symptom']}: {about['units']} of {about['sku']}, {about['warranty']}"


def _work_order_summary(about: Mapping[str, Any]) -> str:
    return f"{about['kind']} of {about['units']} of {about['sku']}: {about['title']}"


def _return_summary(about: Mapping[str, Any]) -> str:
    return f"{about['units']} units of {about['order']} come back"


def _site_summary(about: Mapping[str, Any]) -> str:
    return f"stock of {about['name']} for those who wait"


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
    FROM ({MOVES_BY_HAND}) m
    UNION ALL SELECT 'stock' AS what, l.order_id AS document_id,
        {LACKING} || ' units of ' || l.sku AS detail, l.short_since AS since
    FROM order_lines l WHERE l.short_since IS NOT NULL""",
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

CLAIMS = Documents(
    kind=Kind.CLAIM,
    row=ClaimRow,
    made="filed",
    first=claims.ClaimStatus.FILED,
    moves=claims.MOVES,
    running=claims.RUNNING,
    run="""SELECT c.id, c.number, c.status, c.customer_id, o.source, jsonb_build_object(
        'symptom', c.symptom, 'units', c.quantity, 'sku', i.sku, 'warranty', w.number) AS about
    FROM claims c JOIN warranties w ON w.id = c.warranty_id JOIN items i ON i.id = w.item_id
    LEFT JOIN orders o ON o.id = c.order_id""",
    summary=_claim_summary,
    transitions=metrics.transitions(Kind.CLAIM),
    unfinished="""SELECT c.id, c.number, c.created_at AS since FROM claims c
    WHERE c.status IN ('filed', 'under_review', 'approved')""",
    waits="""SELECT 'customer' AS what, c.id AS document_id,
        c.number || ' waits until ' || (c.evidence_due_at AT TIME ZONE 'UTC')::date
            || ' for what shows the fault' AS detail, c.created_at AS since
    FROM claims c WHERE c.evidence_due_at IS NOT NULL
    UNION ALL SELECT 'return' AS what, c.id AS document_id,
        c.number || ' waits for ' || r.number || ', which is ' || r.status
            || ': see /returns/' || r.id || '/process' AS detail, c.approved_at AS since
    FROM claims c JOIN returns r ON r.claim_id = c.id
    WHERE c.status = 'approved' AND r.status IN ('authorized', 'received', 'inspected')""",
)


@dataclass(frozen=True)
class Runs:
    """What is no document and has runs all the same: how they are known, and when one is needed."""

    kind: Kind
    run: str
    """Selects id, number, status, customer_id, source and ``about``, as of documents."""
    summary: Callable[[Mapping[str, Any]], str]
    unfinished: str


SITES = Runs(
    kind=Kind.SITE,
    run="""SELECT s.id, s.code AS number, 'reviewing' AS status, NULL::uuid AS customer_id,
        NULL::text AS source, jsonb_build_object('name', s.name) AS about FROM sites s""",
    summary=_site_summary,
    unfinished=SERVABLE,
)

WORK_ORDERS = Documents(
    kind=Kind.WORK_ORDER,
    row=WorkOrderRow,
    made="created",
    first=work_orders.WorkOrderStatus.PLANNED,
    moves=work_orders.MOVES,
    running=work_orders.RUNNING,
    run="""SELECT w.id, w.number, w.status, w.customer_id, NULL AS source, jsonb_build_object(
        'kind', w.kind, 'title', w.title, 'units', w.quantity, 'sku', i.sku) AS about
    FROM work_orders w JOIN items i ON i.id = w.item_id""",
    summary=_work_order_summary,
    transitions=metrics.transitions(Kind.WORK_ORDER),
    unfinished="""SELECT w.id, w.number, w.released_at AS since FROM work_orders w
    WHERE w.status IN ('released', 'in_progress', 'completed')""",
    waits=f"""SELECT 'planner' AS what, w.id AS document_id,
        w.number || ' is planned: it waits to be released' AS detail, w.created_at AS since
    FROM work_orders w WHERE w.status = 'planned'
    UNION ALL SELECT 'warehouse' AS what, w.id AS document_id,
        w.number || ' waits for parts that the site has not' AS detail, w.released_at AS since
    FROM work_orders w WHERE w.status IN ('released', 'in_progress') AND {LACKS}
    UNION ALL SELECT 'operator' AS what, w.id AS document_id,
        w.number || ' waits to be started' AS detail, w.released_at AS since
    FROM work_orders w WHERE w.status = 'released' AND NOT {LACKS}
    UNION ALL SELECT 'operator' AS what, w.id AS document_id,
        w.number || ' is worked on' AS detail, w.in_progress_at AS since
    FROM work_orders w WHERE w.status = 'in_progress' AND NOT {LACKS}
    UNION ALL SELECT 'inspector' AS what, w.id AS document_id,
        w.number || ' waits to be signed off' AS detail, w.completed_at AS since
    FROM work_orders w WHERE w.status = 'completed'""",
)

_ALL = (ORDERS, SHIPMENTS, REFUNDS, RETURNS, CLAIMS, WORK_ORDERS)
DOCUMENTS: Mapping[Kind, Documents[Any]] = {each.kind: each for each in _ALL}
"""Every kind; a kind without an entry here has no place in the books."""
RUNS: Mapping[Kind, Documents[Any] | Runs] = {**DOCUMENTS, SITES.kind: SITES}
"""Everything that has runs."""
